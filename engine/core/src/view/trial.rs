//! The words of a run with which the engine died.

use super::{StageView, WaitView, instant};
use crate::{
    Execution,
    execution::state::{NodeState, Trial},
    status::{StageStatus, WaitKind},
    wording::died_words,
};

/// More names than these make no sentence.
const NAMES: usize = 5;

impl Execution {
    /// What the whole run waits for because the engine died with it.
    pub(super) fn trial(&self) -> Option<WaitView> {
        let (kind, since, detail) = match &self.recorded().trial {
            Trial::None | Trial::Alone { .. } => return None,
            Trial::Suspected { unclean_ends, since } => {
                (WaitKind::Concurrency, *since, turn_words(*unclean_ends))
            }
            Trial::Asked(_) => {
                let question = self.recorded().question()?;
                let met = (question.unclean_ends, question.stages.as_slice());
                (WaitKind::Question, question.since, question_words(&self.label(), met))
            }
        };
        Some(WaitView {
            kind,
            since: instant(since.civil),
            until: None,
            detail,
            blocked_by: Vec::new(),
            takes: Vec::new(),
        })
    }

    /// Why it is driven by itself, if it is.
    pub(super) fn alone_words(&self) -> Option<String> {
        match self.recorded().trial {
            Trial::Alone { unclean_ends: 0 } => Some("is driven by itself".to_owned()),
            Trial::Alone { unclean_ends } => {
                Some(format!("is driven by itself: {} with it", died_words(unclean_ends)))
            }
            Trial::None | Trial::Suspected { .. } | Trial::Asked(_) => None,
        }
    }

    /// A stage of a run of which nothing is called does not run, whatever it has said before.
    pub(super) fn rested(&self, state: &NodeState, stage: &mut StageView) {
        let words = match &self.recorded().trial {
            Trial::None | Trial::Alone { .. } => return,
            Trial::Suspected { .. } => "stands still until it is its run's turn",
            Trial::Asked(_) if self.recorded().question().is_none() => return,
            Trial::Asked(_) => "stands still until somebody has answered for its run",
        };
        match state {
            NodeState::Running(_) | NodeState::BackingOff(_) | NodeState::Stopping { .. } => {
                stage.status = StageStatus::Waiting;
                stage.why = Some(words.to_owned());
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Held(_)
            | NodeState::Ended(_) => {}
        }
    }
}

/// What happened to a run of this label, and what a person may do about it.
pub fn question_words(run: &str, (unclean_ends, stages): (u32, &[String])) -> String {
    let (died, driven) = (died_words(unclean_ends), names(stages));
    format!(
        "{died} while it drove this run{driven}, the last time by itself: `gennaker answer yes \
         {run}` drives it again, by itself; `gennaker answer no {run}` ends it as failed and calls \
         none of its stages again"
    )
}

/// What a run waits for that is to be driven by itself.
pub fn turn_words(unclean_ends: u32) -> String {
    match unclean_ends {
        0 => "waits for its turn to be driven by itself".to_owned(),
        met => {
            format!("waits for its turn to be driven by itself: {} with it", died_words(met))
        }
    }
}

fn names(stages: &[String]) -> String {
    let some: Vec<String> = stages.iter().take(NAMES).map(|stage| format!("`{stage}`")).collect();
    match stages.len().checked_sub(NAMES) {
        None | Some(0) if some.is_empty() => String::new(),
        None | Some(0) => format!(" ({})", some.join(", ")),
        Some(more) => format!(" ({} and {more} more)", some.join(", ")),
    }
}
