//! A run that a person paused: nothing new starts, what runs finishes, and clocks keep their rest.

use super::{
    Execution,
    decide::{Decided, Decision},
    state::{Activity, Attempt, AttemptClock, NodeState, Pause, Phase, Recorded},
    trial,
};
use crate::{
    clock::Now,
    event::{Actor, Entrance, Event, Force, Gate, Rejected, Reply, RunAct, RunStop},
    plan::NodeIndex,
    status::WaitKind,
};

impl Execution {
    /// Whether a run that has not ended takes `act` now.
    pub fn admits(&self, act: RunAct) -> Result<(), Rejected> {
        let recorded = &self.recorded;
        match (act, &recorded.phase) {
            (_, Phase::Ended { status, .. }) => Err(Rejected::Ended { status: *status }),
            (RunAct::Cancel, _) => self.admits_cancel(Force::No),
            (RunAct::ForceCancel, _) => self.admits_cancel(Force::Yes),
            (RunAct::Yes | RunAct::No, _) => self.admits_reply(),
            (RunAct::Pause | RunAct::Resume, Phase::Stopping) => Err(Rejected::Stopping),
            (RunAct::Pause, Phase::Paused(_)) => Err(Rejected::Paused),
            (RunAct::Resume, Phase::Going) => Err(Rejected::NotPaused),
            (RunAct::Pause, Phase::Going) | (RunAct::Resume, Phase::Paused(_)) => Ok(()),
        }
    }
}

impl Execution {
    /// A way back is not left half-way unless a person insists; one who does may say so later.
    fn admits_cancel(&self, force: Force) -> Result<(), Rejected> {
        match (&self.recorded.stop, force, self.rolling_back()) {
            (Some(RunStop::Cancel { force: Force::Yes, .. }), _, _)
            | (Some(RunStop::Cancel { .. }), Force::No, _) => Err(Rejected::Stopping),
            (_, Force::No, Some(index)) => {
                Err(Rejected::RollingBack { stage: self.plan.node(index).id.clone() })
            }
            (Some(RunStop::Cancel { .. }), Force::Yes, None) => Err(Rejected::Stopping),
            (
                Some(
                    RunStop::Abort { .. }
                    | RunStop::Timeout
                    | RunStop::Superseded { .. }
                    | RunStop::Withdrawn { .. }
                    | RunStop::GroupFull { .. }
                    | RunStop::Ring { .. }
                    | RunStop::Parent { .. }
                    | RunStop::Poison { .. },
                )
                | None,
                _,
                _,
            )
            | (Some(RunStop::Cancel { .. }), Force::Yes, Some(_)) => Ok(()),
        }
    }
}

pub(super) fn act(
    execution: &mut Execution,
    (act, actor, reason): (RunAct, Actor, String),
    now: Now,
) -> Decided {
    match execution.admits(act) {
        // A way back that began after the cancel was said: everything else stops.
        Ok(()) | Err(Rejected::RollingBack { .. }) => {}
        Err(rejected) => return Err(rejected),
    }
    let mut decision = Decision::new(execution, now);
    match act {
        RunAct::Cancel => decision.stop_run(RunStop::Cancel { actor, reason, force: Force::No }),
        RunAct::ForceCancel => {
            decision.stop_run(RunStop::Cancel { actor, reason, force: Force::Yes });
        }
        RunAct::Pause => decision.emit(Event::RunPaused { actor, reason }),
        RunAct::Resume => resume(&mut decision, Event::RunResumed { actor, reason }),
        RunAct::Yes => return trial::answer(execution, (Reply::Yes, actor, reason), now),
        RunAct::No => return trial::answer(execution, (Reply::No, actor, reason), now),
    }
    Ok(decision.finish())
}

/// Looks at every node, as few things do: a person said so.
fn resume(decision: &mut Decision<'_>, event: Event) {
    decision.emit(event);
    for position in 0..decision.execution.plan.nodes().len() {
        let index = NodeIndex(position);
        let NodeState::Gated { gate: Gate::Paused { before }, .. } = decision.state(index) else {
            continue;
        };
        match before {
            Entrance::Gates => decision.admit(index),
            Entrance::Attempt => decision.begin_attempt(index),
        }
    }
}

impl Recorded {
    pub(super) fn is_paused(&self) -> bool {
        match self.phase {
            Phase::Paused(_) => true,
            Phase::Going | Phase::Stopping | Phase::Ended { .. } => false,
        }
    }

    /// Whether the time of the run counts.
    pub(super) fn activity(&self) -> Activity {
        match (self.is_paused(), self.pace()) {
            (false, Activity::Running) => self.tally.activity(),
            (true, _) | (_, Activity::Quiet) => Activity::Quiet,
        }
    }

    pub(super) fn pause(&mut self, (actor, reason): (&Actor, &str), now: Now) {
        let (actor, reason) = (actor.clone(), reason.to_owned());
        self.phase = Phase::Paused(Pause { since: now, actor, reason });
        self.clock = self.clock.running(self.activity(), now);
        for node in &mut self.nodes {
            if let NodeState::Running(attempt) = node {
                attempt.clock = attempt.clock.running(Activity::Quiet, now);
            }
        }
    }

    pub(super) fn resume(&mut self, now: Now) {
        let Phase::Paused(Pause { since, .. }) = &self.phase else { return };
        let since = *since;
        self.phase = Phase::Going;
        self.clock = self.clock.running(self.activity(), now);
        for node in &mut self.nodes {
            match node {
                NodeState::BackingOff(pause) => {
                    let stood = since.elapsed.max(pause.since.elapsed);
                    pause.retry_at = pause.retry_at.plus(now.elapsed.since(stood));
                }
                NodeState::Running(_)
                | NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::Held(_)
                | NodeState::Stopping { .. }
                | NodeState::Ended(_) => {}
            }
        }
        match self.pace() {
            Activity::Running => self.resume_attempts(now),
            Activity::Quiet => {}
        }
    }

    pub(super) fn resume_attempts(&mut self, now: Now) {
        for node in &mut self.nodes {
            if let NodeState::Running(attempt) = node {
                attempt.clock = resumed(attempt, now);
            }
        }
    }
}

/// A declared time, or a question, does not count against the attempt anyway.
fn resumed(attempt: &Attempt, now: Now) -> AttemptClock {
    match attempt.wait_kind() {
        Some(WaitKind::Timer | WaitKind::Question | WaitKind::Rules) => attempt.clock,
        Some(
            WaitKind::Target
            | WaitKind::Readiness
            | WaitKind::Cluster
            | WaitKind::Retry
            | WaitKind::Approval
            | WaitKind::Hold
            | WaitKind::Paused
            | WaitKind::Concurrency
            | WaitKind::Freeze
            | WaitKind::Child,
        )
        | None => attempt.clock.running(Activity::Running, now),
    }
}
