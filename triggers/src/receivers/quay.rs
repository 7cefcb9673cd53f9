//! `quay`: pushes to Quay, which signs nothing and tells neither digest nor time: the secret is in the
//! path.

use super::{
    images, json, note,
    text::{List, Word},
    unreadable,
};
use crate::verify::{PathSecret, Scheme};
use engine_core::receiver::{Heard, Key, RawRequest, Receiver, Refused, Unreadable, Verified};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) struct Quay;

impl Receiver for Quay {
    const PROVIDER: &'static str = "quay";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let verified = PathSecret.verify(request, secrets)?;
        Ok(Verified { key: Key::Each, ..verified })
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Pushed { docker_url, updated_tags } = json::read(request.body)?;
        let (tags, name) = match (updated_tags.map(Tags::names), docker_url) {
            (Some(tags), Some(Word(name))) if !tags.is_empty() => (tags, name),
            (Some(_), None) => return Err(unreadable("it does not say where its images lie")),
            (Some(_) | None, Some(_) | None) => {
                return Ok(note("an event without `updated_tags` starts nothing"));
            }
        };
        let images = tags.iter().map(|tag| images::pushed(&name, Some(tag), None));
        let happenings = images.collect::<Result<_, _>>().map_err(unreadable)?;
        Ok(Heard { happenings, notes: Vec::new() })
    }
}

#[derive(Deserialize)]
struct Pushed {
    docker_url: Option<Word>,
    updated_tags: Option<Tags>,
}

/// Once a map of ids of images, which are no digests.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tags {
    List(List<String, 1_000>),
    Map(BTreeMap<String, serde::de::IgnoredAny>),
}

impl Tags {
    fn names(self) -> Vec<String> {
        match self {
            Tags::List(names) => names.0,
            Tags::Map(names) => names.into_keys().collect(),
        }
    }
}
