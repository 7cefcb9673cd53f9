//! Writes out the values that a schema gives to keys that are left out, so that a plan shows them
//! and keeps them when a later release changes its mind.

use super::{
    alternatives::{Allowed, Leaf, alternatives},
    schema::Schemas,
};
use crate::{
    stage::CONDITION_FORMAT,
    template::{Segment, Template},
};
use serde_json::{Map, Value};

impl Schemas {
    /// `config` of the stage type `action` as a plan stores it: defaults filled in, expressions and
    /// conditions told from text.
    pub(crate) fn template(&self, action: &str, config: Value) -> Template {
        let config = self.with_defaults(action, config);
        match self.stage_key(action) {
            Some(schema) => segmented(&self.definitions, schema, config),
            None => Template::literal(&config),
        }
    }

    /// What a trigger hands over for a parameter: expressions told from text.
    pub(crate) fn handed(&self, value: Value) -> Template {
        segmented(&self.definitions, &Value::Bool(true), value)
    }

    /// `config` of the stage type `action` with its defaults filled in, at any depth at which the
    /// schema leaves no choice.
    fn with_defaults(&self, action: &str, mut config: Value) -> Value {
        if let Some(schema) = self.stage_key(action) {
            fill(&self.definitions, schema, &mut config);
        }
        config
    }
}

fn segmented(definitions: &Map<String, Value>, schema: &Value, value: Value) -> Template {
    let leaves = match alternatives(definitions, schema) {
        Allowed::Anything => Vec::new(),
        Allowed::OneOf(leaves) => leaves,
    };
    let open = Value::Bool(true);
    match value {
        Value::String(text) if leaves.iter().any(|leaf| is_condition(leaf)) => {
            Template::Text(vec![Segment::Condition(text)])
        }
        // The walk has refused what is not well-formed.
        Value::String(text) => {
            Template::text(&text).unwrap_or_else(|_| Template::literal(&Value::String(text)))
        }
        Value::Array(items) => {
            let schema = leaves.iter().find_map(|leaf| leaf.get("items")).unwrap_or(&open);
            let items = items.into_iter().map(|item| segmented(definitions, schema, item));
            Template::List(items.collect())
        }
        Value::Object(entries) => {
            let entry = |(key, value): (String, Value)| {
                let schema = leaves.iter().find_map(|leaf| entry_schema(leaf, &key));
                let template = segmented(definitions, schema.unwrap_or(&open), value);
                (key, template)
            };
            Template::Map(entries.into_iter().map(entry).collect())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => Template::literal(&other),
    }
}

fn is_condition(leaf: Leaf<'_>) -> bool {
    leaf.get("format").and_then(Value::as_str) == Some(CONDITION_FORMAT)
}

fn entry_schema<'a>(leaf: Leaf<'a>, key: &str) -> Option<&'a Value> {
    let known = leaf.get("properties").and_then(|properties| properties.get(key));
    known.or_else(|| leaf.get("additionalProperties"))
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
