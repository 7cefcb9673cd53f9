//! How long stages usually take: the median of earlier runs, or the honest absence of one.

use super::StageView;
use crate::{
    Execution,
    execution::state::{End, NodeState},
    status::{StageStatus, WaitKind},
    wording,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A median of fewer runs than this says nothing.
const FEWEST: usize = 5;

/// What history says about a stage that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usual {
    /// In words, also if it is not known.
    pub sentence: String,
    pub median_ms: Option<u64>,
    /// The earlier runs in which it succeeded.
    pub runs: usize,
}

impl Usual {
    pub(super) fn of(durations_ms: &[u64]) -> Usual {
        let (mut sorted, runs) = (durations_ms.to_vec(), durations_ms.len());
        sorted.sort_unstable();
        let median = sorted.get(runs / 2).copied().filter(|_| runs >= FEWEST);
        let runs_words = if runs == 1 { "run" } else { "runs" };
        let sentence = match median {
            Some(median) => {
                let median = wording::duration(median);
                format!("usually takes {median}, the median of {runs} earlier {runs_words}")
            }
            None => format!(
                "how long it usually takes is not known: {runs} earlier {runs_words}, {FEWEST} tell"
            ),
        };
        Usual { sentence, median_ms: median, runs }
    }
}

impl Execution {
    /// How long each stage took that has succeeded, in milliseconds.
    pub fn took_ms(&self) -> BTreeMap<String, u64> {
        let nodes = self.plan().nodes().iter().zip(&self.recorded().nodes);
        let took = nodes.filter_map(|(node, state)| match state {
            NodeState::Ended(ended) => match (&ended.end, ended.started_at) {
                (End::Succeeded { .. }, Some(from)) => {
                    let took = ended.ended_at.elapsed.since(from.elapsed);
                    Some((node.id.clone(), crate::clock::milliseconds(took)))
                }
                (
                    End::Succeeded { .. }
                    | End::Skipped { .. }
                    | End::Failed { .. }
                    | End::RolledBack { .. }
                    | End::Omitted { .. }
                    | End::Rejected { .. }
                    | End::Cancelled { .. },
                    _,
                ) => None,
            },
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => None,
        });
        took.collect()
    }
}

/// Whether history can tell when a stage ends: not of people, nor of other runs.
pub(super) fn tells(stage: &StageView) -> bool {
    stage.status == StageStatus::Running
        && match stage.waiting.as_ref().map(|waiting| waiting.kind) {
            None | Some(WaitKind::Readiness | WaitKind::Cluster | WaitKind::Retry) => true,
            // Its end is declared.
            Some(WaitKind::Timer) => false,
            Some(
                WaitKind::Target
                | WaitKind::Approval
                | WaitKind::Rules
                | WaitKind::Freeze
                | WaitKind::Hold
                | WaitKind::Paused
                | WaitKind::Concurrency
                | WaitKind::Question
                | WaitKind::Child,
            ) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::Usual;

    #[test]
    fn a_median_is_told_only_of_enough_runs() {
        let table: [(&[u64], _, &str); 4] = [
            (&[], None, "how long it usually takes is not known: 0 earlier runs, 5 tell"),
            (&[9], None, "how long it usually takes is not known: 1 earlier run, 5 tell"),
            (&[9, 9, 9, 9], None, "how long it usually takes is not known: 4 earlier runs, 5 tell"),
            (
                &[90_000, 1, 60_000, 3_600_000, 61_000],
                Some(61_000),
                "usually takes 1m 1s, the median of 5 earlier runs",
            ),
        ];
        for (durations, median_ms, sentence) in table {
            let expected =
                Usual { sentence: sentence.to_owned(), median_ms, runs: durations.len() };
            assert_eq!(Usual::of(durations), expected);
        }
    }
}
