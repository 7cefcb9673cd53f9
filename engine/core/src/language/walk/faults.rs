//! The sentences for what does not fit its schema.

use super::{
    super::{
        alternatives::{Kind, Leaf, kind, kinds},
        formats::{examples, is_duration},
        scalar::{Doubt, Reading},
        tree::{Content, Key, Node},
    },
    Owner,
};
use crate::{
    diagnostic::{Code, Diagnostic, Span, cut, quoted},
    secret,
};
use serde_json::Value;

/// What no schema accepts: no value, and words that readers take for different things.
pub(super) fn unusable(node: &Node, owner: &Owner) -> Option<Diagnostic> {
    let Content::Scalar { text, reading } = &node.content else {
        return None;
    };
    match reading {
        Reading::Null => Some(null(node, text, owner)),
        Reading::Ambiguous(doubt) => Some(ambiguous(node, text, *doubt)),
        Reading::Boolean(_) | Reading::Number(_) | Reading::Unbounded | Reading::Text => None,
    }
}

fn null(node: &Node, text: &str, owner: &Owner) -> Diagnostic {
    let span = if text.is_empty() { owner.span } else { node.span };
    let fault = Diagnostic::error(Code::E016, span, format!("{} has no value", owner.name));
    match text {
        "" => fault.help("give it one or remove the key; an empty text is written \"\""),
        text => fault.help(format!("remove the key, or quote the text: \"{text}\"")),
    }
}

fn ambiguous(node: &Node, text: &str, doubt: Doubt) -> Diagnostic {
    let shown = cut(text, 32);
    let message = format!("{} is {}", quoted(text), doubt.words());
    let help = match doubt {
        Doubt::Boolean => format!("write `true` or `false`; as text quote it: \"{shown}\""),
        Doubt::Number => format!("write a plain decimal number; as text quote it: \"{shown}\""),
        Doubt::Special => format!("quote it: \"{shown}\""),
    };
    Diagnostic::error(Code::E016, node.span, message).help(help)
}

/// A key that is not text to every reader.
pub(super) fn key(key: &Key) -> Option<Diagnostic> {
    if *key.text == *secret::KEY {
        let message = format!("the key {} is the engine's own", quoted(&key.text));
        return Some(Diagnostic::error(Code::E016, key.span, message).help("name it otherwise"));
    }
    let what = match &key.reading {
        Reading::Text => return None,
        Reading::Ambiguous(doubt) => doubt.words(),
        Reading::Null => "no value",
        Reading::Boolean(_) => "a boolean",
        Reading::Number(_) | Reading::Unbounded => "a number",
    };
    let message = format!("the key {} must be text", quoted(&key.text));
    let fault = Diagnostic::error(Code::E016, key.span, message)
        .label(format!("unquoted it is {what}"))
        .help(format!("quote it: \"{}\"", cut(&key.text, 32)));
    Some(fault)
}

/// A value of a kind that the schema does not have here.
pub(super) fn mismatch(leaves: &[Leaf<'_>], node: &Node, owner: &Owner) -> Diagnostic {
    let mut expected: Vec<Kind> = leaves.iter().flat_map(|leaf| kinds(leaf)).collect();
    expected.sort();
    expected.dedup();
    let written = match &node.content {
        Content::Scalar { text, .. } => cut(text, 32),
        Content::List(_) | Content::Map(_) | Content::Told => String::new(),
    };
    if leaves.iter().any(|leaf| is_duration(leaf)) && kind(node) == Some(Kind::Number) {
        return Diagnostic::error(Code::E008, node.span, format!("{} lacks a unit", owner.name))
            .help(format!("write seconds as `{written}s`, minutes as `{written}m`"));
    }
    let expected_words: Vec<String> = expected.iter().map(|kind| kind.words().to_owned()).collect();
    let found = kind(node).map_or("nothing", Kind::words);
    let message = format!("{} must be {}, not {found}", owner.name, either(&expected_words));
    let span = match &node.content {
        Content::Map(_) => owner.span,
        Content::Scalar { .. } | Content::List(_) | Content::Told => node.span,
    };
    let examples = leaves.iter().find_map(|leaf| examples(leaf));
    let help = examples.or_else(|| remedy(&expected, node, &written));
    Diagnostic::error(Code::E016, span, message).maybe_help(help)
}

/// How to write the same value so that it fits.
fn remedy(expected: &[Kind], node: &Node, written: &str) -> Option<String> {
    let found = kind(node)?;
    match found {
        Kind::Number | Kind::Boolean if expected.contains(&Kind::Text) => {
            Some(format!("quote it: \"{written}\""))
        }
        Kind::Text | Kind::Number | Kind::Boolean if expected.contains(&Kind::List) => {
            Some(format!("write a list: `[{written}]`"))
        }
        Kind::Text if written.parse::<f64>().is_ok() && expected.contains(&Kind::Number) => {
            Some(format!("write it without quotes: `{written}`"))
        }
        Kind::Text | Kind::Number | Kind::Boolean | Kind::List | Kind::Map => None,
    }
}

pub(super) fn too_large(span: Span, owner: &Owner) -> Diagnostic {
    Diagnostic::error(Code::E016, span, format!("{} is too large a number", owner.name))
}

/// A word that is none of those that the schema lists.
pub(super) fn unknown_word(
    known: &[&Value],
    span: Span,
    (text, owner): (&str, &Owner),
) -> Diagnostic {
    let shown: Vec<String> = known.iter().map(|known| word(known)).collect();
    let message = format!("{} cannot be {}", owner.name, quoted(text));
    Diagnostic::error(Code::E016, span, message).label(format!("expected {}", either(&shown)))
}

/// A word of a schema as the author would write it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn either(words: &[String]) -> String {
    match words.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}
