//! Each value that the platform's files come to, with where it is said.

use super::Platform;
use crate::{
    diagnostic::{Position, SourceFile},
    language::{Content, Node, Schemas, read_tree},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A value of the platform's files, or one that holds where nothing is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// `environments.prod.cluster`, `sources[0].git`.
    pub key: String,
    pub value: Value,
    pub said: Said,
}

/// Where a setting is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Nowhere,
    /// In the file of that number.
    At {
        file: usize,
        position: Position,
    },
}

impl Platform {
    /// The settings of files that were read without a fault, the platform's own first; those of the
    /// first file before those of the others, each in its order. What is said twice holds as it is
    /// said last: by a variable.
    pub fn settings(files: &[SourceFile]) -> Vec<Setting> {
        let schemas = Schemas::platform();
        let mut listing = Listing {
            definitions: &schemas.definitions,
            found: Vec::new(),
            items: BTreeMap::new(),
        };
        for (number, file) in files.iter().enumerate() {
            let Some(root) = read_tree(file).root else { continue };
            let from = (number, file);
            for entry in root.entries() {
                if let Some(schema) = property(&schemas.root, &entry.key.text) {
                    listing.add((schema, &entry.key.text), Some(&entry.value), from);
                }
            }
            let all = properties(&schemas.root).filter(|(key, _)| root.entry(key).is_none());
            all.filter(|_| number == 0).for_each(|(key, schema)| {
                listing.add((schema, key), None, from);
            });
        }
        let last: BTreeMap<String, usize> =
            listing.found.iter().enumerate().map(|(at, it)| (it.key.clone(), at)).collect();
        let holds = |(at, it): &(usize, Setting)| it.key != "version" && last[&it.key] == *at;
        listing.found.into_iter().enumerate().filter(holds).map(|(_, it)| it).collect()
    }
}

struct Listing<'a> {
    definitions: &'a Map<String, Value>,
    found: Vec<Setting>,
    /// How many items a list has in the files so far.
    items: BTreeMap<String, usize>,
}

/// A file and its number.
type From<'f> = (usize, &'f SourceFile);

impl Listing<'_> {
    fn add(&mut self, (schema, key): (&Value, &str), node: Option<&Node>, from: From<'_>) {
        let default = schema.get("default");
        let schema = &self.resolved(schema).clone();
        match node.map(|node| (node, &node.content)) {
            Some((node, Content::Map(_))) => self.map((schema, key), node, from),
            Some((node, Content::List(items))) if items.iter().any(|it| is_map(it)) => {
                self.list((schema, key), node, from);
            }
            Some((node, Content::Scalar { .. } | Content::List(_) | Content::Told)) => {
                let position = from.1.position(node.span.start);
                self.push(key, node.value(), Said::At { file: from.0, position });
            }
            None => match default {
                Some(Value::Null) | None => {
                    for (name, schema) in properties(schema) {
                        self.add((schema, &format!("{key}.{name}")), None, from);
                    }
                }
                Some(Value::Array(items)) if items.is_empty() => {}
                Some(Value::Object(entries)) if entries.is_empty() => {}
                Some(default) => self.push(key, default.clone(), Said::Nowhere),
            },
        }
    }

    fn map(&mut self, (schema, key): (&Value, &str), node: &Node, from: From<'_>) {
        for entry in node.entries() {
            let name = &*entry.key.text;
            let known = property(schema, name).or_else(|| schema.get("additionalProperties"));
            let schema = known.unwrap_or(&Value::Null).clone();
            self.add((&schema, &format!("{key}.{name}")), Some(&entry.value), from);
        }
        for (name, schema) in properties(schema) {
            if node.entry(name).is_none() && from.0 == 0 {
                self.add((schema, &format!("{key}.{name}")), None, from);
            }
        }
    }

    fn list(&mut self, (schema, key): (&Value, &str), node: &Node, from: From<'_>) {
        let schema = schema.get("items").unwrap_or(&Value::Null).clone();
        for item in node.items() {
            let count = self.items.entry(key.to_owned()).or_default();
            let key = format!("{key}[{count}]");
            *count += 1;
            self.add((&schema, &key), Some(item), from);
        }
    }

    fn push(&mut self, key: &str, value: Value, said: Said) {
        self.found.push(Setting { key: key.to_owned(), value, said });
    }

    /// A schema without the reference, or the choice of nothing, around it.
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let named = schema.get("$ref").and_then(Value::as_str);
        let named = named.and_then(|name| self.definitions.get(name.strip_prefix("#/$defs/")?));
        let first = || schema.get("anyOf")?.as_array()?.first();
        match (named, first()) {
            (Some(schema), _) => schema,
            (None, Some(schema)) => self.resolved(schema),
            (None, None) => schema,
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let all = schema.get("properties").and_then(Value::as_object);
    all.into_iter().flatten().map(|(key, schema)| (key.as_str(), schema))
}

fn property<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    schema.get("properties")?.get(key)
}

fn is_map(node: &Node) -> bool {
    match &node.content {
        Content::Map(_) => true,
        Content::Scalar { .. } | Content::List(_) | Content::Told => false,
    }
}
