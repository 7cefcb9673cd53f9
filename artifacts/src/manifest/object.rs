//! What counts as an object, and how lists become their items.

use super::MAX_FAULTS;
use crate::{
    fault::{Fault, Place},
    render::MAX_OBJECTS,
};
use serde_json::{Map, Value};

/// One object and where it stands.
pub(crate) struct Object {
    pub(crate) file: String,
    pub(crate) place: Place,
    pub(crate) identity: Identity,
    pub(crate) value: Value,
}

/// What makes two documents the same object: its version is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Collects the objects of one document.
pub(super) struct Expansion<'a> {
    file: &'a str,
    place: Place,
    pub(super) objects: Vec<Object>,
    pub(super) faults: Vec<Fault>,
}

/// What a list says about items that do not say it themselves.
#[derive(Clone, Copy)]
struct Inherited<'a> {
    api_version: &'a str,
    kind: &'a str,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(file: &'a str, place: Place) -> Expansion<'a> {
        Expansion { file, place, objects: Vec::new(), faults: Vec::new() }
    }

    /// Adds a document: the items of a list, or the object that it is.
    pub(super) fn add(&mut self, value: Value) {
        match value {
            Value::Object(entries) => self.add_map(entries),
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => self.refuse(
                "not an object: a manifest is a map with `apiVersion`, `kind` and `metadata`",
            ),
        }
    }

    fn add_map(&mut self, mut entries: Map<String, Value>) {
        if !is_list(&entries) {
            return self.add_object(entries);
        }
        let items = entries.remove("items");
        let kind = text(&entries, "kind").trim_end_matches("List").to_owned();
        let api_version = text(&entries, "apiVersion").to_owned();
        let inherited = Inherited { api_version: &api_version, kind: &kind };
        for item in items.into_iter().flat_map(into_items) {
            // Of more the set is refused.
            if self.faults.len() > MAX_FAULTS || self.objects.len() > MAX_OBJECTS {
                break;
            }
            self.add(inherit(item, inherited));
        }
    }

    fn add_object(&mut self, entries: Map<String, Value>) {
        match identity(&entries) {
            Ok(identity) => self.objects.push(Object {
                file: self.file.to_owned(),
                place: self.place,
                identity,
                value: Value::Object(entries),
            }),
            Err(messages) => messages.into_iter().for_each(|message| self.refuse(message)),
        }
    }

    fn refuse(&mut self, message: impl Into<String>) {
        self.faults.push(Fault::manifest(self.file, self.place, message));
    }
}

/// As kubectl sees it: the kind ends in `List` and there are `items`.
fn is_list(entries: &Map<String, Value>) -> bool {
    text(entries, "kind").ends_with("List") && entries.get("items").is_some_and(Value::is_array)
}

fn into_items(items: Value) -> Vec<Value> {
    match items {
        Value::Array(items) => items,
        other => vec![other],
    }
}

/// Items of a typed list may leave out what the list says; `List` itself says nothing.
fn inherit(item: Value, inherited: Inherited<'_>) -> Value {
    let Value::Object(mut entries) = item else { return item };
    if !inherited.kind.is_empty() && !entries.contains_key("kind") {
        entries.insert("kind".to_owned(), Value::from(inherited.kind));
        entries.entry("apiVersion").or_insert_with(|| Value::from(inherited.api_version));
    }
    Value::Object(entries)
}

/// Who the object is, or everything that is missing.
fn identity(entries: &Map<String, Value>) -> Result<Identity, Vec<String>> {
    let mut faults = Vec::new();
    let api_version = required(entries, "apiVersion", &mut faults);
    let kind = required(entries, "kind", &mut faults);
    let empty = Map::new();
    let metadata = match entries.get("metadata") {
        Some(Value::Object(metadata)) => metadata,
        Some(_) => {
            faults.push(format!("`metadata` of this {kind} is not a map"));
            return Err(faults);
        }
        None => &empty,
    };
    let name = name(metadata, kind, &mut faults);
    let namespace = optional(metadata, "namespace", &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Ok(Identity {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    })
}

fn required<'a>(entries: &'a Map<String, Value>, key: &str, faults: &mut Vec<String>) -> &'a str {
    match entries.get(key) {
        Some(Value::String(text)) if !text.is_empty() => text,
        Some(_) => {
            faults.push(format!("`{key}` is not a text, or empty"));
            ""
        }
        None => {
            faults.push(format!("`{key}` is missing"));
            ""
        }
    }
}

fn name<'a>(metadata: &'a Map<String, Value>, kind: &str, faults: &mut Vec<String>) -> &'a str {
    match metadata.get("name") {
        Some(Value::String(name)) if !name.is_empty() => name,
        Some(_) => {
            faults
                .push(format!("`metadata.name` of this {kind} is not a text, or empty; quote it"));
            ""
        }
        None if metadata.contains_key("generateName") => {
            faults.push(format!(
                "this {kind} has a `generateName`: what is applied again and again needs a fixed \
                 `metadata.name`"
            ));
            ""
        }
        None => {
            faults.push(format!("`metadata.name` of this {kind} is missing"));
            ""
        }
    }
}

fn optional<'a>(metadata: &'a Map<String, Value>, key: &str, faults: &mut Vec<String>) -> &'a str {
    match metadata.get(key) {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) => "",
        Some(_) => {
            faults.push(format!("`metadata.{key}` is not a text; quote it"));
            ""
        }
    }
}

fn text<'a>(entries: &'a Map<String, Value>, key: &str) -> &'a str {
    entries.get(key).and_then(Value::as_str).unwrap_or_default()
}
