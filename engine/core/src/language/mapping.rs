//! A map while it is read: keys that stand twice, keys that are no text, merge keys.

use super::{
    scalar::{Doubt, Reading},
    tree::{Content, Entry, Key, Node},
};
use crate::diagnostic::{Code, Diagnostic, Span, quoted};
use std::{collections::HashMap, mem, sync::Arc};

#[derive(Default)]
pub(super) struct Mapping {
    entries: Vec<Entry>,
    first_seen: HashMap<Arc<str>, Span>,
    merges: Vec<Arc<Node>>,
    expected: Expected,
}

/// What the next node of the map is.
#[derive(Default)]
enum Expected {
    #[default]
    Key,
    Value(Key),
    /// The value of `<<`.
    Merge,
    /// The value of a key that was told as a fault.
    Nothing,
}

impl Mapping {
    pub(super) fn add(&mut self, node: Arc<Node>, faults: &mut Vec<Diagnostic>) {
        match mem::take(&mut self.expected) {
            Expected::Key => self.expected = self.key(&node, faults),
            Expected::Value(key) => self.entries.push(Entry { key, value: node }),
            Expected::Merge => self.merges.push(node),
            Expected::Nothing => {}
        }
    }

    /// The entries; what is written wins over what is merged, an earlier merge over a later one.
    pub(super) fn finish(mut self, faults: &mut Vec<Diagnostic>) -> Vec<Entry> {
        for merge in mem::take(&mut self.merges) {
            match &merge.content {
                Content::Map(entries) => self.merge(entries),
                Content::List(maps) => {
                    maps.iter().for_each(|map| self.merge_item(map, faults));
                }
                Content::Scalar { .. } => faults.push(no_map(merge.span)),
                Content::Told => {}
            }
        }
        self.entries
    }

    fn merge_item(&mut self, map: &Node, faults: &mut Vec<Diagnostic>) {
        match &map.content {
            Content::Map(entries) => self.merge(entries),
            Content::Scalar { .. } | Content::List(_) => faults.push(no_map(map.span)),
            Content::Told => {}
        }
    }

    fn merge(&mut self, entries: &[Entry]) {
        for entry in entries {
            if !self.first_seen.contains_key(&entry.key.text) {
                self.first_seen.insert(Arc::clone(&entry.key.text), entry.key.span);
                self.entries.push(entry.clone());
            }
        }
    }

    fn key(&mut self, node: &Node, faults: &mut Vec<Diagnostic>) -> Expected {
        let (text, reading) = match &node.content {
            Content::Scalar { reading: Reading::Ambiguous(Doubt::Special), text }
                if &**text == "<<" =>
            {
                return Expected::Merge;
            }
            Content::Scalar { text, reading } => (text, reading),
            Content::Told => return Expected::Nothing,
            Content::List(_) | Content::Map(_) => {
                faults.push(no_text(node.span));
                return Expected::Nothing;
            }
        };
        if let Some(first) = self.first_seen.get(text) {
            faults.push(duplicate(text, node.span, *first));
            return Expected::Nothing;
        }
        self.first_seen.insert(Arc::clone(text), node.span);
        Expected::Value(Key { text: Arc::clone(text), span: node.span, reading: reading.clone() })
    }
}

fn duplicate(key: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::error(Code::E013, span, format!("the key {} stands twice", quoted(key)))
        .label("the second time")
        .also(first, "the first time")
        .help("remove one of the two")
}

fn no_text(span: Span) -> Diagnostic {
    Diagnostic::error(Code::E016, span, "a key must be text")
        .help("a `{` or `[` that begins a text must be quoted")
}

fn no_map(span: Span) -> Diagnostic {
    Diagnostic::error(Code::E016, span, "`<<` takes an alias of a map, or a list of such aliases")
}
