//! How a node has ended.

use crate::{
    clock::Now,
    event::{Failure, StopCause, Tolerance},
    repeat::Repeated,
    revision::Proof,
    stage::Outputs,
    status::StageStatus,
};

/// A node that has ended never changes again.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub end: End,
    pub attempts: u32,
    pub started_at: Option<Now>,
    pub ended_at: Now,
}

#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Succeeded { outputs: Outputs, work: Work },
    Skipped { because: String },
    Failed { failure: Failure, tolerance: Tolerance },
    RolledBack { failure: Failure },
    Omitted { because: String },
    Rejected { because: String },
    Cancelled { cause: StopCause, left: Option<String> },
}

/// Whose work a success was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Own,
    /// An earlier run did it.
    TakenOver {
        from: Repeated,
    },
}

impl End {
    pub fn status(&self) -> StageStatus {
        match self {
            End::Succeeded { .. } => StageStatus::Succeeded,
            End::Failed { .. } => StageStatus::Failed,
            End::RolledBack { .. } => StageStatus::RolledBack,
            End::Skipped { .. } => StageStatus::Skipped,
            End::Omitted { .. } => StageStatus::Omitted,
            End::Rejected { .. } => StageStatus::Rejected,
            End::Cancelled { .. } => StageStatus::Cancelled,
        }
    }

    pub fn is_tolerated(&self) -> bool {
        match self {
            End::Failed { tolerance, .. } => *tolerance == Tolerance::Tolerated,
            End::Succeeded { .. }
            | End::Skipped { .. }
            | End::RolledBack { .. }
            | End::Omitted { .. }
            | End::Rejected { .. }
            | End::Cancelled { .. } => false,
        }
    }

    /// What the end of a stage says of the sets that its run left in the environment.
    pub fn proof(&self) -> Proof {
        match self {
            End::Succeeded { .. } | End::Skipped { .. } => Proof::Good,
            End::Failed { .. } | End::RolledBack { .. } => Proof::Bad,
            End::Omitted { .. } | End::Rejected { .. } | End::Cancelled { .. } => Proof::Unproven,
        }
    }
}
