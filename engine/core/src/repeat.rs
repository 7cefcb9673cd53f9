//! Runs that repeat an earlier one, and how that is told.

use crate::{
    event::{Actor, Trigger},
    id::RunId,
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

/// What started a run, as people and programs see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerView {
    /// `manual` or `rerun`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who asked for it.
    pub actor: String,
    /// The run that it repeats: `checkout#12`, and its id.
    pub repeats: Option<String>,
    pub repeats_id: Option<String>,
}

impl TriggerView {
    pub(crate) fn new(trigger: &Trigger, actor: &Actor, pipeline: &str) -> TriggerView {
        let (kind, of) = match trigger {
            Trigger::Manual => ("manual", None),
            Trigger::Rerun { of } => ("rerun", Some(of)),
        };
        TriggerView {
            kind: kind.to_owned(),
            actor: actor.name.clone(),
            repeats: of.map(|of| of.label(pipeline)),
            repeats_id: of.map(|of| of.run.to_string()),
        }
    }

    /// The sentence for people, if there is more to say than that somebody started it.
    pub fn words(&self) -> Option<String> {
        let repeats = self.repeats.as_ref()?;
        Some(format!("a {} of {repeats}, asked for by {}", self.kind, self.actor))
    }
}
