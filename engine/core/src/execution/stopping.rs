//! The end of an attempt that is being stopped.

use super::{
    Execution,
    decide::{Decided, Decision},
    inputs::{cut, land, stale},
    state::NodeState,
    timeouts::{run_timed_out, timed_out},
};
use crate::{
    clock::Now,
    event::{Call, Event, Failure, StopCause},
    plan::{NodeIndex, OnTimeout},
    retry::Cause,
    stage::StageError,
    wording,
};
use std::time::Duration;

/// For how long a failing abort is tried again.
pub const ABORT_LIMIT: Duration = Duration::from_secs(5 * 60);

pub(super) fn aborted(
    execution: &mut Execution,
    (call, answer): (Call, Result<(), StageError>),
    now: Now,
) -> Decided {
    land(execution, call)?;
    let index = call.node;
    let NodeState::Stopping { cause, since, .. } = &execution.recorded.nodes[index.0] else {
        return Err(stale(execution, call));
    };
    let (cause, since) = (cause.clone(), *since);
    let mut decision = Decision::new(execution, now);
    match answer {
        Ok(()) => stopped(&mut decision, index, (cause, None)),
        Err(error) if now.elapsed.since(since.elapsed) >= ABORT_LIMIT => {
            stopped(&mut decision, index, (cause, Some(cut(error.to_string()))));
        }
        Err(_) => {
            decision.execution.agenda.pause(index, now);
            decision.execution.refresh(index);
        }
    }
    Ok(decision.finish())
}

/// The attempt is over. What an abort left behind is named, and there is no further try.
pub(super) fn stopped(
    decision: &mut Decision<'_>,
    index: NodeIndex,
    (cause, left): (StopCause, Option<String>),
) {
    match (cause, left) {
        (StopCause::Timeout, None)
            if decision.node(index).on_timeout == OnTimeout::Reject
                && decision.state(index).undoes().is_none() =>
        {
            let because = timed_out(decision, index).message;
            decision.reject(index, because);
        }
        (StopCause::Timeout, None) => {
            let failure = timed_out(decision, index);
            decision.attempt_failed(index, failure);
        }
        (StopCause::Timeout, left @ Some(_)) => {
            let Failure { cause, message } = timed_out(decision, index);
            decision.failed(index, Failure { cause, message: with_left(message, left) });
        }
        (StopCause::RunTimeout, left) => {
            let message = with_left(run_timed_out(decision, index), left);
            decision.failed(index, Failure { cause: Cause::Timeout, message });
        }
        (StopCause::Poison { unclean_ends, by }, _) => {
            let words = wording::poison_words(unclean_ends, &by);
            let message = format!("{words}; what it had begun may still be there");
            decision.failed(index, Failure { cause: Cause::Defect, message });
        }
        (
            cause @ (StopCause::Cancel
            | StopCause::Abort { .. }
            | StopCause::FailFast { .. }
            | StopCause::Superseded { .. }
            | StopCause::Withdrawn { .. }
            | StopCause::Preempted { .. }
            | StopCause::NotAdmitted { .. }
            | StopCause::Parent { .. }),
            left,
        ) => {
            let stage = decision.id(index);
            decision.end(index, Event::StageCancelled { stage, cause, left });
        }
    }
}

fn with_left(message: String, left: Option<String>) -> String {
    match left {
        None => message,
        Some(left) => format!("{message}; it could not be stopped: {left}"),
    }
}
