//! W103: what reaches production without anybody having said yes.
//!
//! A stage waits for all of its needs, so one of them that leads back to an approval is enough, as long
//! as none of the needs on the way would also be met if the approval was rejected or left out.

use super::{APPROVAL, DEPLOY, JOB, is};
use crate::{
    diagnostic::{Code, Diagnostic, quoted},
    pipeline::{Pipeline, Stage, Written},
    plan::{Accepts, Environments},
    status::StageStatus,
};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Ends of a stage that says nothing of what stood before it: it never ran.
const NOT_RUN: [StageStatus; 3] =
    [StageStatus::Omitted, StageStatus::Rejected, StageStatus::Cancelled];
/// Ends of an approval that are no yes.
const NO_YES: [StageStatus; 4] =
    [StageStatus::Omitted, StageStatus::Rejected, StageStatus::Cancelled, StageStatus::Failed];

impl Pipeline {
    /// The stages that write in production and may begin without a yes; of a matrix one is told.
    pub(in crate::pipeline) fn unasked(&self, environments: &Environments) -> Vec<Diagnostic> {
        let asked = asked(&self.stages);
        let mut told = HashSet::new();
        let unasked = self.stages.iter().filter(|stage| {
            writes(stage) && !asked.contains(stage.id.as_str()) && told.insert(stage.span.start)
        });
        let warning = |stage: &Stage| {
            let Written::Present(environment, _) = stage.environment.known() else { return None };
            let asks = environments.asks_by_itself(&environment);
            if asks || !environments.is_production(&environment) {
                return None;
            }
            let message = format!(
                "stage {} writes in {}, a production environment, and nobody is asked before",
                quoted(stage.cell.as_ref().map_or(&stage.id, |cell| &cell.stage)),
                quoted(&environment)
            );
            let warning = Diagnostic::warning(Code::W103, stage.span, message);
            Some(warning.help("let it need an `approval`, and only its yes"))
        };
        unasked.filter_map(warning).collect()
    }
}

fn writes(stage: &Stage) -> bool {
    is(stage, DEPLOY) || is(stage, JOB)
}

/// The stages that begin only after a yes.
fn asked(stages: &[Stage]) -> BTreeSet<&str> {
    let mut dependents: HashMap<&str, Vec<(&Stage, &Accepts)>> = HashMap::new();
    for stage in stages {
        for need in &stage.needs {
            let of = dependents.entry(need.need.stage.as_str()).or_default();
            of.push((stage, &need.need.accepts));
        }
    }
    let mut asked = BTreeSet::new();
    let mut open: Vec<(&str, &[StageStatus])> = stages
        .iter()
        .filter(|stage| is(stage, APPROVAL))
        .map(|stage| (stage.id.as_str(), NO_YES.as_slice()))
        .collect();
    while let Some((before, opens)) = open.pop() {
        for (stage, accepts) in dependents.get(before).into_iter().flatten() {
            let is_kept = match accepts {
                Accepts::Plain => true,
                Accepts::Statuses(words) => !opens.iter().any(|word| words.contains(word)),
            };
            if is_kept && asked.insert(stage.id.as_str()) {
                open.push((&stage.id, &NOT_RUN));
            }
        }
    }
    asked
}
