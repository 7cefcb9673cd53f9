//! What is said of an attempt that time ran out for.

use super::{decide::Decision, state::NodeState};
use crate::{
    event::Failure,
    plan::{NodeIndex, Timeout},
    retry::Cause,
    status::WaitKind,
    wording,
};

/// The failure of an attempt whose time ran out, with the newest words of what it waited for.
pub(super) fn timed_out(decision: &Decision<'_>, index: NodeIndex) -> Failure {
    let timeout = match decision.state(index) {
        NodeState::Stopping { attempt, .. } => attempt.part.timeout(decision.node(index).timeout),
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Ended(_) => decision.node(index).timeout,
    };
    let limit = match timeout {
        Timeout::Never => String::new(),
        Timeout::AfterMs(limit_ms) => format!(" after {}", wording::duration(limit_ms)),
    };
    let Some(reason) = decision.state(index).waiting() else {
        return Failure { cause: Cause::Timeout, message: format!("timed out{limit}") };
    };
    let words = decision.execution.agenda.words(index).unwrap_or(&reason.detail);
    let (cause, message) = match reason.kind {
        WaitKind::Cluster => (Cause::Error, format!("given up{limit}: {words}")),
        WaitKind::Target
        | WaitKind::Timer
        | WaitKind::Readiness
        | WaitKind::Retry
        | WaitKind::Approval
        | WaitKind::Rules
        | WaitKind::Freeze
        | WaitKind::Hold
        | WaitKind::Paused
        | WaitKind::Concurrency
        | WaitKind::Question
        | WaitKind::Child => (Cause::Timeout, format!("timed out{limit}, still waiting: {words}")),
    };
    Failure { cause, message }
}

/// Why an attempt ended that the run had no more time for.
pub(super) fn run_timed_out(decision: &Decision<'_>, index: NodeIndex) -> String {
    const OVER: &str = "the time of the whole run ran out";
    match decision.state(index).waiting() {
        None => OVER.to_owned(),
        Some(reason) => {
            let words = decision.execution.agenda.words(index).unwrap_or(&reason.detail);
            format!("{OVER}, still waiting: {words}")
        }
    }
}
