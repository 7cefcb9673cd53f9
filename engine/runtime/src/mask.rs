//! Keeps the values of secrets out of whatever text leaves a step.
//!
//! A value is looked for as it is, in base64 at each of the three alignments, and in hex; and it is
//! looked for in the text as it stands, with its percent-encoding, its escapes or its line breaks
//! taken away. All that any of these finds becomes `***`.

mod lines;
mod needles;
mod views;

use aho_corasick::AhoCorasick;
use engine_core::{
    event::Answer,
    stage::{Outputs, Secret, StageError, Step},
};
use needles::Needles;
use serde_json::{Map, Value};
use std::{
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};
use views::View;

/// What stands in the place of a secret.
pub const MASKED: &str = "***";
/// A value with fewer bytes would be found everywhere, so it is no secret.
pub const SHORTEST_BYTES: usize = 4;
/// A text that was cut short may end with the beginning of a secret.
const ELLIPSIS: &str = "…";
/// The sentences of the engine are cut at a few places at most.
const MOST_CUTS: usize = 64;

/// The secrets that this process has seen. It only learns: a value that was changed stays masked.
#[derive(Default)]
pub struct Mask {
    known: RwLock<Arc<Known>>,
}

#[derive(Default)]
struct Known {
    needles: Needles,
    finder: Option<AhoCorasick>,
}

impl Mask {
    /// From now on `secret` is masked.
    pub fn learn(&self, secret: &Secret) {
        if self.known().needles.has(secret) {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut needles = known.needles.clone();
        needles.add(secret);
        let finder = AhoCorasick::new(needles.patterns());
        match finder {
            Ok(finder) => *known = Arc::new(Known { needles, finder: Some(finder) }),
            // Far above any bound on secrets; without a finder nothing of the text is let out.
            Err(error) => {
                tracing::error!(%error, "the secrets are too many to look for");
                *known = Arc::new(Known { needles, finder: None });
            }
        }
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `text` without the secrets that this process has seen.
    pub fn text(&self, text: &str) -> String {
        let known = self.known();
        if known.needles.is_empty() {
            return text.to_owned();
        }
        known.masked(text)
    }

    /// Masks every text, key and number within a value.
    pub fn value(&self, value: Value) -> Value {
        let known = self.known();
        if known.needles.is_empty() { value } else { known.value(value) }
    }

    pub(crate) fn outputs(&self, outputs: Outputs) -> Outputs {
        let known = self.known();
        if known.needles.is_empty() { outputs } else { known.map(outputs) }
    }

    /// Masks what a step came to. Records are kept as they are: rendered sets are sealed, applied
    /// as they are, and made of files, in which no secret may stand.
    pub(crate) fn answer(&self, answer: Answer) -> Answer {
        match answer {
            Ok(Step::Done { outputs, records }) => {
                Ok(Step::Done { outputs: self.outputs(outputs), records })
            }
            Ok(Step::Wait { progress, wake, mut reason, records }) => {
                reason.detail = self.text(&reason.detail);
                Ok(Step::Wait { progress, wake, reason, records })
            }
            Err(error) => Err(self.error(error)),
        }
    }

    pub(crate) fn error(&self, error: StageError) -> StageError {
        match error {
            StageError::Error(words) => StageError::Error(self.text(&words)),
            StageError::Rejected(words) => StageError::Rejected(self.text(&words)),
            StageError::Failure(words) => StageError::Failure(self.text(&words)),
            StageError::Defect(words) => StageError::Defect(self.text(&words)),
            StageError::Halted(halt) => StageError::Halted(halt),
        }
    }
}

impl Known {
    fn masked(&self, text: &str) -> String {
        match &self.finder {
            Some(finder) => replaced(text, &self.found(finder, text, Cuts::End)),
            None => MASKED.to_owned(),
        }
    }

    /// The stretches of `text` that give something away, in their order; those that meet are one.
    fn found(&self, finder: &AhoCorasick, text: &str, cuts: Cuts) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        views::each(text, &mut |view| {
            let matches = finder.find_overlapping_iter(view.bytes.as_ref());
            found.extend(matches.map(|found| view.source(found.range())));
            let tails = cuts.tails(view, &self.needles);
            found.extend(tails.map(|tail| view.source(tail)));
        });
        joined(found)
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value,
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.masked(&text);
                if masked == text { Value::Number(number) } else { Value::String(masked) }
            }
            Value::String(text) => Value::String(self.masked(&text)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.value(item)).collect())
            }
            Value::Object(entries) => Value::Object(self.map(entries)),
        }
    }

    fn map(&self, entries: Map<String, Value>) -> Map<String, Value> {
        let entry = |(key, value): (String, Value)| (self.masked(&key), self.value(value));
        entries.into_iter().map(entry).collect()
    }
}

/// Where a text may have been cut short, and so end with the beginning of a secret.
#[derive(Clone, Copy)]
enum Cuts {
    /// At its end.
    End,
    /// At the end of each line, too.
    Lines,
}

impl Cuts {
    /// The beginnings of secrets at the places where a text was cut, or an ellipsis says so.
    fn tails<'a>(
        self,
        view: &'a View<'_>,
        needles: &'a Needles,
    ) -> impl Iterator<Item = Range<usize>> + 'a {
        let lines = match self {
            Cuts::End => Vec::new(),
            Cuts::Lines => view.line_ends(),
        };
        let mut begin = 0;
        lines.into_iter().chain([view.bytes.len()]).flat_map(move |end| {
            let from = std::mem::replace(&mut begin, end);
            let piece = &view.bytes[from..end];
            ends(piece).filter_map(move |end| {
                let length = needles.longest_beginning(&piece[..end])?;
                Some(from + end - length..from + end)
            })
        })
    }
}

/// Where a text ends, and where an ellipsis says that it was cut.
fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let first = ELLIPSIS.as_bytes()[0];
    let likely = bytes.iter().enumerate().filter(move |(_, byte)| **byte == first);
    let cuts = likely.filter(|(at, _)| bytes[*at..].starts_with(ELLIPSIS.as_bytes()));
    cuts.map(|(at, _)| at).take(MOST_CUTS).chain([bytes.len()])
}

/// The same stretches in their order, those that meet as one.
fn joined(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_unstable_by_key(|range| (range.start, range.end));
    found.dedup_by(|range, open| {
        let meets = range.start <= open.end;
        if meets {
            open.end = open.end.max(range.end);
        }
        meets
    });
    found
}

/// `text` with `***` for each of the stretches, which are joined.
fn replaced(text: &str, found: &[Range<usize>]) -> String {
    let (mut masked, mut at) = (String::with_capacity(text.len()), 0);
    for Range { start, end } in found {
        // A stretch never ends within a letter, unless a secret in hex or base64 stands in odd text.
        let start = text.floor_char_boundary(*start).max(at);
        masked.push_str(text.get(at..start).unwrap_or_default());
        masked.push_str(MASKED);
        at = text.ceil_char_boundary(*end);
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    masked
}

#[cfg(test)]
mod tests;
