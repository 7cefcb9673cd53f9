//! What the program says with its exit code.

use engine_core::status::RunStatus;
use std::process::ExitCode;

/// In the order of weight: of several, the last counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Success,
    /// A run ended without success.
    Unsuccessful,
    /// A file is invalid, or a run is, whose file is.
    Invalid,
    Error,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Success => 0,
            Exit::Error => 1,
            Exit::Invalid => 3,
            Exit::Unsuccessful => 5,
            Exit::Interrupted => 130,
        })
    }
}

impl From<RunStatus> for Exit {
    fn from(status: RunStatus) -> Exit {
        match status {
            RunStatus::Succeeded => Exit::Success,
            RunStatus::Invalid => Exit::Invalid,
            RunStatus::Queued
            | RunStatus::Waiting
            | RunStatus::Paused
            | RunStatus::Running
            | RunStatus::RollingBack
            | RunStatus::Failed
            | RunStatus::RolledBack
            | RunStatus::Rejected
            | RunStatus::Cancelled => Exit::Unsuccessful,
        }
    }
}
