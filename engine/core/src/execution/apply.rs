//! The fold: what each recorded fact changes. Decides nothing.

mod node;

use super::state::{Claim, End, Part, Phase, Recorded, Trial, Work};
use crate::{
    clock::Now,
    event::{Event, Offer, Signalled},
    plan::{NodeIndex, Plan},
    revision::Target,
};
use serde_json::Value;

/// What an event named that the plan does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event names {what}, which its plan does not have")]
pub struct Unknown {
    what: String,
}

/// Where a fact may have made something due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    Nothing,
    Node(NodeIndex),
    /// An attempt of the node begins.
    Begun(NodeIndex),
    /// The attempt of the node is to end.
    Stopped(NodeIndex),
    /// The whole run stands still, or goes on.
    Every,
}

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
            Event::RunStarted { .. }
            | Event::RevisionRecorded { .. }
            | Event::ParentTold { .. } => {}
            Event::ImageResolved { reference, resolved } => {
                self.images.entry(reference.clone()).or_insert_with(|| resolved.clone());
            }
            Event::TargetPreempted { target, by } => {
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.preempted = Some(by.clone());
                }
                self.stop_wanted();
            }
            Event::TargetTakenBack { target, from } => {
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.taken_from.clone_from(from);
                }
            }
            Event::TargetAsked { target, keeps, .. } => self.ask(target, (keeps, now))?,
            Event::TargetRefused { target, .. } => self.claim(target, Claim::Unasked)?,
            Event::TargetGranted { target } => self.claim(target, Claim::Held)?,
            Event::TargetYielded { target } => {
                self.claim(target, Claim::Unasked)?;
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.keeps.clear();
                }
            }
            Event::TargetReleased { target, .. } => self.claim(target, Claim::Released)?,
            Event::SlotAsked { standing, .. } => {
                self.slot(Claim::Asked { since: now });
                self.slot.iter_mut().for_each(|state| state.room = standing.room);
            }
            Event::SlotGranted { .. } => self.slot(Claim::Held),
            Event::SlotReleased { .. } => self.slot(Claim::Released),
            Event::SuccessorCame { by } => self.successor = Some(by.clone()),
            Event::StageOffered { stage, from, left } => {
                let index = index(plan, stage)?;
                let (stage, from, left) = (stage.clone(), *from, left.clone());
                self.offers.insert(index, Offer { stage, from, left });
            }
            Event::RunPaused { actor, reason } => {
                self.pause((actor, reason), now);
                return Ok(Touched::Every);
            }
            Event::RunResumed { .. } => {
                self.resume(now);
                return Ok(Touched::Every);
            }
            Event::RunSuspected { unclean_ends } => self.suspect(*unclean_ends, now),
            Event::RunTriedAlone => self.tried_alone(now),
            Event::RunCleared => self.trial = Trial::None,
            Event::RunQuestioned { unclean_ends, stages } => {
                self.question_asked((*unclean_ends, stages), now);
            }
            Event::RunAnswered { reply, .. } => self.answered(*reply, now),
            Event::RunStopping { cause } => {
                self.phase = Phase::Stopping;
                self.stop = Some(cause.clone());
                self.stop_wanted();
            }
            Event::RunEnded { status, warnings } => {
                self.phase = Phase::Ended { status: *status, warnings: *warnings, at: now };
                self.trial = Trial::None;
            }
            Event::RulesMet { stage, by } => {
                self.ruled.met.insert(index(plan, stage)?, by.clone());
            }
            Event::StageGated { stage, gate } => {
                return self.at((plan, stage), now, |run, it| run.gate(plan, (it, gate), now));
            }
            Event::AttemptStarted { stage, attempt, config } => {
                let begun = (*attempt, Part::Action, config.clone());
                return self.begin((plan, stage), begun, now);
            }
            Event::RollbackStarted { stage, attempt, failure } => {
                let part = Part::Rollback { failure: failure.clone() };
                return self.begin((plan, stage), (*attempt, part, None), now);
            }
            Event::StageWaiting { stage, progress, wake, reason } => {
                let said = (progress, wake, reason);
                return self.at((plan, stage), now, |run, it| run.wait(it, said, now));
            }
            Event::AttemptFailed { stage, failure, retry_at } => {
                let failed = (failure, *retry_at);
                return self.at((plan, stage), now, |run, it| run.back_off(it, failed, now));
            }
            Event::StageStopping { stage, cause } => {
                self.at((plan, stage), now, |run, it| run.stop(it, cause, now))?;
                return Ok(Touched::Stopped(index(plan, stage)?));
            }
            Event::StageProgressed { stage, progress } => {
                return self.at((plan, stage), now, |run, it| run.progress(it, progress));
            }
            Event::StageSignalled { stage, signal, actor, reason, seen, inputs } => {
                let (seen, inputs) = (seen.clone(), inputs.clone());
                let (actor, reason) = (actor.clone(), reason.clone());
                let signalled = Signalled { signal: *signal, actor, reason, seen, inputs };
                return self.at((plan, stage), now, |run, it| run.signal(plan, (it, signalled)));
            }
            Event::StageHeld { stage, failure } => {
                return self.at((plan, stage), now, |run, it| run.hold(plan, (it, failure), now));
            }
            Event::StageTakenOver { stage, .. } => {
                return self.at((plan, stage), now, |run, it| run.take_over(plan, it, now));
            }
            Event::StageSucceeded { stage, outputs } => {
                let end = End::Succeeded { outputs: outputs.clone(), work: Work::Own };
                return self.ended((plan, stage), end, now);
            }
            Event::StageFailed { stage, failure, tolerance } => {
                let end = End::Failed { failure: failure.clone(), tolerance: *tolerance };
                return self.ended((plan, stage), end, now);
            }
            Event::StageRolledBack { stage, failure } => {
                let end = End::RolledBack { failure: failure.clone() };
                return self.ended((plan, stage), end, now);
            }
            Event::StageRejected { stage, because } => {
                let end = End::Rejected { because: because.clone() };
                return self.ended((plan, stage), end, now);
            }
            Event::StageSkipped { stage, because } => {
                let end = End::Skipped { because: because.clone() };
                return self.ended((plan, stage), end, now);
            }
            Event::StageOmitted { stage, because } => {
                let end = End::Omitted { because: because.clone() };
                return self.ended((plan, stage), end, now);
            }
            Event::StageCancelled { stage, cause, left } => {
                let end = End::Cancelled { cause: cause.clone(), left: left.clone() };
                return self.ended((plan, stage), end, now);
            }
        }
        Ok(Touched::Nothing)
    }

    /// Changes where one node stands, and with it every count of nodes.
    fn at(
        &mut self,
        (plan, stage): (&Plan, &str),
        now: Now,
        change: impl FnOnce(&mut Recorded, NodeIndex),
    ) -> Result<Touched, Unknown> {
        let index = index(plan, stage)?;
        self.tally.subtract(&self.nodes[index.0]);
        self.leave_matrix(plan, index);
        change(self, index);
        self.tally.add(&self.nodes[index.0]);
        self.enter_matrix(plan, index);
        self.clock = self.clock.running(self.activity(), now);
        Ok(Touched::Node(index))
    }

    fn begin(
        &mut self,
        (plan, stage): (&Plan, &str),
        begun: (u32, Part, Option<Value>),
        now: Now,
    ) -> Result<Touched, Unknown> {
        self.at((plan, stage), now, |run, index| run.start((plan, index), begun, now))?;
        Ok(Touched::Begun(index(plan, stage)?))
    }

    fn ended(
        &mut self,
        (plan, stage): (&Plan, &str),
        end: End,
        now: Now,
    ) -> Result<Touched, Unknown> {
        self.at((plan, stage), now, |run, index| run.end(plan, (index, end), now))
    }

    fn take_over(&mut self, plan: &Plan, index: NodeIndex, now: Now) {
        if let Some(end) = self.taken_over(index) {
            self.end(plan, (index, end), now);
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
}

fn index(plan: &Plan, stage: &str) -> Result<NodeIndex, Unknown> {
    let unknown = || Unknown { what: format!("stage `{stage}`") };
    plan.graph().index(stage).ok_or_else(unknown)
}
