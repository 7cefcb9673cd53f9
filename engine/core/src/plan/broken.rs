//! The plan of a file of which no run can be made: its run is invalid from its first moment on.

use super::{Callers, Document, FORMAT, GraphError, Origin, Plan, Timeout};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Faults that are kept of one file, and the characters of each.
const FAULTS: usize = 20;
const FAULT_CHARACTERS: usize = 500;

/// What is wrong with a pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// Where it lies in its source.
    pub path: String,
    /// The commit that changed it last, if it is not enough to name the one that was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Each with its line and column: `E001 3:1 unknown key …`.
    pub faults: Vec<String>,
}

/// A pipeline file that is broken at a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenFile {
    pub application: String,
    pub pipeline: String,
    pub path: String,
    /// As [`Broken::since`].
    pub since: Option<String>,
    pub faults: Vec<String>,
    pub origin: Option<Origin>,
}

impl Plan {
    /// The plan of a broken file: it has no nodes, asks for no place and holds nothing. Of many or long
    /// faults some are kept.
    ///
    /// # Errors
    ///
    /// None, for there are no nodes that could not be a graph.
    pub fn broken(file: BrokenFile) -> Result<Plan, GraphError> {
        let BrokenFile { application, pipeline, path, since, faults, origin } = file;
        Plan::new(Document {
            format: FORMAT,
            application,
            pipeline,
            description: None,
            labels: BTreeMap::new(),
            callers: Callers::Repository,
            concurrency: None,
            timeout: Timeout::Never,
            parameters: BTreeMap::new(),
            environments: BTreeMap::new(),
            observed: BTreeMap::new(),
            images: BTreeMap::new(),
            resolved: BTreeMap::new(),
            carried: BTreeMap::new(),
            nodes: Vec::new(),
            callees: BTreeMap::new(),
            source: None,
            origin,
            broken: Some(Broken { path, since, faults: bounded(faults) }),
        })
    }
}

fn bounded(mut faults: Vec<String>) -> Vec<String> {
    let more = faults.len().saturating_sub(FAULTS);
    faults.truncate(FAULTS);
    let mut kept: Vec<String> = faults.into_iter().map(cut).collect();
    if more > 0 {
        kept.push(format!("and {more} more"));
    }
    kept
}

fn cut(mut fault: String) -> String {
    if let Some((end, _)) = fault.char_indices().nth(FAULT_CHARACTERS) {
        fault.truncate(end);
        fault.push('…');
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Execution, Start,
        clock::{Civil, Elapsed, Now},
        event::{Actor, Event, Input, Rejected, Trigger, Way},
        id::RunId,
        repeat::NotRepeated,
        status::RunStatus,
        view::Surroundings,
    };
    use std::sync::Arc;

    fn plan(faults: Vec<String>) -> Plan {
        let (repository, reference) = ("git.example.com/shop/web", "refs/heads/main");
        Plan::broken(BrokenFile {
            application: "shop".to_owned(),
            pipeline: "web".to_owned(),
            path: ".gennaker/web.yaml".to_owned(),
            since: Some("5e4d3c2b1a6f7890123456789012345678901234".to_owned()),
            faults,
            origin: Some(Origin {
                repository: repository.to_owned(),
                reference: reference.to_owned(),
                commit: "1a2b3c4d5e6f7890123456789012345678901234".to_owned(),
                branches: Vec::new(),
            }),
        })
        .unwrap()
    }

    fn now() -> Now {
        Now { elapsed: Elapsed(7), civil: Civil(7) }
    }

    fn started() -> (Execution, Vec<Event>) {
        let plan = plan(vec!["E001 3:1 unknown key".to_owned()]);
        let start = Start {
            id: RunId(uuid::Uuid::from_u128(1)),
            number: 4,
            plan: plan.store().unwrap().0,
            trigger: Trigger::Manual,
            actor: Actor { name: "git:kim".to_owned(), way: Way::Event },
            ancestry: Vec::new(),
            parent: None,
            offers: Vec::new(),
        };
        Execution::start(Arc::new(plan), start, now())
    }

    #[test]
    fn a_run_of_it_is_invalid_as_soon_as_it_begins_and_asks_for_nothing() {
        let (mut run, events) = started();
        let ended = Event::RunEnded { status: RunStatus::Invalid, warnings: 0 };
        assert!(matches!(&events[..], [Event::RunStarted { .. }, last] if *last == ended));
        let summary = run.summary();
        assert_eq!((summary.status, summary.ended_at), (RunStatus::Invalid, Some(now())));
        assert!(run.due().is_empty() && run.recorded().slot.is_none());
        assert_eq!(
            run.handle(Input::Tick, now()),
            Err(Rejected::Ended { status: RunStatus::Invalid })
        );
        let log = events.iter().map(|event| (event, now()));
        let again = Execution::replay(run.plan().clone(), run.recorded().id, log).unwrap();
        assert_eq!(again.recorded(), run.recorded());
    }

    #[test]
    fn it_says_which_file_is_broken_where_and_is_never_repeated() {
        let (run, _) = started();
        let view = run.view(&Surroundings::default());
        let because =
            ".gennaker/web.yaml is broken at commit 1a2b3c4d5e, since 5e4d3c2b1a".to_owned();
        assert_eq!(view.reason.as_ref(), Some(&because));
        assert_eq!(view.faults, ["E001 3:1 unknown key"]);
        let refused = Err(NotRepeated::Invalid { label: "web#4".to_owned(), because });
        assert_eq!((run.may_be_repeated(), run.may_be_retried()), (refused.clone(), refused));
    }

    #[test]
    fn of_many_and_long_faults_some_are_kept_and_the_others_counted() {
        let many = vec!["ä".repeat(FAULT_CHARACTERS * 2); FAULTS + 3];
        let plan = plan(many);
        let kept = &plan.document().broken.as_ref().unwrap().faults;
        assert_eq!((kept.len(), &*kept[FAULTS]), (FAULTS + 1, "and 3 more"));
        assert!(kept.iter().all(|it| it.chars().count() <= FAULT_CHARACTERS + 1));
        let stored = plan.store().unwrap().1;
        assert_eq!(Plan::restore(&stored).unwrap(), plan);
    }
}
