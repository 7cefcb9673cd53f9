//! What a stage may say of those that it needs.

use crate::{
    pipeline::Cells,
    plan::{Accepts, Need},
    status::StageStatus,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum NeedText {
    Stage(String),
    Detailed(DetailedNeed),
}

/// A need that says which ends will do, or which nodes of a matrix are meant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DetailedNeed {
    /// The id of the needed stage.
    #[schemars(example = &"first")]
    stage: String,
    /// How it must have ended: `any`, or a list of words, and then just these. Unless it is said:
    /// succeeded, skipped, or failed and tolerated.
    #[serde(default)]
    #[schemars(example = json!(["failed"]))]
    status: Option<StatusText>,
    /// Of another stage with the same axes: only the node with the same values.
    #[serde(default)]
    #[schemars(example = &"same")]
    matrix: Option<SameWord>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SameWord {
    Same,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StatusText {
    Any(AnyWord),
    These(#[schemars(length(min = 1))] Vec<EndWord>),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AnyWord {
    Any,
}

/// How a stage can end.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum EndWord {
    Succeeded,
    Failed,
    RolledBack,
    Skipped,
    Omitted,
    Rejected,
    Cancelled,
}

impl NeedText {
    pub(crate) fn need(&self) -> Need {
        match self {
            NeedText::Stage(stage) => Need::plain(stage),
            NeedText::Detailed(need) => Need {
                stage: need.stage.clone(),
                accepts: need.status.as_ref().map_or(Accepts::Plain, StatusText::accepts),
                of: None,
            },
        }
    }

    /// Which nodes of the needed stage are meant, if it has a matrix.
    pub(crate) fn cells(&self) -> Cells {
        match self {
            NeedText::Detailed(DetailedNeed { matrix: Some(SameWord::Same), .. }) => Cells::Same,
            NeedText::Stage(_) | NeedText::Detailed(DetailedNeed { matrix: None, .. }) => {
                Cells::All
            }
        }
    }
}

impl StatusText {
    fn accepts(&self) -> Accepts {
        Accepts::Statuses(match self {
            StatusText::Any(AnyWord::Any) => EndWord::ALL.map(EndWord::status).into(),
            StatusText::These(words) => words.iter().map(|word| word.status()).collect(),
        })
    }
}

impl EndWord {
    const ALL: [EndWord; 7] = [
        EndWord::Succeeded,
        EndWord::Failed,
        EndWord::Skipped,
        EndWord::Omitted,
        EndWord::RolledBack,
        EndWord::Rejected,
        EndWord::Cancelled,
    ];

    fn status(self) -> StageStatus {
        match self {
            EndWord::Succeeded => StageStatus::Succeeded,
            EndWord::Failed => StageStatus::Failed,
            EndWord::Skipped => StageStatus::Skipped,
            EndWord::Omitted => StageStatus::Omitted,
            EndWord::Rejected => StageStatus::Rejected,
            EndWord::RolledBack => StageStatus::RolledBack,
            EndWord::Cancelled => StageStatus::Cancelled,
        }
    }
}
