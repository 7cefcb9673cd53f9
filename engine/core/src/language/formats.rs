//! Forms of texts, ranges of numbers, lengths of lists.

use super::{
    Duration,
    alternatives::Leaf,
    duration,
    tree::{Content, Node},
};
use crate::diagnostic::{Code, Diagnostic, Span, quoted};
use serde_json::{Number, Value};
use std::collections::HashSet;

/// Whether a leaf is a duration.
pub(super) fn is_duration(leaf: Leaf<'_>) -> bool {
    leaf.get("format").and_then(Value::as_str) == Some(duration::FORMAT)
}

/// What is wrong with a text that is not one of a list of words.
pub(super) fn text_fault(
    leaf: Leaf<'_>,
    text: &str,
    span: Span,
    owner: &str,
) -> Option<Diagnostic> {
    let wrong = |message: String| Diagnostic::error(Code::E016, span, message);
    match leaf.get("format").and_then(Value::as_str) {
        Some(duration::FORMAT) => text.parse::<Duration>().err().map(|error| {
            let message = format!("{owner}: {} is not a duration", quoted(text));
            Diagnostic::error(Code::E008, span, message).help(error.to_string())
        }),
        Some("gennaker-name") if !is_name(text) => Some(
            wrong(format!("{owner} cannot be {}", quoted(text)))
                .help("use 1 to 63 of the characters `a` to `z`, `0` to `9` and `-`"),
        ),
        Some("gennaker-id") if !is_id(text) => Some(
            wrong(format!("{owner} cannot be {}", quoted(text))).help(
                "an id begins with `a` to `z` and has at most 63 letters, digits and `-`",
            ),
        ),
        _ => length_fault(leaf, text, span, owner),
    }
}

fn length_fault(leaf: Leaf<'_>, text: &str, span: Span, owner: &str) -> Option<Diagnostic> {
    let characters = text.chars().count() as u64;
    let bound = |word: &str| leaf.get(word).and_then(Value::as_u64);
    let message = match (bound("minLength"), bound("maxLength")) {
        (Some(1..), _) if characters == 0 => format!("{owner} is empty"),
        (Some(least), _) if characters < least => {
            format!("{owner} must have at least {least} characters")
        }
        (_, Some(most)) if characters > most => {
            format!("{owner} must have at most {most} characters")
        }
        _ => return None,
    };
    Some(Diagnostic::error(Code::E016, span, message))
}

/// `[a-z0-9-]`, 1 to 63.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(fits)
}

/// `[a-z][a-zA-Z0-9-]{0,62}`.
fn is_id(text: &str) -> bool {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    first && text.len() <= 63 && text.bytes().all(fits)
}

/// What is wrong with a number.
pub(super) fn number_fault(
    leaf: Leaf<'_>,
    number: &Number,
    span: Span,
    owner: &str,
) -> Option<Diagnostic> {
    let wrong = |message| Some(Diagnostic::error(Code::E016, span, message));
    let whole = leaf.get("type").is_some_and(|kind| {
        kind == "integer" || kind.as_array().is_some_and(|it| it.contains(&"integer".into()))
    });
    if whole && number.is_f64() {
        return wrong(format!("{owner} must be a whole number"));
    }
    let value = number.as_f64()?;
    let (least, most) = format_range(leaf);
    let least = bound(leaf, "minimum").or(least).filter(|least| value < *least);
    let most = bound(leaf, "maximum").or(most).filter(|most| value > *most);
    let above = bound(leaf, "exclusiveMinimum").filter(|bound| value <= *bound);
    let below = bound(leaf, "exclusiveMaximum").filter(|bound| value >= *bound);
    let message = match (least, most, above, below) {
        (Some(least), ..) => format!("{owner} must be at least {least}"),
        (_, Some(most), ..) => format!("{owner} must be at most {most}"),
        (_, _, Some(above), _) => format!("{owner} must be more than {above}"),
        (_, _, _, Some(below)) => format!("{owner} must be less than {below}"),
        (None, None, None, None) => return None,
    };
    wrong(message)
}

fn bound(leaf: Leaf<'_>, word: &str) -> Option<f64> {
    leaf.get(word).and_then(Value::as_f64)
}

/// What the Rust type behind an integer can hold.
fn format_range(leaf: Leaf<'_>) -> (Option<f64>, Option<f64>) {
    let (least, most) = match leaf.get("format").and_then(Value::as_str) {
        Some("uint8") => (0.0, f64::from(u8::MAX)),
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        Some("uint64" | "uint") => (0.0, u64::MAX as f64),
        Some("int8") => (f64::from(i8::MIN), f64::from(i8::MAX)),
        Some("int16") => (f64::from(i16::MIN), f64::from(i16::MAX)),
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Some("int64" | "int") => (i64::MIN as f64, i64::MAX as f64),
        _ => return (None, None),
    };
    (Some(least), Some(most))
}

/// What is wrong with the length of a list, or with a text that stands in it twice.
pub(super) fn count_fault(
    leaf: Leaf<'_>,
    node: &Node,
    owner: &str,
    owner_span: Span,
) -> Option<Diagnostic> {
    let count = node.items().len() as u64;
    let bound = |word: &str| leaf.get(word).and_then(Value::as_u64);
    let wrong = |message| Some(Diagnostic::error(Code::E016, owner_span, message));
    match (bound("minItems"), bound("maxItems")) {
        (Some(1..), _) if count == 0 => wrong(format!("{owner} is an empty list")),
        (Some(least), _) if count < least => wrong(format!("{owner} needs at least {least} items")),
        (_, Some(most)) if count > most => wrong(format!("{owner} takes at most {most} items")),
        _ if leaf.get("uniqueItems") == Some(&Value::Bool(true)) => repeated(node, owner),
        _ => None,
    }
}

fn repeated(node: &Node, owner: &str) -> Option<Diagnostic> {
    let mut seen = HashSet::new();
    node.items().iter().find_map(|item| match &item.content {
        Content::Scalar { text, .. } if !seen.insert(text) => {
            let message = format!("{} stands twice in {owner}", quoted(text));
            Some(Diagnostic::error(Code::E016, item.span, message).help("remove one of the two"))
        }
        Content::Scalar { .. } | Content::List(_) | Content::Map(_) | Content::Told => None,
    })
}
