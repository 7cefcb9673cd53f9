//! Texts of payloads, bounded where they are read.

use artifacts::git;
use serde::{Deserialize, Deserializer, de};
use std::{fmt, marker::PhantomData};

/// No name of a branch, repository or person is longer.
const MAX_WORD_BYTES: usize = 1_024;
const MAX_PROSE_CHARACTERS: usize = 1_000;

/// A text that decides something: not empty, not long, and all of it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) String);

/// A text for people, cut where it gets long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prose(pub(super) String);

/// The id of a commit or of another object; zeros are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectId(pub(super) Option<String>);

/// A list of at most `MAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List<T, const MAX: usize>(pub(super) Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> List<T, MAX> {
        List(Vec::new())
    }
}

impl Prose {
    /// What is not empty of it.
    pub(super) fn said(self) -> Option<String> {
        let text = self.0.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A short piece of a text, for messages.
pub(super) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    match text.chars().nth(80) {
        Some(_) => format!("`{start}…`"),
        None => format!("`{start}`"),
    }
}

/// `Name <address>`, as git writes it.
pub(super) fn author(name: Option<Prose>, email: Option<Prose>) -> Option<String> {
    match (name.and_then(Prose::said), email.and_then(Prose::said)) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (Some(name), None) => Some(name),
        (None, Some(email)) => Some(format!("<{email}>")),
        (None, None) => None,
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Err(de::Error::custom("it is empty"));
        }
        if text.len() > MAX_WORD_BYTES {
            return Err(de::Error::custom(format!("it has more than {MAX_WORD_BYTES} bytes")));
        }
        if text.chars().any(char::is_control) {
            let shown = quoted(&text);
            return Err(de::Error::custom(format!("{shown} has characters that cannot be seen")));
        }
        Ok(Word(text))
    }
}

impl<'de> Deserialize<'de> for Prose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Prose, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.char_indices().nth(MAX_PROSE_CHARACTERS) {
            Some((end, _)) => Prose(format!("{}…", text.get(..end).unwrap_or_default())),
            None => Prose(text),
        })
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ObjectId, D::Error> {
        let text = String::deserialize(deserializer)?;
        let id = git::ObjectId::parse(&text).map_err(de::Error::custom)?;
        Ok(ObjectId((!id.is_zero()).then(|| id.as_str().to_owned())))
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List<T, MAX>, D::Error> {
        deserializer.deserialize_seq(Items::<T, MAX>(PhantomData))
    }
}

struct Items<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> de::Visitor<'de> for Items<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MAX}")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<List<T, MAX>, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            if read.len() == MAX {
                return Err(de::Error::invalid_length(MAX + 1, &self));
            }
            read.push(item);
        }
        Ok(List(read))
    }
}
