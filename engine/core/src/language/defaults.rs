//! Writes out the values that a schema gives to keys that are left out, so that a plan shows them
//! and keeps them when a later release changes its mind.

use super::{
    alternatives::{Allowed, Leaf, alternatives},
    schema::Schemas,
};
use serde_json::{Map, Value};

impl Schemas {
    /// `config` of the stage type `action` with its defaults filled in, at any depth at which the
    /// schema leaves no choice.
    pub(crate) fn with_defaults(&self, action: &str, mut config: Value) -> Value {
        if let Some(schema) = self.stage_key(action) {
            fill(&self.definitions, schema, &mut config);
        }
        config
    }
}

fn fill(definitions: &Map<String, Value>, schema: &Value, value: &mut Value) {
    let Allowed::OneOf(leaves) = alternatives(definitions, schema) else { return };
    let [leaf] = leaves.as_slice() else { return };
    match value {
        Value::Object(entries) => fill_map(definitions, leaf, entries),
        Value::Array(items) => {
            if let Some(schema) = leaf.get("items") {
                items.iter_mut().for_each(|item| fill(definitions, schema, item));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn fill_map(definitions: &Map<String, Value>, leaf: Leaf<'_>, entries: &mut Map<String, Value>) {
    for (key, schema) in leaf.get("properties").and_then(Value::as_object).into_iter().flatten() {
        match (entries.get_mut(key), schema.get("default")) {
            (Some(written), _) => fill(definitions, schema, written),
            (None, None | Some(Value::Null)) => {}
            (None, Some(default)) => {
                entries.insert(key.clone(), default.clone());
            }
        }
    }
}
