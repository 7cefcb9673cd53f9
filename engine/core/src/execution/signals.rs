//! What a person says to a stage that waits for one.

use super::{Execution, decide::Decision, inputs::Decided, rollback::Way, state::NodeState};
use crate::{
    clock::Now,
    event::{Event, Rejected, Signal, Signalled, Tolerance},
    plan::NodeIndex,
    status::WaitKind,
};

impl Execution {
    /// The node of a stage that takes `signal` now; or what it takes instead.
    pub fn takes(&self, stage: &str, signal: Signal) -> Result<NodeIndex, Rejected> {
        let index = self.plan.graph().index(stage).ok_or_else(|| Rejected::NoStage {
            stage: stage.to_owned(),
            known: self
                .plan
                .nodes()
                .iter()
                .map(|node| node.id.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let state = self.node_state(index);
        let taken = accepted(state, self.way_back(index));
        if taken.contains(&signal) {
            return Ok(index);
        }
        let words: Vec<&str> = taken.iter().map(|signal| signal.word()).collect();
        let instead = match (state, words.as_slice()) {
            (NodeState::Ended(ended), _) => format!("it has ended {}", ended.end.status()),
            (state, []) => format!("it is {} and asks nobody", state.status()),
            (_, words) => format!("it takes {}", words.join(", ")),
        };
        Err(Rejected::NotTaken { stage: stage.to_owned(), signal, instead })
    }
}

/// What a person can say to a node as it stands.
fn accepted(state: &NodeState, way_back: Way) -> &'static [Signal] {
    match (state, way_back) {
        (NodeState::Held(_), Way::Open) => {
            &[Signal::Retry, Signal::Continue, Signal::RollBack, Signal::Abort]
        }
        (NodeState::Held(_), Way::Closed) => &[Signal::Retry, Signal::Continue, Signal::Abort],
        (NodeState::Running(attempt), _) => match attempt.wait_kind() {
            Some(WaitKind::Approval) => &[Signal::Approve, Signal::Reject],
            Some(WaitKind::Question) => &[Signal::Yes, Signal::No],
            Some(
                WaitKind::Target
                | WaitKind::Timer
                | WaitKind::Readiness
                | WaitKind::Cluster
                | WaitKind::Retry
                | WaitKind::Hold
                | WaitKind::Paused
                | WaitKind::Concurrency
                | WaitKind::Child,
            )
            | None => &[],
        },
        (
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_),
            _,
        ) => &[],
    }
}

pub(super) fn take(
    execution: &mut Execution,
    (stage, signalled): (&str, Signalled),
    now: Now,
) -> Decided {
    let index = execution.takes(stage, signalled.signal)?;
    let held = execution.node_state(index).held();
    let held = held.map(|held| (held.attempts, held.failure.clone()));
    let Signalled { signal, actor, reason } = signalled;
    let stage = stage.to_owned();
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::StageSignalled { stage, signal, actor, reason });
    match (signal, held) {
        // What failed before its first attempt has not passed its gates.
        (Signal::Retry, Some((0, _))) => decision.admit(index),
        (Signal::Retry, Some((attempts, _))) => decision.begin_attempt(index, attempts + 1),
        (Signal::Continue, Some((_, failure))) => {
            decision.fail(index, (failure, Tolerance::Tolerated));
        }
        (Signal::Abort, Some((_, failure))) => decision.fail_and_abort(index, failure),
        (Signal::RollBack, Some((_, failure))) => decision.roll_back(index, failure),
        // The attempt's next step sees it.
        (
            Signal::Approve
            | Signal::Reject
            | Signal::Retry
            | Signal::Continue
            | Signal::Abort
            | Signal::RollBack
            | Signal::Yes
            | Signal::No,
            _,
        ) => {
            decision.execution.agenda.urge(index);
            decision.execution.refresh(index);
        }
    }
    Ok(decision.finish())
}
