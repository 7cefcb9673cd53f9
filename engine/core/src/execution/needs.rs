//! Whether what a stage needs has ended as it needs it.

use super::{
    decide::Decision,
    state::{End, NodeState},
};
use crate::{
    event::Tolerance,
    plan::{Accepts, Need},
    status::StageStatus,
};
use std::collections::BTreeSet;

impl Decision<'_> {
    /// Why a need is not met by the end of its stage; nothing if it is, or if that has not ended.
    pub(super) fn refusal(&self, need: &Need) -> Option<String> {
        let graph = self.execution.plan.graph();
        match (&need.accepts, &need.of) {
            (Accepts::Plain, _) => plain(&need.stage, self.state(graph.index(&need.stage)?)),
            (Accepts::Statuses(words), None) => {
                let NodeState::Ended(ended) = self.state(graph.index(&need.stage)?) else {
                    return None;
                };
                worded(&need.stage, words, ended.end.status())
            }
            // A stage with a matrix has one status, once all of its nodes have ended.
            (Accepts::Statuses(words), Some(stage)) => {
                worded(stage, words, self.execution.recorded.worst(graph.cells(stage))?)
            }
        }
    }
}

fn plain(stage: &str, state: &NodeState) -> Option<String> {
    let NodeState::Ended(ended) = state else { return None };
    let accepted = match &ended.end {
        End::Succeeded { .. } | End::Skipped { .. } => true,
        End::Failed { tolerance, .. } => *tolerance == Tolerance::Tolerated,
        End::RolledBack { .. }
        | End::Omitted { .. }
        | End::Rejected { .. }
        | End::Cancelled { .. } => false,
    };
    (!accepted).then(|| format!("`{stage}` ended {}", ended.end.status()))
}

fn worded(stage: &str, words: &BTreeSet<StageStatus>, status: StageStatus) -> Option<String> {
    let asked: Vec<_> = words.iter().map(|word| word.word()).collect();
    (!words.contains(&status))
        .then(|| format!("`{stage}` ended {status}, and {} was asked for", asked.join(" or ")))
}
