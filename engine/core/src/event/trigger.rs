//! What a run comes from. Stored formats.

use crate::{
    id::{Resource, RunId},
    repeat::Repeated,
};
use serde::{Deserialize, Serialize};

/// The run that started another one by one of its stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parent {
    pub run: RunId,
    pub label: String,
    pub stage: String,
    /// The runs that wait for this one's end, the parent last; none if the parent does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub family: Vec<RunId>,
    /// What they will not give back before its end, as far as they have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeps: Vec<Resource>,
}

/// What started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Trigger {
    Manual,
    /// A stage of another run; see [`Parent`].
    Pipeline,
    /// A person had an earlier run done again from its beginning.
    Rerun {
        of: Repeated,
    },
    /// A person had an earlier run tried again: what it has left is taken over.
    Retry {
        of: Repeated,
        /// Environments that had moved on since, which the person had confirmed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        confirmed: Vec<String>,
    },
}

impl Trigger {
    /// What expressions see as `trigger.type`: a person's act is a person's act.
    pub fn type_word(&self) -> &'static str {
        match self {
            Trigger::Pipeline => "pipeline",
            Trigger::Manual | Trigger::Rerun { .. } | Trigger::Retry { .. } => "manual",
        }
    }
}
