//! What a run comes from. Stored formats.

use crate::{
    id::{DeliveryId, Resource, RunId},
    repeat::Repeated,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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
    /// Something has happened that one of the pipeline's triggers waited for.
    Event(Fired),
}

/// A trigger that has fired, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fired {
    #[serde(rename = "type")]
    pub trigger_type: String,
    /// The trigger's place in its file, from 0.
    pub number: u32,
    pub delivery: DeliveryId,
    /// What expressions see of the event; what was posted is not kept.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

impl Trigger {
    /// What expressions see as `trigger.type`: a person's act is a person's act.
    pub fn type_word(&self) -> &str {
        match self {
            Trigger::Pipeline => "pipeline",
            Trigger::Manual | Trigger::Rerun { .. } | Trigger::Retry { .. } => "manual",
            Trigger::Event(fired) => &fired.trigger_type,
        }
    }

    /// What expressions see as `trigger`, where `actor` has caused it.
    pub fn value(&self, actor: &str) -> Value {
        let mut fields = match self {
            Trigger::Event(fired) => fired.fields.clone(),
            Trigger::Manual | Trigger::Pipeline | Trigger::Rerun { .. } | Trigger::Retry { .. } => {
                Map::new()
            }
        };
        fields.insert("type".to_owned(), json!(self.type_word()));
        fields.insert("actor".to_owned(), json!(actor));
        Value::Object(fields)
    }
}
