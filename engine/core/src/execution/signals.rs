//! What a person says to a stage that waits for one.

use super::{
    Execution,
    decide::{Decided, Decision},
    rollback::Way,
    state::NodeState,
};
use crate::{
    clock::Now,
    event::{Event, Gate, Rejected, Seen, Signal, Signalled, Tolerance},
    plan::NodeIndex,
    status::WaitKind,
};

impl Execution {
    /// The node of the stage that an answer is for, if it takes it now and stands as its author saw
    /// it.
    pub fn answered(&self, stage: &str, answer: &Signalled) -> Result<NodeIndex, Rejected> {
        self.stands(self.named(stage)?, &answer.seen)?;
        let index = self.takes(stage, answer.signal)?;
        match answer.signal {
            Signal::Approve => Ok(index),
            signal @ (Signal::Reject
            | Signal::Retry
            | Signal::Continue
            | Signal::Abort
            | Signal::RollBack
            | Signal::Yes
            | Signal::No) => match answer.inputs.is_empty() {
                true => Ok(index),
                false => Err(Rejected::NoInputs { signal }),
            },
        }
    }

    /// The node of a stage that takes `signal` now; or what it takes instead.
    pub fn takes(&self, stage: &str, signal: Signal) -> Result<NodeIndex, Rejected> {
        let index = self.named(stage)?;
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

    fn named(&self, stage: &str) -> Result<NodeIndex, Rejected> {
        self.plan.graph().index(stage).ok_or_else(|| {
            let known: Vec<&str> = self.plan.nodes().iter().map(|node| node.id.as_str()).collect();
            Rejected::NoStage { stage: stage.to_owned(), known: known.join(", ") }
        })
    }

    /// Whether everything is still as it was shown.
    fn stands(&self, index: NodeIndex, seen: &Seen) -> Result<(), Rejected> {
        let (recorded, state, run) = (&self.recorded, self.node_state(index), self.label());
        match seen {
            Seen { run: Some(seen), .. } if *seen != recorded.id => {
                Err(Rejected::OtherRun { run, seen: *seen })
            }
            Seen { plan: Some(seen), .. } if *seen != recorded.plan => {
                let (seen, now) = (seen.clone(), recorded.plan.clone());
                Err(Rejected::OtherPlan { run, seen, now })
            }
            Seen { attempt: Some(seen), .. } if *seen != state.attempts() => {
                let (stage, status) = (self.plan.node(index).id.clone(), state.status());
                let now = state.attempts();
                Err(Rejected::AttemptPassed { run, stage, seen: *seen, now, status })
            }
            Seen { .. } => Ok(()),
        }
    }
}

/// What a person can say to a node as it stands.
fn accepted(state: &NodeState, way_back: Way) -> &'static [Signal] {
    match (state, way_back) {
        (NodeState::Held(_), Way::Open) => {
            &[Signal::Retry, Signal::Continue, Signal::RollBack, Signal::Abort]
        }
        (NodeState::Held(_), Way::Closed) => &[Signal::Retry, Signal::Continue, Signal::Abort],
        (NodeState::Gated { gate: Gate::Asked { .. }, .. }, _) => {
            &[Signal::Approve, Signal::Reject]
        }
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
                | WaitKind::Rules
                | WaitKind::Freeze
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
    let index = execution.answered(stage, &signalled)?;
    let kept =
        matches!(execution.node_state(index), NodeState::Gated { gate: Gate::Asked { .. }, .. });
    let held = execution.node_state(index).held();
    let held = held.map(|held| (held.attempts, held.failure.clone()));
    let Signalled { signal, actor, reason, seen, inputs } = signalled;
    let stage = stage.to_owned();
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::StageSignalled { stage, signal, actor, reason, seen, inputs });
    match (signal, held) {
        // The rules are judged anew.
        (_, None) if kept => decision.judge_anew(index),
        // What failed before its first attempt has not passed its gates.
        (Signal::Retry, Some((0, _))) => decision.admit(index),
        (Signal::Retry, Some(_)) => decision.begin_attempt(index),
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
