//! The words in which the state of stages and runs is told, the same in every surface.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a run stands. The last six never change again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// It waits for a place in its group before anything starts.
    Queued,
    /// Nothing runs, and something waits for what is not its own: a target.
    Waiting,
    Running,
    /// A person paused it: nothing new starts.
    Paused,
    /// A stage that failed takes its environment back.
    RollingBack,
    Succeeded,
    Failed,
    /// Whatever failed was taken back.
    RolledBack,
    /// A person said no, or nobody answered in time.
    Rejected,
    Cancelled,
    /// The pipeline file of its commit is broken: nothing of it was ever begun.
    Invalid,
}

/// Where a stage stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum StageStatus {
    Pending,
    Waiting,
    Running,
    /// It failed, and its environment goes back to what was good.
    RollingBack,
    Stopping,
    Succeeded,
    Failed,
    /// It failed, and its environment is back.
    RolledBack,
    /// Its `when` was false.
    Skipped,
    /// What it needs did not end as needed.
    Omitted,
    /// A person said no, or nobody answered in time.
    Rejected,
    Cancelled,
}

/// What a stage waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WaitKind {
    /// Another run holds the target.
    Target,
    /// A declared duration or instant. It does not count against the attempt's timeout.
    Timer,
    /// Pods, or other objects, to become ready.
    Readiness,
    /// A cluster that cannot be reached.
    Cluster,
    /// The pause before the next attempt.
    Retry,
    /// People to say yes.
    Approval,
    /// What the rules of its environment ask: people to say yes, or images to be good elsewhere.
    Rules,
    /// The end of a freeze.
    Freeze,
    /// A person to say what is to become of a failure.
    Hold,
    /// A person to resume the run.
    Paused,
    /// Others of its kind to end: as many as may be are under way.
    Concurrency,
    /// A person to say what happened: nothing else can tell.
    Question,
    /// The run that it started to end.
    Child,
}

impl RunStatus {
    pub fn has_ended(self) -> bool {
        match self {
            RunStatus::Queued
            | RunStatus::Waiting
            | RunStatus::Running
            | RunStatus::Paused
            | RunStatus::RollingBack => false,
            RunStatus::Succeeded
            | RunStatus::Failed
            | RunStatus::RolledBack
            | RunStatus::Rejected
            | RunStatus::Cancelled
            | RunStatus::Invalid => true,
        }
    }
}

impl StageStatus {
    pub fn has_ended(self) -> bool {
        match self {
            StageStatus::Pending
            | StageStatus::Waiting
            | StageStatus::Running
            | StageStatus::RollingBack
            | StageStatus::Stopping => false,
            StageStatus::Succeeded
            | StageStatus::Failed
            | StageStatus::RolledBack
            | StageStatus::Skipped
            | StageStatus::Omitted
            | StageStatus::Rejected
            | StageStatus::Cancelled => true,
        }
    }
}

macro_rules! words {
    ($($kind:ident { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl $kind {
            pub fn word(self) -> &'static str {
                match self { $($kind::$variant => $word),* }
            }
        }
        impl fmt::Display for $kind {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.word())
            }
        }
    )*};
}

words! {
    RunStatus {
        Queued = "queued", Waiting = "waiting", Running = "running", Paused = "paused",
        RollingBack = "rollingBack", Succeeded = "succeeded", Failed = "failed",
        RolledBack = "rolledBack", Rejected = "rejected", Cancelled = "cancelled",
        Invalid = "invalid",
    }
    StageStatus {
        Pending = "pending", Waiting = "waiting", Running = "running",
        RollingBack = "rollingBack", Stopping = "stopping", Succeeded = "succeeded",
        Failed = "failed", RolledBack = "rolledBack", Skipped = "skipped", Omitted = "omitted",
        Rejected = "rejected", Cancelled = "cancelled",
    }
    WaitKind {
        Target = "target", Timer = "timer", Readiness = "readiness", Cluster = "cluster",
        Retry = "retry", Approval = "approval", Hold = "hold", Paused = "paused", Rules = "rules",
        Freeze = "freeze",
        Concurrency = "concurrency", Question = "question", Child = "child",
    }
}
