//! The fold: what each recorded fact changes. Decides nothing.

use super::state::{
    Attempt, AttemptClock, BackingOff, Claim, End, Ended, Held, Next, NodeState, Part, Phase,
    Recorded, Waiting, Work,
};
use crate::{
    clock::{Elapsed, Now},
    event::{Event, Failure, Gate, Offer, Progress, Signalled, StopCause, Tolerance},
    plan::{NodeIndex, Plan},
    revision::Target,
    stage::{WaitReason, Wake},
};
use serde_json::Value;

/// What an event named that the plan does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event names {what}, which its plan does not have")]
pub struct Unknown {
    what: String,
}

/// The node whose agenda may have changed.
pub(super) type Touched = Option<NodeIndex>;

impl Recorded {
    /// Folds one fact into the state. Facts that do not fit it change nothing: the log was written
    /// by a machine that had checked them.
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    pub(super) fn fold(
        &mut self,
        plan: &Plan,
        event: &Event,
        now: Now,
    ) -> Result<Touched, Unknown> {
        match event {
            Event::RunStarted { .. } | Event::RevisionRecorded { .. } => return Ok(None),
            Event::ParentTold { .. } => return Ok(None),
            Event::TargetPreempted { target, by } => {
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.preempted = Some(by.clone());
                }
            }
            Event::TargetAsked { target, keeps, .. } => self.ask(target, (keeps, now))?,
            Event::TargetRefused { target, .. } => self.claim(target, Claim::Unasked)?,
            Event::SlotAsked { .. } => self.slot(Claim::Asked { since: now }),
            Event::SlotGranted { .. } => self.slot(Claim::Held),
            Event::SlotReleased { .. } => self.slot(Claim::Released),
            Event::SuccessorCame { by } => self.successor = Some(by.clone()),
            Event::StageOffered { stage, from, left } => {
                let unknown = || Unknown { what: format!("stage `{stage}`") };
                let index = plan.graph().index(stage).ok_or_else(unknown)?;
                let (stage, from, left) = (stage.clone(), *from, left.clone());
                self.offers.insert(index, Offer { stage, from, left });
            }
            Event::TargetGranted { target } => self.claim(target, Claim::Held)?,
            Event::TargetReleased { target, .. } => self.claim(target, Claim::Released)?,
            Event::RunPaused { actor, reason } => self.pause((actor, reason), now),
            Event::RunResumed { .. } => self.resume(now),
            Event::RunStopping { cause } => {
                self.phase = Phase::Stopping;
                self.stop = Some(cause.clone());
            }
            Event::RunEnded { status, warnings } => {
                self.phase = Phase::Ended { status: *status, warnings: *warnings, at: now };
            }
            Event::StageGated { stage, .. }
            | Event::AttemptStarted { stage, .. }
            | Event::StageWaiting { stage, .. }
            | Event::AttemptFailed { stage, .. }
            | Event::StageStopping { stage, .. }
            | Event::StageProgressed { stage, .. }
            | Event::StageTakenOver { stage, .. }
            | Event::StageSucceeded { stage, .. }
            | Event::RollbackStarted { stage, .. }
            | Event::StageRolledBack { stage, .. }
            | Event::StageFailed { stage, .. }
            | Event::StageSkipped { stage, .. }
            | Event::StageSignalled { stage, .. }
            | Event::StageHeld { stage, .. }
            | Event::StageRejected { stage, .. }
            | Event::StageOmitted { stage, .. }
            | Event::StageCancelled { stage, .. } => {
                let unknown = || Unknown { what: format!("stage `{stage}`") };
                let index = plan.graph().index(stage).ok_or_else(unknown)?;
                self.tally.subtract(&self.nodes[index.0]);
                self.leave_matrix(plan, index);
                self.fold_stage(plan, (index, event), now);
                self.tally.add(&self.nodes[index.0]);
                self.enter_matrix(plan, index);
                self.clock = self.clock.running(self.activity(), now);
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    fn fold_stage(&mut self, plan: &Plan, (index, event): (NodeIndex, &Event), now: Now) {
        match event {
            Event::StageGated { gate, .. } => self.gate(plan, (index, gate), now),
            Event::AttemptStarted { attempt, config, .. } => {
                self.start((plan, index), (*attempt, Part::Action, config.clone()), now);
            }
            Event::RollbackStarted { attempt, failure, .. } => {
                let part = Part::Rollback { failure: failure.clone() };
                self.start((plan, index), (*attempt, part, None), now);
            }
            Event::StageWaiting { progress, wake, reason, .. } => {
                self.wait(index, (progress, wake, reason), now);
            }
            Event::AttemptFailed { failure, retry_at, .. } => {
                self.back_off(index, (failure, *retry_at), now);
            }
            Event::StageStopping { cause, .. } => self.stop(index, cause, now),
            Event::StageProgressed { progress, .. } => self.progress(index, progress),
            Event::StageSignalled { signal, actor, reason, seen, .. } => {
                let seen = seen.clone();
                let said = Signalled::new(*signal, actor.clone(), reason.clone());
                self.signal(index, Signalled { seen, ..said });
            }
            Event::StageHeld { failure, .. } => self.hold(plan, (index, failure), now),
            Event::StageTakenOver { .. } => {
                if let Some(end) = self.taken_over(index) {
                    self.end(plan, (index, end), now);
                }
            }
            Event::StageSucceeded { .. }
            | Event::StageFailed { .. }
            | Event::StageRolledBack { .. }
            | Event::StageRejected { .. }
            | Event::StageSkipped { .. }
            | Event::StageOmitted { .. }
            | Event::StageCancelled { .. } => {
                if let Some(end) = end_stated(event) {
                    self.end(plan, (index, end), now);
                }
            }
            Event::RunStarted { .. }
            | Event::StageOffered { .. }
            | Event::TargetAsked { .. }
            | Event::TargetGranted { .. }
            | Event::TargetRefused { .. }
            | Event::TargetPreempted { .. }
            | Event::SlotAsked { .. }
            | Event::SlotGranted { .. }
            | Event::SlotReleased { .. }
            | Event::SuccessorCame { .. }
            | Event::ParentTold { .. }
            | Event::TargetReleased { .. }
            | Event::RevisionRecorded { .. }
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RunStopping { .. }
            | Event::RunEnded { .. } => {}
        }
    }

    fn slot(&mut self, claim: Claim) {
        if let Some(state) = &mut self.slot {
            state.claim = claim;
        }
    }

    /// Asking again keeps the beginning of the wait.
    fn ask(&mut self, target: &Target, (keeps, now): (&[Target], Now)) -> Result<(), Unknown> {
        let environment = &target.environment;
        let asked = match self.targets.get(environment).map(|state| state.claim) {
            Some(claim @ Claim::Asked { .. }) => claim,
            Some(Claim::Unasked | Claim::Held | Claim::Released) | None => {
                Claim::Asked { since: now }
            }
        };
        self.claim(target, asked)?;
        if let Some(state) = self.targets.get_mut(environment) {
            state.keeps = keeps.to_vec();
        }
        Ok(())
    }

    fn claim(&mut self, target: &Target, claim: Claim) -> Result<(), Unknown> {
        let unknown = || Unknown { what: format!("target `{}`", target.environment) };
        let state = self.targets.get_mut(&target.environment).ok_or_else(unknown)?;
        state.claim = claim;
        Ok(())
    }

    fn gate(&mut self, plan: &Plan, (index, gate): (NodeIndex, &Gate), now: Now) {
        self.leave_gate(plan, index);
        let state = &self.nodes[index.0];
        let next = Next { attempt: state.attempts() + 1, first_started_at: state.started_at() };
        self.nodes[index.0] = NodeState::Gated { since: now, gate: gate.clone(), next };
        match gate {
            Gate::Target { target } => {
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.gated.insert(index);
                }
            }
            Gate::When | Gate::Configuration | Gate::Parallel | Gate::Paused { .. } => {}
        }
    }

    fn start(
        &mut self,
        (plan, index): (&Plan, NodeIndex),
        (number, part, config): (u32, Part, Option<Value>),
        now: Now,
    ) {
        self.leave_gate(plan, index);
        let node = plan.node(index);
        let first_started_at = self.nodes[index.0].started_at().unwrap_or(now);
        let clock = AttemptClock::new(part.timeout(node.timeout), now);
        self.nodes[index.0] = NodeState::Running(Attempt {
            number,
            first_started_at,
            part,
            config,
            signals: Vec::new(),
            progress: Progress::Inline(Value::Null),
            clock,
            waiting: Waiting::No,
        });
    }

    fn wait(
        &mut self,
        index: NodeIndex,
        (progress, wake, reason): (&Progress, &Wake, &WaitReason),
        now: Now,
    ) {
        let is_paused = self.is_paused();
        if let NodeState::Running(attempt) = &mut self.nodes[index.0] {
            let since = match &attempt.waiting {
                Waiting::For { reason: before, since, .. } if before.kind == reason.kind => *since,
                Waiting::For { .. } | Waiting::No => now,
            };
            if !is_paused {
                attempt.clock = attempt.clock.entering(reason.kind, now);
            }
            attempt.progress = progress.clone();
            let (wake, reason) = (wake.clone(), reason.clone());
            attempt.waiting = Waiting::For { wake, reason, since, said_at: now };
        }
    }

    fn signal(&mut self, index: NodeIndex, signalled: Signalled) {
        if let NodeState::Running(attempt) = &mut self.nodes[index.0] {
            attempt.signals.push(signalled);
        }
    }

    fn hold(&mut self, plan: &Plan, (index, failure): (NodeIndex, &Failure), now: Now) {
        self.leave_gate(plan, index);
        let state = &self.nodes[index.0];
        let (attempts, first_started_at) = (state.attempts(), state.started_at());
        let failure = failure.clone();
        let held = Held { attempts, first_started_at, failure, since: now };
        self.nodes[index.0] = NodeState::Held(held);
    }

    fn progress(&mut self, index: NodeIndex, progress: &Progress) {
        if let NodeState::Stopping { attempt, .. } = &mut self.nodes[index.0] {
            attempt.progress = progress.clone();
        }
    }

    fn back_off(&mut self, index: NodeIndex, (failure, retry_at): (&Failure, Elapsed), now: Now) {
        self.update(index, |state| match state {
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => {
                NodeState::BackingOff(BackingOff {
                    attempt: attempt.number,
                    first_started_at: attempt.first_started_at,
                    failure: failure.clone(),
                    retry_at,
                    since: now,
                })
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => state,
        });
    }

    fn stop(&mut self, index: NodeIndex, cause: &StopCause, now: Now) {
        self.update(index, |state| match state {
            NodeState::Running(attempt) => {
                NodeState::Stopping { attempt, cause: cause.clone(), since: now }
            }
            NodeState::Stopping { attempt, since, .. } => {
                NodeState::Stopping { attempt, cause: cause.clone(), since }
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => state,
        });
    }

    fn end(&mut self, plan: &Plan, (index, end): (NodeIndex, End), now: Now) {
        self.leave_gate(plan, index);
        let environment = plan.node(index).environment.as_ref();
        if let Some(target) = environment.and_then(|name| self.targets.get_mut(name)) {
            target.unended -= 1;
            target.weigh(&end);
        }
        for dependent in plan.graph().dependents(index) {
            if let NodeState::Pending { unmet } = &mut self.nodes[dependent.node.0] {
                *unmet -= 1;
            }
        }
        match &end {
            End::Failed { tolerance: Tolerance::Counts, .. } => self.tally.failed += 1,
            End::Failed { tolerance: Tolerance::Tolerated, .. } => self.tally.tolerated += 1,
            End::Rejected { .. } => self.tally.rejected += 1,
            End::RolledBack { .. } => self.tally.rolled_back += 1,
            End::Cancelled { .. } => self.tally.cancelled += 1,
            End::Succeeded { .. } | End::Skipped { .. } | End::Omitted { .. } => {}
        }
        let state = &self.nodes[index.0];
        let (attempts, started_at) = (state.attempts(), state.started_at());
        self.nodes[index.0] = NodeState::Ended(Ended { end, attempts, started_at, ended_at: now });
        self.compare(plan, index);
    }

    fn leave_gate(&mut self, plan: &Plan, index: NodeIndex) {
        if let NodeState::Gated { .. } = self.nodes[index.0] {
            let environment = plan.node(index).environment.as_ref();
            if let Some(target) = environment.and_then(|name| self.targets.get_mut(name)) {
                target.gated.remove(&index);
            }
        }
    }

    fn update(&mut self, index: NodeIndex, change: impl FnOnce(NodeState) -> NodeState) {
        let before = std::mem::replace(&mut self.nodes[index.0], NodeState::Pending { unmet: 0 });
        self.nodes[index.0] = change(before);
    }
}

/// The end that an event states, if it states one.
#[expect(clippy::too_many_lines, reason = "one arm an event")]
fn end_stated(event: &Event) -> Option<End> {
    Some(match event {
        Event::StageSucceeded { outputs, .. } => {
            End::Succeeded { outputs: outputs.clone(), work: Work::Own }
        }
        Event::StageFailed { failure, tolerance, .. } => {
            End::Failed { failure: failure.clone(), tolerance: *tolerance }
        }
        Event::StageRolledBack { failure, .. } => End::RolledBack { failure: failure.clone() },
        Event::StageRejected { because, .. } => End::Rejected { because: because.clone() },
        Event::StageSkipped { because, .. } => End::Skipped { because: because.clone() },
        Event::StageOmitted { because, .. } => End::Omitted { because: because.clone() },
        Event::StageCancelled { cause, left, .. } => {
            End::Cancelled { cause: cause.clone(), left: left.clone() }
        }
        Event::RunStarted { .. }
        | Event::StageOffered { .. }
        | Event::StageTakenOver { .. }
        | Event::TargetAsked { .. }
        | Event::TargetGranted { .. }
        | Event::TargetRefused { .. }
        | Event::TargetPreempted { .. }
        | Event::SlotAsked { .. }
        | Event::SlotGranted { .. }
        | Event::SlotReleased { .. }
        | Event::SuccessorCame { .. }
        | Event::ParentTold { .. }
        | Event::TargetReleased { .. }
        | Event::StageGated { .. }
        | Event::StageSignalled { .. }
        | Event::StageHeld { .. }
        | Event::AttemptStarted { .. }
        | Event::RollbackStarted { .. }
        | Event::StageWaiting { .. }
        | Event::RevisionRecorded { .. }
        | Event::AttemptFailed { .. }
        | Event::StageStopping { .. }
        | Event::StageProgressed { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunStopping { .. }
        | Event::RunEnded { .. } => return None,
    })
}
