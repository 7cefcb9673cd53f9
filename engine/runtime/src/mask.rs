//! Keeps the values of secrets out of whatever text leaves a step.
//!
//! A value is looked for as it is, in base64 at each of the three alignments, and in hex; and it is
//! looked for in the text as it stands, with its percent-encoding, its escapes or its line breaks
//! taken away. All that any of these finds becomes `***`.

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

/// What stands in the place of a secret.
pub const MASKED: &str = "***";
/// A value with fewer bytes would be found everywhere, so it is no secret.
pub const SHORTEST_BYTES: usize = 4;
/// A text that was cut short may end with the beginning of a secret.
const ELLIPSIS: &str = "…";

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

    /// Masks the texts of what a stage remembers, whose keys and numbers are its own, before that
    /// may become a blob.
    pub(crate) fn remembered(&self, step: Step<Value>) -> Step<Value> {
        match step {
            Step::Done { outputs, records } => Step::Done { outputs, records },
            Step::Wait { progress, wake, reason, records } => {
                Step::Wait { progress: self.texts(progress), wake, reason, records }
            }
        }
    }

    fn texts(&self, progress: Value) -> Value {
        let known = self.known();
        if known.needles.is_empty() { progress } else { known.texts(progress) }
    }
}

impl Known {
    fn masked(&self, text: &str) -> String {
        let Some(finder) = &self.finder else { return MASKED.to_owned() };
        let mut found: Vec<Range<usize>> = Vec::new();
        for view in views::of(text) {
            let matches = finder.find_overlapping_iter(view.bytes.as_slice());
            found.extend(matches.map(|found| view.source(found.range())));
            let cuts = view.ends(ELLIPSIS.as_bytes());
            let tails = cuts.into_iter().filter_map(|end| {
                let length = self.needles.longest_beginning(&view.bytes[..end])?;
                Some(view.source(end - length..end))
            });
            found.extend(tails);
        }
        replaced(text, found)
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

    fn texts(&self, value: Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
            Value::String(text) => Value::String(self.masked(&text)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.texts(item)).collect())
            }
            Value::Object(entries) => {
                Value::Object(entries.into_iter().map(|(key, it)| (key, self.texts(it))).collect())
            }
        }
    }
}

/// `text` with `***` for each of the stretches, of which those that meet count as one.
fn replaced(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| (range.start, range.end));
    let (mut masked, mut at) = (String::with_capacity(text.len()), 0);
    let mut open: Option<Range<usize>> = None;
    for range in found {
        match &mut open {
            Some(open) if range.start <= open.end => open.end = open.end.max(range.end),
            _ => {
                at = close(&mut masked, (text, at), open.take());
                open = Some(range);
            }
        }
    }
    at = close(&mut masked, (text, at), open);
    masked.push_str(text.get(at..).unwrap_or_default());
    masked
}

fn close(masked: &mut String, (text, at): (&str, usize), open: Option<Range<usize>>) -> usize {
    let Some(Range { start, end }) = open else { return at };
    // A stretch never ends within a letter, unless a secret in hex or base64 stands in odd text.
    let start = text.floor_char_boundary(start).max(at);
    masked.push_str(text.get(at..start).unwrap_or_default());
    masked.push_str(MASKED);
    text.ceil_char_boundary(end)
}

#[cfg(test)]
mod tests;
