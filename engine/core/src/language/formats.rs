//! Forms of texts, ranges of numbers, lengths of lists.

use super::{
    Duration,
    alternatives::Leaf,
    duration,
    tree::{Content, Node},
};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    glob,
};
use regex::Regex;
use serde_json::{Number, Value};
use std::collections::{HashMap, HashSet};

/// Whether a leaf is a duration.
pub(super) fn is_duration(leaf: Leaf<'_>) -> bool {
    leaf.get("format").and_then(Value::as_str) == Some(duration::FORMAT)
}

/// The patterns of a schema, each compiled once.
#[derive(Default)]
pub(super) struct Patterns {
    compiled: HashMap<String, Option<Regex>>,
}

impl Patterns {
    /// What is wrong with a text that is not one of a list of words.
    pub(super) fn text_fault(
        &mut self,
        leaf: Leaf<'_>,
        (text, span): (&str, Span),
        owner: &str,
    ) -> Option<Diagnostic> {
        let format = leaf.get("format").and_then(Value::as_str);
        let fault = format.and_then(|format| format_fault(format, (text, span), owner));
        fault
            .or_else(|| length_fault(leaf, (text, span), owner))
            .or_else(|| self.pattern_fault(leaf, (text, span), owner))
    }

    fn pattern_fault(
        &mut self,
        leaf: Leaf<'_>,
        (text, span): (&str, Span),
        owner: &str,
    ) -> Option<Diagnostic> {
        let pattern = leaf.get("pattern")?.as_str()?;
        let compile = || Regex::new(pattern).ok();
        let regex = self.compiled.entry(pattern.to_owned()).or_insert_with(compile);
        if regex.as_ref().is_none_or(|regex| regex.is_match(text)) {
            return None;
        }
        let help = examples(leaf).unwrap_or_else(|| format!("it must match `{pattern}`"));
        Some(impossible((text, span), owner).help(help))
    }
}

/// How a schema says that its value is written.
pub(super) fn examples(leaf: Leaf<'_>) -> Option<String> {
    let examples = leaf.get("examples")?.as_array()?;
    let shown: Vec<String> =
        examples.iter().filter_map(Value::as_str).map(|example| format!("`{example}`")).collect();
    (!shown.is_empty()).then(|| format!("write it like {}", shown.join(", ")))
}

fn format_fault(format: &str, (text, span): (&str, Span), owner: &str) -> Option<Diagnostic> {
    let formless = |what: &str, help: String| {
        let message = format!("{owner}: {} is not {what}", quoted(text));
        Some(Diagnostic::error(Code::E008, span, message).help(help))
    };
    match format {
        duration::FORMAT => match text.parse::<Duration>() {
            Ok(_) => None,
            Err(error) => formless("a duration", error.to_string()),
        },
        "date-time" if text.parse::<jiff::Timestamp>().is_err() => formless(
            "an instant",
            "write it with its offset from UTC: `2026-12-24T18:00:00+01:00`".to_owned(),
        ),
        "gennaker-glob" => match glob::check(text) {
            Ok(()) => None,
            Err(error) => formless("a pattern", error.to_string()),
        },
        "gennaker-name" if !is_name(text) => Some(
            impossible((text, span), owner)
                .help("use 1 to 63 of the characters `a` to `z`, `0` to `9` and `-`"),
        ),
        "gennaker-id" if !is_id(text) => Some(
            impossible((text, span), owner)
                .help("an id begins with `a` to `z` and has at most 63 letters, digits and `-`"),
        ),
        _ => None,
    }
}

fn impossible((text, span): (&str, Span), owner: &str) -> Diagnostic {
    Diagnostic::error(Code::E016, span, format!("{owner} cannot be {}", quoted(text)))
}

fn length_fault(leaf: Leaf<'_>, (text, span): (&str, Span), owner: &str) -> Option<Diagnostic> {
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
    (number, span): (&Number, Span),
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
pub(super) fn format_range(leaf: Leaf<'_>) -> (Option<f64>, Option<f64>) {
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
    (owner, owner_span): (&str, Span),
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
