//! The schema of pipeline files as editors read it: JSON Schema, draft 7, in one document.
//!
//! It is made of what the walk checks files against. What it lacks is what no schema can say: that
//! needs name stages, that there is no ring, that expressions compile.

use super::schema::{EXPRESSIONS, Schemas};
use crate::{Registry, secret, stage::AnyStage};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";
const DEFINITIONS: &str = "#/$defs/";
/// A text with an expression in it stands for a value of any kind.
const EXPRESSION: &str = "\\$\\{\\{";

/// The schema of pipelines whose actions are the types in `registry`.
pub fn published_schema(registry: &Registry<dyn AnyStage>) -> Value {
    let Schemas { mut root, definitions } = Schemas::of(registry);
    let open = within_expressions(&definitions);
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, mut schema)| {
            if name == super::schema::STAGE {
                schema["oneOf"] = one_action(registry);
            }
            let text = if open.contains(&name) { Text::Open } else { Text::Closed };
            inside(&mut schema, text);
            (name, schema)
        })
        .collect();
    inside(&mut root, Text::Closed);
    root["$schema"] = json!(DRAFT);
    root["$id"] = json!("https://gennaker.dev/schema/pipeline/v1.json");
    root["definitions"] = Value::Object(definitions);
    root
}

/// Whether text may hold `${{ }}` at a place.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    Open,
    Closed,
}

fn one_action(registry: &Registry<dyn AnyStage>) -> Value {
    registry.names().map(|name| json!({"required": [name]})).collect()
}

/// The definitions that are used where expressions may stand.
fn within_expressions(definitions: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(&Value, Text)> =
        definitions.values().map(|schema| (schema, Text::Closed)).collect();
    while let Some((schema, text)) = open.pop() {
        let text = if schema.get(EXPRESSIONS).is_some() { Text::Open } else { text };
        let named = schema.get("$ref").and_then(Value::as_str);
        if let (Text::Open, Some(name)) = (text, named.and_then(|it| it.strip_prefix(DEFINITIONS)))
            && found.insert(name.to_owned())
        {
            open.extend(definitions.get(name).map(|schema| (schema, Text::Open)));
        }
        match schema {
            Value::Object(entries) => open.extend(entries.values().map(|value| (value, text))),
            Value::Array(items) => open.extend(items.iter().map(|value| (value, text))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found
}

/// Brings everything within a schema into the published form.
fn inside(schema: &mut Value, text: Text) {
    let Value::Object(entries) = schema else { return };
    let text = if entries.remove(EXPRESSIONS).is_some() { Text::Open } else { text };
    if entries.contains_key("properties") && !entries.contains_key("additionalProperties") {
        entries.insert("additionalProperties".to_owned(), json!(false));
    }
    // The formats are the program's own.
    entries.remove("format");
    entries.remove(secret::PLACE);
    if let Some(Value::String(name)) = entries.get_mut("$ref") {
        *name = name.replace(DEFINITIONS, "#/definitions/");
    }
    for (keyword, value) in entries {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(all)) => {
                all.values_mut().for_each(|schema| published(schema, text));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                all.iter_mut().for_each(|schema| published(schema, text));
            }
            ("items" | "additionalProperties", schema) => published(schema, text),
            _ => {}
        }
    }
}

/// The same, and the schema itself gives way to an expression if it may stand there.
fn published(schema: &mut Value, text: Text) {
    let opened = schema.get(EXPRESSIONS).is_some();
    inside(schema, text);
    let text = if opened { Text::Open } else { text };
    if text == Text::Open && is_choosy(schema) {
        let expression = json!({"type": "string", "pattern": EXPRESSION});
        *schema = json!({"anyOf": [schema.clone(), expression]});
    }
}

/// Whether a schema might refuse a text that is an expression.
fn is_choosy(schema: &Value) -> bool {
    let keywords = ["$ref", "enum", "const", "pattern", "minLength", "anyOf", "oneOf"];
    let is_text = schema.get("type").is_some_and(|kind| kind == "string");
    keywords.iter().any(|keyword| schema.get(keyword).is_some())
        || (schema.get("type").is_some() && !is_text)
}
