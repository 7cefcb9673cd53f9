//! The recorded part of a run: what its log says, and nothing else.

pub use super::{
    end::{End, Ended, Work},
    group::SlotState,
    tally::Tally,
    target::{Claim, TargetState},
    time::{Activity, AttemptClock},
    trial::{Question, Stops, Trial},
};

use crate::{
    clock::{Elapsed, Now},
    event::{Actor, Failure, Gate, Parent, Progress, RunStop, Signalled, StopCause, Trigger},
    id::{PlanHash, RunId},
    plan::NodeIndex,
    repeat::Offer,
    stage::{WaitReason, Wake},
    status::{RunStatus, StageStatus, WaitKind},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What replaying a log gives. Two of them are equal exactly if their runs will go on alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub id: RunId,
    pub number: u64,
    pub plan: PlanHash,
    pub trigger: Trigger,
    pub actor: Actor,
    pub ancestry: Vec<RunId>,
    /// The run that started this one by one of its stages.
    pub parent: Option<Parent>,
    pub started_at: Now,
    pub phase: Phase,
    /// What is thought of it because the engine died with it.
    pub trial: Trial,
    /// Why the run was stopped, also after its end.
    pub stop: Option<RunStop>,
    pub nodes: Vec<NodeState>,
    /// The nodes of each matrix, by its stage.
    pub matrices: BTreeMap<String, MatrixState>,
    /// The place in the run's group.
    pub slot: Option<SlotState>,
    /// The newer run of its group that has come.
    pub successor: Option<String>,
    /// By environment; only those in which a stage of the plan writes.
    pub targets: BTreeMap<String, TargetState>,
    /// What image references stand for, by the reference as it was written.
    pub images: BTreeMap<String, String>,
    /// What became of the rules of environments.
    pub ruled: Ruled,
    /// What an earlier run has left, if this one retries it.
    pub offers: BTreeMap<NodeIndex, Offer>,
    /// The nodes that ended as in that run, and all before them too.
    pub unchanged: BTreeSet<NodeIndex>,
    pub tally: Tally,
    /// The time that the run has left; it counts while a stage is running an attempt.
    pub clock: AttemptClock,
}

/// What is known of the rules of environments in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruled {
    /// What people answered to those of an environment, oldest first, and at which stage.
    pub answers: BTreeMap<String, Vec<(String, Signalled)>>,
    /// How they were met last, by node.
    pub met: BTreeMap<NodeIndex, Vec<String>>,
}

/// Where the run as a whole stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Going,
    /// Nothing new starts until a person resumes it; what runs finishes.
    Paused(Pause),
    /// Nothing new starts.
    Stopping,
    Ended {
        status: RunStatus,
        warnings: u32,
        at: Now,
    },
}

/// Who paused a run, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    pub since: Now,
    pub actor: Actor,
    pub reason: String,
}

/// Where one node stands. Data exists only where it means something.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeState {
    /// `unmet` of its needs have not ended yet.
    Pending {
        unmet: usize,
    },
    /// Its needs are met, and something stands between it and its next attempt.
    Gated {
        since: Now,
        gate: Gate,
        next: Next,
    },
    Running(Attempt),
    /// Between two attempts.
    BackingOff(BackingOff),
    /// Its last try failed, and a person is asked.
    Held(Held),
    /// The attempt is being brought to an end.
    Stopping {
        attempt: Attempt,
        cause: StopCause,
        since: Now,
    },
    Ended(Ended),
}

/// The attempt that a gate keeps from starting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Next {
    /// The first is 1.
    pub attempt: u32,
    /// When the first attempt started, if this is a later one.
    pub first_started_at: Option<Now>,
}

/// A try of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The first is 1.
    pub number: u32,
    /// When the first attempt started.
    pub first_started_at: Now,
    pub part: Part,
    /// What its expressions came to, if it has any.
    pub config: Option<Value>,
    /// What people answered to it.
    pub signals: Vec<Signalled>,
    pub progress: Progress,
    pub clock: AttemptClock,
    pub waiting: Waiting,
}

/// What an attempt is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// The stage itself.
    Action,
    /// The way back after this failure.
    Rollback { failure: Failure },
}

/// What the last step of an attempt said.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// No step has answered yet.
    No,
    For {
        wake: Wake,
        reason: WaitReason,
        /// Since when it waits for something of this kind.
        since: Now,
        said_at: Now,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct BackingOff {
    /// The attempt that ended.
    pub attempt: u32,
    pub first_started_at: Now,
    pub failure: Failure,
    pub retry_at: Elapsed,
    pub since: Now,
}

/// A failure that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The attempts so far.
    pub attempts: u32,
    pub first_started_at: Option<Now>,
    pub failure: Failure,
    pub since: Now,
}

/// How far the nodes of one matrix are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MatrixState {
    /// Those past their `when` that have not ended.
    pub under_way: usize,
    /// Those that stand before the gate.
    pub gated: BTreeSet<NodeIndex>,
}

impl Recorded {
    /// The time of the run itself; a run that is being stopped needs none.
    pub(super) fn time_left(&self) -> AttemptClock {
        match self.phase {
            Phase::Going | Phase::Paused(_) => self.clock,
            Phase::Stopping | Phase::Ended { .. } => AttemptClock::Never,
        }
    }
}

impl NodeState {
    pub fn status(&self) -> StageStatus {
        match self {
            NodeState::Pending { .. } => StageStatus::Pending,
            NodeState::Gated {
                gate:
                    Gate::Target { .. }
                    | Gate::Parallel
                    | Gate::Paused { .. }
                    | Gate::Asked { .. }
                    | Gate::Frozen { .. }
                    | Gate::Unmet { .. },
                ..
            }
            | NodeState::Held(_) => StageStatus::Waiting,
            NodeState::Gated { next, .. } if next.attempt > 1 => StageStatus::Running,
            NodeState::Gated { gate: Gate::When | Gate::Configuration | Gate::Rules, .. } => {
                StageStatus::Pending
            }
            NodeState::Running(Attempt { part: Part::Rollback { .. }, .. }) => {
                StageStatus::RollingBack
            }
            NodeState::Running(attempt) if attempt.asks() => StageStatus::Waiting,
            NodeState::Running(_) | NodeState::BackingOff(_) => StageStatus::Running,
            NodeState::Stopping { .. } => StageStatus::Stopping,
            NodeState::Ended(ended) => ended.end.status(),
        }
    }

    /// Whether an attempt of it was ever started.
    pub fn has_begun(&self) -> bool {
        match self {
            NodeState::Pending { .. } => false,
            NodeState::Gated { next, .. } => next.attempt > 1,
            NodeState::Ended(ended) => ended.attempts > 0,
            NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => true,
        }
    }

    /// What the node waits for, if it waits.
    pub fn wait_kind(&self) -> Option<WaitKind> {
        match self {
            NodeState::Gated { gate: Gate::Target { .. }, .. } => Some(WaitKind::Target),
            NodeState::Gated { gate: Gate::Parallel, .. } => Some(WaitKind::Concurrency),
            NodeState::Gated { gate: Gate::Paused { .. }, .. } => Some(WaitKind::Paused),
            NodeState::Gated { gate: Gate::Asked { .. } | Gate::Unmet { .. }, .. } => {
                Some(WaitKind::Rules)
            }
            NodeState::Gated { gate: Gate::Frozen { .. }, .. } => Some(WaitKind::Freeze),
            NodeState::Gated { gate: Gate::When | Gate::Configuration | Gate::Rules, .. } => None,
            NodeState::BackingOff(_) => Some(WaitKind::Retry),
            NodeState::Held(_) => Some(WaitKind::Hold),
            NodeState::Running(attempt) => attempt.wait_kind(),
            NodeState::Pending { .. } | NodeState::Stopping { .. } | NodeState::Ended(_) => None,
        }
    }

    /// What the attempt under way waits for, as the log has it.
    pub fn waiting(&self) -> Option<&WaitReason> {
        match self {
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => {
                match &attempt.waiting {
                    Waiting::No => None,
                    Waiting::For { reason, .. } => Some(reason),
                }
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => None,
        }
    }

    /// The failure that a person is asked about.
    pub fn held(&self) -> Option<&Held> {
        match self {
            NodeState::Held(held) => Some(held),
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_) => None,
        }
    }

    pub fn attempts(&self) -> u32 {
        match self {
            NodeState::Pending { .. } => 0,
            NodeState::Gated { next, .. } => next.attempt - 1,
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => attempt.number,
            NodeState::BackingOff(pause) => pause.attempt,
            NodeState::Held(held) => held.attempts,
            NodeState::Ended(ended) => ended.attempts,
        }
    }

    pub fn started_at(&self) -> Option<Now> {
        match self {
            NodeState::Pending { .. } => None,
            NodeState::Gated { next, .. } => next.first_started_at,
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => {
                Some(attempt.first_started_at)
            }
            NodeState::BackingOff(pause) => Some(pause.first_started_at),
            NodeState::Held(held) => held.first_started_at,
            NodeState::Ended(ended) => ended.started_at,
        }
    }
}

impl Attempt {
    /// Whether it waits for a person, or for what a rule asks.
    pub fn asks(&self) -> bool {
        matches!(self.wait_kind(), Some(WaitKind::Approval | WaitKind::Question | WaitKind::Rules))
    }

    pub fn wait_kind(&self) -> Option<WaitKind> {
        match &self.waiting {
            Waiting::No => None,
            Waiting::For { reason, .. } => Some(reason.kind),
        }
    }
}
