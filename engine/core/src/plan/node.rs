//! One node of the graph, and what holds for it. Stored formats.

use crate::{id::BlobName, retry::Retry, status::StageStatus, template::Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub id: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub stage_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Which cell of a matrix it is, if its stage has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Cell>,
    /// A condition: the node is skipped if it is false, and fails if it cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The stages that its expressions read.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    pub timeout: Timeout,
    pub retry: Retry,
    pub on_failure: OnFailure,
    #[serde(default, skip_serializing_if = "OnTimeout::is_fail")]
    pub on_timeout: OnTimeout,
    pub effect: Effect,
    pub config: Template,
    /// Path to content, as it was when the run started.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, BlobName>,
    /// Which of `files` each pattern of the configuration stands for, in order.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patterns: BTreeMap<String, Vec<String>>,
}

/// What a node waits for before it starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub stage: String,
    pub accepts: Accepts,
    /// The stage of whose matrix it is one of several needed nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// One node of a stage that runs once for each cell of a matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The stage as it was written.
    pub stage: String,
    pub values: BTreeMap<String, Value>,
    /// How many nodes of the stage may be under way at once; all, if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<usize>,
    pub on_failure: CellFailure,
}

/// What a failure of one cell, unless it is tolerated, means to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CellFailure {
    /// They are stopped and cancelled.
    StopsOthers,
    /// They go on.
    LeavesOthers,
}

/// Which ends of the needed stage will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Accepts {
    /// Success, a `when` that was false, and a failure that was tolerated.
    Plain,
    /// Just these words.
    Statuses(BTreeSet<StageStatus>),
}

/// How long one attempt may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Timeout {
    #[default]
    Never,
    AfterMs(u64),
}

/// What the failure of a stage means to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// Dependents are omitted, other branches go on, the run fails.
    #[default]
    Fail,
    /// Everything is stopped, the run fails.
    Abort,
    /// It stays failed, is tolerated, and dependents go on.
    Continue,
    /// Everything stays as it is, and a person says what is to become of it.
    Hold,
    /// Its environment goes back to the newest good revision; if that fails, it is held.
    Rollback,
}

/// What it means that an attempt ran out of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnTimeout {
    /// It failed, and is tried again if its author says so.
    #[default]
    Fail,
    /// Silence is a no.
    Reject,
}

/// Whether a stage changes its environment; one that does holds the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    Reads,
    Writes,
}

impl Timeout {
    pub(super) fn is_never(&self) -> bool {
        match self {
            Timeout::Never => true,
            Timeout::AfterMs(_) => false,
        }
    }
}

impl OnTimeout {
    fn is_fail(&self) -> bool {
        match self {
            OnTimeout::Fail => true,
            OnTimeout::Reject => false,
        }
    }
}

impl Need {
    pub fn plain(stage: impl Into<String>) -> Need {
        Need { stage: stage.into(), accepts: Accepts::Plain, of: None }
    }
}
