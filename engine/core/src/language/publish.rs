//! The schema of a kind of files as editors read it: JSON Schema, draft 7, in one document.
//!
//! It is made of what the walk checks files against. What it lacks is what no schema can say: that
//! needs name stages, that there is no ring, that expressions compile.

use super::{
    formats::format_range,
    schema::{EXPRESSIONS, LATER, STAGE, Schemas, TRIGGER},
};
use crate::{Registries, Registry, secret, stage::AnyStage};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";
const DEFINITIONS: &str = "#/$defs/";
/// A text with an expression in it stands for a value of any kind.
const EXPRESSION: &str = "\\$\\{\\{";
/// The definition of what may be anything.
const ANYTHING: &str = "Anything";
/// What is said of a value, beside what it may be.
const NOTES: [&str; 3] = ["description", "default", "examples"];

/// The schema of pipelines whose actions and triggers are the types in `registries`.
pub fn published_schema(registries: &Registries) -> Value {
    let told = ("https://gennaker.dev/schema/pipeline/v1.json", "A pipeline of Gennaker");
    publish(Schemas::of(registries), registries, told)
}

/// The published form of the schema of a kind of files.
pub(crate) fn publish(
    schemas: Schemas,
    registries: &Registries,
    (id, title): (&str, &str),
) -> Value {
    let Schemas { mut root, mut definitions } = schemas;
    let open = within_expressions(&definitions);
    let names = names(&registries.stages, &definitions);
    if let Some(stage) = definitions.get_mut(STAGE) {
        stage["oneOf"] = one_of(registries.stages.names());
    }
    if let Some(trigger) = definitions.get_mut(TRIGGER) {
        trigger["oneOf"] = one_of(registries.triggers.names());
    }
    let definitions: Map<String, Value> = definitions
        .into_iter()
        .map(|(name, mut schema)| {
            let text = if open.contains(&name) { Text::Open } else { Text::Closed };
            inside(&mut schema, text);
            tidy(&mut schema, &names);
            (names.get(&name).cloned().unwrap_or(name), schema)
        })
        .collect();
    inside(&mut root, Text::Closed);
    tidy(&mut root, &names);
    root["$schema"] = json!(DRAFT);
    root["$id"] = json!(id);
    root["title"] = json!(title);
    root["definitions"] = Value::Object(definitions);
    root["definitions"][ANYTHING] = json!({
        "description": "Any value but null, at any depth.",
        "type": ["string", "number", "boolean", "array", "object"],
        "items": { "$ref": format!("#/definitions/{ANYTHING}") },
        "additionalProperties": { "$ref": format!("#/definitions/{ANYTHING}") },
    });
    root
}

/// Whether text may hold `${{ }}` at a place.
#[derive(Clone, Copy, PartialEq)]
enum Text {
    Open,
    Closed,
}

impl Text {
    /// What a mark says, else what holds around it.
    fn at(mark: Option<&Value>, around: Text) -> Text {
        match mark {
            Some(Value::Bool(false)) => Text::Closed,
            Some(_) => Text::Open,
            None => around,
        }
    }
}

fn one_of(names: impl Iterator<Item = &'static str>) -> Value {
    names.map(|name| json!({"required": [name]})).collect()
}

/// What definitions are called outside: a stage type's by its key, others without what only the
/// program's own types are called.
fn names(
    registry: &Registry<dyn AnyStage>,
    definitions: &Map<String, Value>,
) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let stage = definitions.get(STAGE).and_then(|stage| stage.get("properties"));
    for key in registry.names() {
        let reference = stage.and_then(|it| it.get(key)?.get("$ref")?.as_str());
        if let Some(name) = reference.and_then(|it| it.strip_prefix(DEFINITIONS)) {
            names.insert(name.to_owned(), key.to_owned());
        }
    }
    for name in definitions.keys() {
        let short = name.trim_end_matches("Text").trim_end_matches("Word");
        let taken = definitions.contains_key(short) && short != name;
        if !names.contains_key(name) && !taken && !names.values().any(|it| it == short) {
            names.insert(name.clone(), short.to_owned());
        }
    }
    names
}

/// The definitions that are used where expressions may stand.
fn within_expressions(definitions: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(&Value, Text)> =
        definitions.values().map(|schema| (schema, Text::Closed)).collect();
    while let Some((schema, text)) = open.pop() {
        let text = Text::at(schema.get(EXPRESSIONS), text);
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

/// Closes maps, and lets expressions stand where they may.
fn inside(schema: &mut Value, text: Text) {
    let Value::Object(entries) = schema else { return };
    let text = Text::at(entries.remove(EXPRESSIONS).as_ref(), text);
    if entries.contains_key("properties") && !entries.contains_key("additionalProperties") {
        entries.insert("additionalProperties".to_owned(), json!(false));
    }
    entries.remove(secret::PLACE);
    entries.remove(LATER);
    each_inner(entries, &mut |schema| published(schema, text));
}

/// The same, and the schema itself gives way to an expression if it may stand there.
fn published(schema: &mut Value, text: Text) {
    let own = Text::at(schema.get(EXPRESSIONS), text);
    inside(schema, text);
    let text = own;
    if text == Text::Open && is_choosy(schema) {
        let mut around = Map::new();
        if let Value::Object(entries) = schema {
            for note in NOTES {
                around.extend(entries.remove(note).map(|value| (note.to_owned(), value)));
            }
        }
        let expression = json!({"type": "string", "pattern": EXPRESSION});
        around.insert("anyOf".to_owned(), json!([schema.clone(), expression]));
        *schema = Value::Object(around);
    }
}

/// Whether a schema might refuse a text that is an expression.
fn is_choosy(schema: &Value) -> bool {
    if schema.get("type").is_some_and(|kind| kind == "null") {
        return false;
    }
    let keywords =
        ["$ref", "enum", "const", "pattern", "format", "minLength", "maxLength", "anyOf", "oneOf"];
    let is_text = schema.get("type").is_some_and(|kind| kind == "string");
    keywords.iter().any(|keyword| schema.get(keyword).is_some())
        || (schema.get("type").is_some() && !is_text)
}

/// The schemas within a schema.
fn each_inner(entries: &mut Map<String, Value>, change: &mut dyn FnMut(&mut Value)) {
    for (keyword, value) in entries {
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(all)) => {
                all.values_mut().for_each(&mut *change);
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                all.iter_mut().for_each(&mut *change);
            }
            ("items" | "additionalProperties" | "propertyNames", schema) => change(schema),
            _ => {}
        }
    }
}

/// Says in draft 7, and for editors, what the program's own words mean.
fn tidy(schema: &mut Value, names: &BTreeMap<String, String>) {
    if *schema == Value::Bool(true) {
        *schema = json!({});
    }
    let Value::Object(entries) = schema else { return };
    let own = entries.remove("patternProperties");
    each_inner(entries, &mut |inner| tidy(inner, names));
    entries.extend(own.map(|own| ("patternProperties".to_owned(), own)));
    let says = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];
    if !says.iter().any(|keyword| entries.contains_key(*keyword)) {
        entries.insert("$ref".to_owned(), json!(format!("#/definitions/{ANYTHING}")));
    }
    without_null(entries);
    spelled_out(entries);
    if let Some(Value::String(name)) = entries.get_mut("$ref")
        && let Some(own) = name.strip_prefix(DEFINITIONS)
    {
        *name = format!("#/definitions/{}", names.get(own).map_or(own, String::as_str));
    }
    // In draft 7 what stands beside a reference is not looked at.
    if entries.len() > 1
        && let Some(reference) = entries.remove("$ref")
    {
        entries.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
    // Text that one reads on hovering: line breaks are those of the source.
    if let Some(Value::String(text)) = entries.get_mut("description") {
        *text = text.replace('\n', " ");
    }
}

/// No value of the language is null.
fn without_null(entries: &mut Map<String, Value>) {
    if entries.get("default") == Some(&Value::Null) {
        entries.remove("default");
    }
    if let Some(Value::Array(kinds)) = entries.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            entries.insert("type".to_owned(), only);
        }
    }
    let is_null = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "null");
    for union in ["anyOf", "oneOf"] {
        let Some(Value::Array(members)) = entries.get_mut(union) else { continue };
        members.retain(|member| !is_null(member));
        // A union that was wrapped for an expression keeps its own member.
        if let [Value::Object(only)] = members.as_slice() {
            let only = only.clone();
            entries.remove(union);
            for (keyword, value) in only {
                entries.entry(keyword).or_insert(value);
            }
        }
    }
}

/// The program's own formats as patterns and bounds.
fn spelled_out(entries: &mut Map<String, Value>) {
    let (least, most) = format_range(entries);
    let bound = |value: f64| json!(value as i64);
    if let (Some(least), false) = (least, entries.contains_key("minimum")) {
        entries.insert("minimum".to_owned(), bound(least));
    }
    // Larger ones no reader of JSON keeps apart.
    if let (Some(most @ ..=4_294_967_295.0), false) = (most, entries.contains_key("maximum")) {
        entries.insert("maximum".to_owned(), bound(most));
    }
    let pattern = match entries.remove("format").as_ref().and_then(Value::as_str) {
        Some("gennaker-name") => "^[a-z0-9-]{1,63}$",
        Some("gennaker-id") => "^[a-z][a-zA-Z0-9-]{0,62}$",
        Some("gennaker-glob") => "^[^?!{}\\[\\]\\\\\\s]{1,256}$",
        _ => return,
    };
    entries.insert("pattern".to_owned(), json!(pattern));
}
