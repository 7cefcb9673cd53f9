//! Runs that repeat an earlier one, and how that is told.

use crate::{
    event::{Actor, Trigger},
    id::RunId,
    stage::Outputs,
    status::RunStatus,
};
use serde::{Deserialize, Serialize};

/// An earlier run of the same pipeline. A stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repeated {
    pub run: RunId,
    pub number: u64,
}

impl Repeated {
    /// How people name it.
    pub fn label(&self, pipeline: &str) -> String {
        format!("{pipeline}#{}", self.number)
    }
}

/// What an earlier run has left for a stage of one that retries it. A stored format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub stage: String,
    /// The run that did the work.
    pub from: Repeated,
    pub left: Left,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "end")]
pub enum Left {
    Succeeded { outputs: Outputs },
    Skipped,
}

/// Why a run is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRepeated {
    #[error(
        "{label} has succeeded, so there is nothing to retry: `gennaker rerun` does all of it again"
    )]
    Succeeded { label: String },
    #[error(
        "{label} is {status}: only a run that has ended is tried again as a new one; cancel it, or \
         name a held stage"
    )]
    Unended { label: String, status: RunStatus },
    #[error(
        "{label} is invalid, so there is nothing to do again: {because}; push a file that is whole"
    )]
    Invalid { label: String, because: String },
}

/// What started a run, as people and programs see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerView {
    /// `manual`, `rerun`, `retry`, or the type of the trigger that fired.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who asked for it.
    pub actor: String,
    /// The run that it repeats: `checkout#12`, and its id.
    pub repeats: Option<String>,
    pub repeats_id: Option<String>,
    /// The delivery in the inbox that started it.
    #[serde(default)]
    pub delivery: Option<u64>,
}

impl TriggerView {
    pub(crate) fn new(trigger: &Trigger, actor: &Actor, pipeline: &str) -> TriggerView {
        let (kind, of) = match trigger {
            Trigger::Manual => ("manual", None),
            Trigger::Pipeline => ("pipeline", None),
            Trigger::Rerun { of } => ("rerun", Some(of)),
            Trigger::Retry { of, .. } => ("retry", Some(of)),
            Trigger::Event(fired) => (fired.trigger_type.as_str(), None),
        };
        let delivery = match trigger {
            Trigger::Event(fired) => Some(fired.delivery.0),
            Trigger::Manual | Trigger::Pipeline | Trigger::Rerun { .. } | Trigger::Retry { .. } => {
                None
            }
        };
        TriggerView {
            kind: kind.to_owned(),
            actor: actor.name.clone(),
            repeats: of.map(|of| of.label(pipeline)),
            repeats_id: of.map(|of| of.run.to_string()),
            delivery,
        }
    }

    /// The sentence for people, if there is more to say than that somebody started it.
    pub fn words(&self) -> Option<String> {
        if let Some(delivery) = self.delivery {
            return Some(format!("{}, by {} (delivery {delivery})", self.kind, self.actor));
        }
        let repeats = self.repeats.as_ref()?;
        Some(format!("a {} of {repeats}, asked for by {}", self.kind, self.actor))
    }
}
