//! A file as a tree of values, each with its place.

use super::{events, scalar::Reading};
use crate::diagnostic::{Diagnostic, SourceFile, Span};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A value of the file. An alias shares the node of its anchor, and so its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Scalar {
        text: Arc<str>,
        reading: Reading,
    },
    List(Vec<Arc<Node>>),
    /// In the order of the file, merged entries last; no key stands twice.
    Map(Vec<Entry>),
    /// What stands here was told as a fault already.
    Told,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Arc<Node>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: Arc<str>,
    pub(crate) span: Span,
    pub(crate) reading: Reading,
}

/// What could be read of a file, and what is wrong with it as YAML.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Missing after a fault that no reader can get over.
    pub(crate) root: Option<Arc<Node>>,
    pub(crate) faults: Vec<Diagnostic>,
}

/// Reads a file within the limits. Never fails: what is wrong is part of the answer.
pub(crate) fn read_tree(file: &SourceFile) -> Tree {
    events::read(file)
}

impl Node {
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            Content::Scalar { .. } | Content::List(_) | Content::Told => &[],
        }
    }

    pub(crate) fn items(&self) -> &[Arc<Node>] {
        match &self.content {
            Content::List(items) => items,
            Content::Scalar { .. } | Content::Map(_) | Content::Told => &[],
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key.text == key)
    }

    /// The value as serde takes it. What was told as a fault is null.
    pub(crate) fn value(&self) -> Value {
        match &self.content {
            Content::Told => Value::Null,
            Content::List(items) => items.iter().map(|item| item.value()).collect(),
            Content::Map(entries) => {
                let pair = |entry: &Entry| (entry.key.text.to_string(), entry.value.value());
                Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
            }
            Content::Scalar { text, reading } => match reading {
                Reading::Null | Reading::Unbounded | Reading::Ambiguous(_) => Value::Null,
                Reading::Boolean(flag) => Value::Bool(*flag),
                Reading::Number(number) => Value::Number(number.clone()),
                Reading::Text => Value::String(text.to_string()),
            },
        }
    }
}
