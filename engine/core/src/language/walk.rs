//! The one walk that holds a file against its schema and finds every fault with its place.

mod expressions;
mod faults;

pub(crate) use expressions::SECRET_PLACES;

use super::{
    alternatives::{Allowed, Leaf, alternatives, kind, kinds, mark, words},
    formats::{Patterns, count_fault, number_fault},
    scalar::Reading,
    schema::{EXPRESSIONS, LATER, Schemas},
    suggest::closest,
    tree::{Content, Entry, Key, Node},
};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    secret,
};
use serde_json::{Map, Value};
use std::{collections::HashSet, ptr};

/// Suggestions that are looked for in one file; finding one costs a comparison with every word.
const SUGGESTIONS: usize = 100;

/// A walk and what it has found.
pub(crate) struct Walk<'a> {
    definitions: &'a Map<String, Value>,
    pub(crate) faults: Vec<Diagnostic>,
    faulty: HashSet<*const Node>,
    suggestions: usize,
    patterns: Patterns,
    expressions: Expressions,
    secrets: Secrets,
}

/// Whether text may hold `${{ }}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expressions {
    Refused,
    Allowed,
}

/// Whether text may hold `${{ secrets.NAME }}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrets {
    Refused,
    Here,
    /// And in whatever stands within.
    Below,
}

/// Whether what stands at a place can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Sound,
    Faulty,
}

/// What a value belongs to, in words, and where that is named.
struct Owner {
    name: String,
    span: Span,
}

/// A scalar and what it belongs to.
struct Read<'a> {
    text: &'a str,
    reading: &'a Reading,
    owner: &'a Owner,
}

impl<'a> Walk<'a> {
    /// Walks the whole tree.
    pub(crate) fn over(schemas: &'a Schemas, root: &Node) -> Walk<'a> {
        let mut walk = Walk {
            definitions: &schemas.definitions,
            faults: Vec::new(),
            faulty: HashSet::new(),
            suggestions: 0,
            patterns: Patterns::default(),
            expressions: Expressions::Refused,
            secrets: Secrets::Refused,
        };
        let owner = Owner { name: "the file".to_owned(), span: Span::at(root.span.start) };
        walk.value(&schemas.root, root, &owner);
        walk
    }

    /// Whether nothing at or below `node` is at fault.
    pub(crate) fn is_sound(&self, node: &Node) -> bool {
        !self.faulty.contains(&ptr::from_ref(node))
    }

    fn value(&mut self, schema: &Value, node: &Node, owner: &Owner) -> Verdict {
        let around = (self.expressions, self.secrets);
        match schema.get(EXPRESSIONS) {
            Some(Value::Bool(false)) => self.expressions = Expressions::Refused,
            Some(_) => self.expressions = Expressions::Allowed,
            None => {}
        }
        self.secrets = match (mark(self.definitions, schema, secret::PLACE), self.secrets) {
            (Some(secret::HERE), _) => Secrets::Here,
            (Some(_), _) | (None, Secrets::Below) => Secrets::Below,
            (None, Secrets::Refused | Secrets::Here) => Secrets::Refused,
        };
        let verdict = self.held(schema, node, owner);
        (self.expressions, self.secrets) = around;
        verdict
    }

    fn held(&mut self, schema: &Value, node: &Node, owner: &Owner) -> Verdict {
        if let Content::Scalar { text, reading: Reading::Text } = &node.content
            && text.contains("${{")
        {
            let verdict = self.expression(schema, (text, node), owner);
            if verdict == Verdict::Faulty {
                self.faulty.insert(ptr::from_ref(node));
            }
            return verdict;
        }
        let verdict = match faults::unusable(node, owner) {
            Some(fault) => self.fault(fault),
            None if node.content == Content::Told => Verdict::Faulty,
            None => match alternatives(self.definitions, schema) {
                Allowed::Anything => self.anything(node),
                Allowed::OneOf(leaves) => self.one_of(&leaves, node, owner),
            },
        };
        if verdict == Verdict::Faulty {
            self.faulty.insert(ptr::from_ref(node));
        }
        verdict
    }

    /// Whatever it is, everything in it must be read alike by every reader.
    fn anything(&mut self, node: &Node) -> Verdict {
        let open = Value::Bool(true);
        let mut verdict = Verdict::Sound;
        for item in node.items() {
            let owner = Owner { name: "an item".to_owned(), span: item.span };
            verdict = verdict.and(self.value(&open, item, &owner));
        }
        for entry in node.entries() {
            verdict = verdict.and(self.text_key(&entry.key));
            verdict = verdict.and(self.value(&open, &entry.value, &Owner::of(&entry.key)));
        }
        verdict
    }

    fn one_of(&mut self, leaves: &[Leaf<'_>], node: &Node, owner: &Owner) -> Verdict {
        let here = kind(node);
        let fitting: Vec<Leaf<'_>> = leaves
            .iter()
            .copied()
            .filter(|leaf| kinds(leaf).iter().any(|kind| Some(*kind) == here))
            .collect();
        match (fitting.first(), &node.content) {
            (None, _) => self.fault(faults::mismatch(leaves, node, owner)),
            (Some(_), Content::Scalar { text, reading }) => {
                self.scalar(&fitting, node, &Read { text, reading, owner })
            }
            (Some(leaf), Content::List(_)) => self.list(leaf, node, owner),
            (Some(_), Content::Map(_)) => self.map(best(&fitting, node), node, owner),
            (Some(_), Content::Told) => Verdict::Faulty,
        }
    }

    fn scalar(&mut self, leaves: &[Leaf<'_>], node: &Node, read: &Read<'_>) -> Verdict {
        let value = node.value();
        let known: Vec<&Value> = leaves.iter().flat_map(|leaf| words(leaf)).collect();
        if known.contains(&&value) {
            return Verdict::Sound;
        }
        let free = leaves.iter().copied().find(|leaf| words(leaf).next().is_none());
        let Some(free) = free else {
            return self.unknown_word(&known, node, read);
        };
        let name = &read.owner.name;
        let fault = match read.reading {
            Reading::Text => self.patterns.text_fault(free, (read.text, node.span), name),
            Reading::Number(number) => number_fault(free, (number, node.span), name),
            Reading::Unbounded => Some(faults::too_large(node.span, read.owner)),
            Reading::Boolean(_) | Reading::Null | Reading::Ambiguous(_) => None,
        };
        fault.map_or(Verdict::Sound, |fault| self.fault(fault))
    }

    fn unknown_word(&mut self, known: &[&Value], node: &Node, read: &Read<'_>) -> Verdict {
        let near = self.near(read.text, known.iter().filter_map(|word| word.as_str()));
        let fault = faults::unknown_word(known, node.span, (read.text, read.owner));
        self.fault(fault.maybe_help(near.map(|near| format!("did you mean `{near}`?"))))
    }

    fn list(&mut self, leaf: Leaf<'_>, node: &Node, owner: &Owner) -> Verdict {
        let mut verdict = Verdict::Sound;
        if let Some(fault) = count_fault(leaf, node, (&owner.name, owner.span)) {
            verdict = self.fault(fault);
        }
        let Some(schema) = leaf.get("items") else {
            return verdict.and(self.anything(node));
        };
        let name = format!("an item of {}", owner.name);
        for item in node.items() {
            let owner = Owner { name: name.clone(), span: item.span };
            verdict = verdict.and(self.value(schema, item, &owner));
        }
        verdict
    }

    fn map(&mut self, leaf: Leaf<'_>, node: &Node, owner: &Owner) -> Verdict {
        let mut verdict = Verdict::Sound;
        let properties = leaf.get("properties").and_then(Value::as_object);
        for entry in node.entries() {
            let known = properties.and_then(|known| known.get(&*entry.key.text));
            verdict = verdict.and(match known {
                Some(schema) => self.value(schema, &entry.value, &Owner::of(&entry.key)),
                None => self.free_entry(leaf, entry),
            });
        }
        verdict.and(self.missing(leaf, node, owner))
    }

    /// A key that the schema does not name.
    fn free_entry(&mut self, leaf: Leaf<'_>, entry: &Entry) -> Verdict {
        if is_authors_own(leaf, &entry.key.text) {
            return Verdict::Sound;
        }
        match leaf.get("additionalProperties") {
            Some(Value::Object(_) | Value::Bool(true)) => {
                let names = leaf.get("propertyNames").and_then(Value::as_object);
                let key = self.text_key(&entry.key);
                let name = match (key, names) {
                    (Verdict::Sound, Some(names)) => self.key_format(names, &entry.key),
                    (key, _) => key,
                };
                let schema = leaf.get("additionalProperties").unwrap_or(&Value::Bool(true));
                name.and(self.value(schema, &entry.value, &Owner::of(&entry.key)))
            }
            _ if leaf.contains_key("properties") || leaf.contains_key("additionalProperties") => {
                self.unknown_key(leaf, &entry.key)
            }
            _ => {
                let owner = &Owner::of(&entry.key);
                self.text_key(&entry.key).and(self.value(&Value::Bool(true), &entry.value, owner))
            }
        }
    }

    fn key_format(&mut self, names: Leaf<'_>, key: &Key) -> Verdict {
        let owner = names.get("title").and_then(Value::as_str).unwrap_or("a stage's id");
        let fault = self.patterns.text_fault(names, (&key.text, key.span), owner);
        fault.map_or(Verdict::Sound, |fault| self.fault(fault))
    }

    /// Keys of free maps are text; an unquoted one may be something else to another reader.
    fn text_key(&mut self, key: &Key) -> Verdict {
        match faults::key(key) {
            Some(fault) => self.fault(fault),
            None => Verdict::Sound,
        }
    }

    fn unknown_key(&mut self, leaf: Leaf<'_>, key: &Key) -> Verdict {
        let properties = leaf.get("properties").and_then(Value::as_object);
        let known: Vec<&str> =
            properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let later = leaf.get(LATER).and_then(Value::as_array);
        let is_later = later.is_some_and(|keys| keys.iter().any(|it| *it == *key.text));
        let help = match self.near(&key.text, known.iter().copied()) {
            _ if is_later => "it is not in this version of gennaker: leave it out".to_owned(),
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "nothing can be set here: write `{}`".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        let message = format!("unknown key {}", quoted(&key.text));
        self.fault(Diagnostic::error(Code::E001, key.span, message).help(help))
    }

    fn missing(&mut self, leaf: Leaf<'_>, node: &Node, owner: &Owner) -> Verdict {
        let required = leaf.get("required").and_then(Value::as_array).into_iter().flatten();
        let missing: Vec<String> = required
            .filter_map(Value::as_str)
            .filter(|key| node.entry(key).is_none())
            .map(|key| format!("`{key}`"))
            .collect();
        let too_few = leaf.get("minProperties").and_then(Value::as_u64) > Some(0)
            && node.entries().is_empty();
        let message = match missing.as_slice() {
            [] if too_few => format!("{} is empty", owner.name),
            [] => return Verdict::Sound,
            missing => format!("{} lacks {}", owner.name, missing.join(" and ")),
        };
        self.fault(Diagnostic::error(Code::E016, owner.span, message))
    }

    fn near<'w>(&mut self, word: &str, known: impl Iterator<Item = &'w str>) -> Option<&'w str> {
        self.suggestions += 1;
        if self.suggestions > SUGGESTIONS {
            return None;
        }
        closest(word, known)
    }

    fn fault(&mut self, fault: Diagnostic) -> Verdict {
        self.faults.push(fault);
        Verdict::Faulty
    }
}

impl Verdict {
    fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Sound, Verdict::Sound) => Verdict::Sound,
            (Verdict::Faulty, _) | (_, Verdict::Faulty) => Verdict::Faulty,
        }
    }
}

impl Owner {
    fn of(key: &Key) -> Owner {
        Owner { name: quoted(&key.text), span: key.span }
    }
}

/// The alternative that shares most keys with the map; of equals the first.
fn best<'a>(leaves: &[Leaf<'a>], node: &Node) -> Leaf<'a> {
    let shared = |leaf: Leaf<'_>| {
        let properties = leaf.get("properties").and_then(Value::as_object);
        let known = |entry: &&Entry| properties.is_some_and(|it| it.contains_key(&*entry.key.text));
        node.entries().iter().filter(known).count()
    };
    let mut best = leaves[0];
    for leaf in &leaves[1..] {
        if shared(leaf) > shared(best) {
            best = leaf;
        }
    }
    best
}

/// Whether the schema leaves keys like `key` to the author.
fn is_authors_own(leaf: Leaf<'_>, key: &str) -> bool {
    let patterns = leaf.get("patternProperties").and_then(Value::as_object);
    let mut prefixes =
        patterns.into_iter().flat_map(Map::keys).filter_map(|it| it.strip_prefix('^'));
    prefixes.any(|prefix| key.starts_with(prefix))
}
