//! Runs that a stage starts.

use crate::{id::RunId, status::RunStatus};
use serde_json::Value;
use std::collections::BTreeMap;

/// Another pipeline that a stage calls.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildRequest {
    /// The run's own, if it is not said.
    pub application: Option<String>,
    pub pipeline: String,
    pub parameters: BTreeMap<String, Value>,
    pub ending: Ending,
}

/// Whether the stage waits for the end of the run that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The run shares what its family holds, and ends with it.
    Awaited,
    /// It goes its own way.
    Unattended,
}

/// A run that a stage has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub run: RunId,
    /// `payments#3`.
    pub label: String,
    pub status: RunStatus,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// Trying again cannot help.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Unavailable(String),
    #[error("this engine is leaving")]
    Leaving,
}
