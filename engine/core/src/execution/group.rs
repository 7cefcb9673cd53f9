//! The run's place in its group: asked for before anything starts, given back at the end.

use super::{
    Execution,
    decide::{Decided, Decision},
    state::{Claim, NodeState, Phase, Recorded},
};
use crate::{
    admission::{Limit, Link, Rank, Standing},
    clock::Now,
    event::{Event, Rejected, RunStop, TurnedAway, Urgency},
    id::Resource,
    plan::Concurrency,
    revision::Slot,
    status::{RunStatus, WaitKind},
    wording,
};

/// The run's business with its group.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotState {
    pub slot: Slot,
    pub claim: Claim,
    /// How many runs of the application may be under way for this one to be among them.
    pub room: Limit,
}

impl SlotState {
    /// What it has or asks for beside the place in its group.
    pub(super) fn room(&self) -> Option<Resource> {
        match self.room {
            Limit::Unlimited => None,
            Limit::AtMost(_) => Some(self.slot.room()),
        }
    }
}

/// Whether a run is before or behind the door of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Asks { since: Now },
    Inside,
}

impl Recorded {
    pub(super) fn admission(&self) -> Admission {
        match self.slot.as_ref().map(|state| state.claim) {
            Some(Claim::Asked { since }) => Admission::Asks { since },
            Some(Claim::Unasked | Claim::Held | Claim::Released) | None => Admission::Inside,
        }
    }

    /// What the runs that wait for this one keep until its end.
    pub(super) fn kept_for_it(&self) -> Vec<Resource> {
        self.parent.iter().flat_map(|parent| parent.keeps.iter().cloned()).collect()
    }

    pub(super) fn standing(&self, limit: u32, rank: Rank) -> Standing {
        let family = self.parent.iter().flat_map(|parent| parent.family.iter().copied());
        let room = Limit::Unlimited;
        Standing { limit, rank, family: family.collect(), room }
    }
}

impl Decision<'_> {
    /// Asks for the run's place in its group, if it has one; else begins.
    pub(super) fn enter(&mut self, room: Limit) {
        let plan = self.execution.plan.clone();
        match (plan.slot(), &plan.document().concurrency) {
            (Some(slot), Some(Concurrency { limit, strategy, .. })) => {
                let recorded = &self.execution.recorded;
                let standing = Standing { room, ..recorded.standing(*limit, Rank::Ordinary) };
                let keeps = recorded.kept_for_it();
                self.emit(Event::SlotAsked { slot, strategy: *strategy, standing, keeps });
            }
            (None, _) | (_, None) => self.begin(),
        }
    }

    /// A newer run takes the place of one that only waits, and holds nothing that others need.
    pub(super) fn give_way(&mut self) {
        let recorded = &self.execution.recorded;
        if recorded.successor.is_none() {
            return;
        }
        let mut held = recorded.targets.values().filter(|state| state.claim == Claim::Held);
        let holds = held.any(|state| self.has_acted(&state.target.environment));
        let is_idle = match (recorded.status(), &recorded.phase) {
            (RunStatus::Queued | RunStatus::Waiting, Phase::Going) => !holds,
            (_, _) => false,
        };
        if let Some(by) = recorded.successor.clone()
            && is_idle
        {
            self.stop_run(RunStop::Superseded { by });
        }
    }

    /// Whether anything has begun in an environment, but for what waits there for what a rule asks.
    fn has_acted(&self, environment: &str) -> bool {
        let nodes = self.execution.plan.graph().in_environment(environment);
        nodes.iter().any(|index| match self.state(*index) {
            NodeState::Running(attempt) => {
                attempt.number > 1 || attempt.wait_kind() != Some(WaitKind::Rules)
            }
            state @ (NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_)) => state.attempts() > 0,
        })
    }

    pub(super) fn tell_parent(&mut self) {
        if let Some(parent) = &self.execution.recorded.parent
            && parent.family.last() == Some(&parent.run)
        {
            let (run, stage) = (parent.run, parent.stage.clone());
            self.emit(Event::ParentTold { run, stage });
        }
    }

    pub(super) fn leave_group(&mut self) {
        let Some(state) = &self.execution.recorded.slot else { return };
        match state.claim {
            Claim::Asked { .. } | Claim::Held => {
                let (slot, room) = (state.slot.clone(), state.room);
                self.emit(Event::SlotReleased { slot, room });
            }
            Claim::Unasked | Claim::Released => {}
        }
    }
}

pub(super) fn granted(execution: &mut Execution, slot: Slot, now: Now) -> Decided {
    match execution.recorded.admission() {
        Admission::Inside => Err(Rejected::NotQueued { group: slot.group }),
        Admission::Asks { .. } => {
            let mut decision = Decision::new(execution, now);
            decision.emit(Event::SlotGranted { slot });
            decision.begin();
            Ok(decision.finish())
        }
    }
}

pub(super) fn refused(
    execution: &mut Execution,
    (slot, because): (Slot, TurnedAway),
    now: Now,
) -> Decided {
    match execution.recorded.admission() {
        Admission::Inside => Err(Rejected::NotQueued { group: slot.group }),
        Admission::Asks { .. } => {
            let mut decision = Decision::new(execution, now);
            decision.stop_run(match because {
                TurnedAway::Full { by } => RunStop::GroupFull { by },
                TurnedAway::Ring { ring } => {
                    RunStop::Ring { because: wording::ring_words(&slot.resource(), &ring) }
                }
            });
            Ok(decision.finish())
        }
    }
}

/// The run has a place among those of its application, and so the one in its group that it had to
/// have before.
pub(super) fn let_in(execution: &mut Execution, now: Now) -> Decided {
    let slot = asked(execution)?;
    granted(execution, slot, now)
}

/// To wait for a place among the runs of its application would be to wait for ever.
pub(super) fn kept_out(execution: &mut Execution, ring: Vec<Link<String>>, now: Now) -> Decided {
    let because = wording::ring_words(&asked(execution)?.room(), &ring);
    let mut decision = Decision::new(execution, now);
    decision.stop_run(RunStop::Ring { because });
    Ok(decision.finish())
}

/// The place for which the run asks.
fn asked(execution: &Execution) -> Result<Slot, Rejected> {
    let group = || execution.recorded.slot.as_ref().map(|state| state.slot.clone());
    match (execution.recorded.admission(), group()) {
        (Admission::Asks { .. }, Some(slot)) => Ok(slot),
        (Admission::Asks { .. } | Admission::Inside, slot) => {
            let group = slot.map(|slot| slot.group).unwrap_or_default();
            Err(Rejected::NotQueued { group })
        }
    }
}

pub(super) fn superseded(
    execution: &mut Execution,
    (by, urgency): (String, Urgency),
    now: Now,
) -> Decided {
    if execution.recorded.stop.is_some() {
        return Err(Rejected::Stopping);
    }
    let mut decision = Decision::new(execution, now);
    match urgency {
        Urgency::WhenIdle => decision.emit(Event::SuccessorCame { by }),
        Urgency::AtOnce => decision.stop_run(RunStop::Superseded { by }),
    }
    Ok(decision.finish())
}

/// What it was started by is there no more. What has begun goes on as it was pinned.
pub(super) fn withdrawn(execution: &mut Execution, because: String, now: Now) -> Decided {
    if execution.recorded.stop.is_some() {
        return Err(Rejected::Stopping);
    }
    if execution.recorded.nodes.iter().any(NodeState::has_begun) {
        return Err(Rejected::Begun);
    }
    let mut decision = Decision::new(execution, now);
    decision.stop_run(RunStop::Withdrawn { because });
    Ok(decision.finish())
}

/// The run that started this one needs it no more.
pub(super) fn orphaned(execution: &mut Execution, by: String, now: Now) -> Decided {
    match (&execution.recorded.parent, &execution.recorded.stop) {
        (None, _) => Err(Rejected::NoParent),
        (Some(_), Some(_)) => Err(Rejected::Stopping),
        (Some(_), None) => {
            let mut decision = Decision::new(execution, now);
            decision.stop_run(RunStop::Parent { by });
            Ok(decision.finish())
        }
    }
}
