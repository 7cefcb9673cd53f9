//! Which deploys ask a person because a later run of their pipeline has deployed before, read from
//! the log of all runs.

use crate::{actors::OUT_OF_DATE, story::Reached};
use engine_core::{
    event::{Event, Signal},
    id::RunId,
    plan::Plan,
};
use std::{collections::BTreeMap, sync::Arc};

/// How far the question of a stage has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    Open,
    Yes,
    No,
}

pub(crate) struct Outdated<'a> {
    plans: &'a BTreeMap<RunId, Arc<Plan>>,
    numbers: BTreeMap<RunId, u64>,
    /// Who has recorded a revision of an environment, and in which row of its log.
    recorded: BTreeMap<String, Vec<(RunId, u64)>>,
    questions: BTreeMap<(RunId, String), Question>,
}

impl<'a> Outdated<'a> {
    pub(crate) fn new(plans: &'a BTreeMap<RunId, Arc<Plan>>) -> Outdated<'a> {
        Outdated {
            plans,
            numbers: BTreeMap::new(),
            recorded: BTreeMap::new(),
            questions: BTreeMap::new(),
        }
    }

    /// `are_kin` says whether two runs may write at once: one may have looked before the other wrote.
    pub(crate) fn read(
        &mut self,
        (run, row, event): (RunId, u64, &Event),
        are_kin: impl Fn(RunId, RunId) -> bool,
        reached: &mut Reached,
    ) {
        match event {
            Event::RunStarted { number, .. } => {
                self.numbers.insert(run, *number);
            }
            Event::AttemptStarted { stage, .. } => {
                self.questions.remove(&(run, stage.clone()));
            }
            Event::StageWaiting { stage, reason, .. } if reason.detail.starts_with(OUT_OF_DATE) => {
                // Another stage of the run may have deployed since this one looked.
                let later = self.later((run, row.saturating_sub(1)), &self.environment(run, stage));
                assert_ne!(later, [], "{run} {stage} asks although nobody has overtaken it");
                self.questions.insert((run, stage.clone()), Question::Open);
                reached.count("out of date", 1);
            }
            Event::StageSignalled { stage, signal, .. } => {
                if let Some(question @ Question::Open) =
                    self.questions.get_mut(&(run, stage.clone()))
                {
                    let (answer, situation) = match signal {
                        Signal::Yes => (Question::Yes, "out of date: go on all the same"),
                        _ => (Question::No, "out of date: leave it"),
                    };
                    *question = answer;
                    reached.count(situation, 1);
                }
            }
            Event::RevisionRecorded { stage, target, .. } => {
                let asked = self.questions.remove(&(run, stage.clone()));
                let later = self.later((run, u64::MAX), &target.environment);
                match asked {
                    Some(Question::Yes) => {}
                    Some(Question::No) => panic!("{run} {stage} deploys after a no"),
                    Some(Question::Open) | None => assert!(
                        later.iter().all(|other| are_kin(run, *other)),
                        "{run} {stage} replaces what {later:?} has deployed, and nobody was asked"
                    ),
                }
                self.recorded.entry(target.environment.clone()).or_default().push((run, row));
            }
            _ => {}
        }
    }

    fn environment(&self, run: RunId, stage: &str) -> String {
        let plan = &self.plans[&run];
        let node = plan.node(plan.graph().index(stage).unwrap());
        node.environment.clone().expect("who deploys has an environment")
    }

    /// The later runs of its pipeline that have deployed since a run did, before that row of its own.
    fn later(&self, (run, before): (RunId, u64), environment: &str) -> Vec<RunId> {
        let pipeline = |run: &RunId| &self.plans[run].document().pipeline;
        let recorded = self.recorded.get(environment).map(Vec::as_slice).unwrap_or_default();
        let since = recorded
            .iter()
            .rposition(|(by, row)| *by == run && *row < before)
            .map_or(0, |at| at + 1);
        let is_later =
            |by: &RunId| pipeline(by) == pipeline(&run) && self.numbers[by] > self.numbers[&run];
        recorded[since..].iter().map(|(by, _)| *by).filter(is_later).collect()
    }
}
