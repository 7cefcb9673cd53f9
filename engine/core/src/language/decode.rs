//! From the sound part of a tree to the type whose schema it was held against.

use super::{Node, Walk};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Decodes those entries of a map that are `wanted` and sound. The walk has held them against the
/// schema of this very type, so an error is a fault of the schema.
pub(crate) fn decode<T: DeserializeOwned>(
    node: &Node,
    walk: &Walk<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<T, serde_json::Error> {
    let sound: Map<String, Value> = node
        .entries()
        .iter()
        .filter(|entry| wanted(&entry.key.text) && walk.is_sound(&entry.value))
        .map(|entry| (entry.key.text.to_string(), entry.value.value()))
        .collect();
    serde_json::from_value(Value::Object(sound))
}
