//! `distribution`: notifications of the CNCF's registry, several events a call.
//!
//! The registry sends a call again until it is taken, and nothing else before: an event that cannot be
//! read becomes a note, so that those behind it come through.

use super::{
    images::{self, MAX_EVENTS},
    json,
    text::List,
};
use crate::verify::{self, Scheme};
use engine_core::{
    happening::Happening,
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) struct Distribution;

impl Receiver for Distribution {
    const PROVIDER: &'static str = "distribution";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Authorization.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Envelope { events } = json::read(request.body)?;
        let mut heard = Heard::default();
        let mut passed: BTreeMap<String, usize> = BTreeMap::new();
        for event in events.0 {
            match event.happening() {
                Ok(happening) => heard.happenings.push(happening),
                Err(words) => *passed.entry(words).or_default() += 1,
            }
        }
        heard.notes = passed.into_iter().map(|(words, times)| counted(words, times)).collect();
        if heard == Heard::default() {
            heard.notes.push("a call without events".to_owned());
        }
        Ok(heard)
    }
}

#[derive(Deserialize)]
struct Envelope {
    events: List<Event, MAX_EVENTS>,
}

#[derive(Deserialize)]
struct Event {
    action: String,
    #[serde(default)]
    target: Target,
    request: Option<Source>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    media_type: String,
    repository: String,
    digest: String,
    tag: String,
    url: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    host: String,
}

impl Event {
    /// An image, or why it is nothing.
    fn happening(&self) -> Result<Happening, String> {
        let target = &self.target;
        match self.action.as_str() {
            "push" if target.is_manifest() => {}
            "push" => return Err("push of a layer starts nothing".to_owned()),
            "pull" | "delete" | "mount" => return Err(format!("{} starts nothing", self.action)),
            _ => return Err("an action that is not known starts nothing".to_owned()),
        }
        let by_url = host(&target.url);
        let by_request = self.request.as_ref().map(|source| source.host.as_str());
        let Some(host) = by_url.or(by_request).filter(|host| !host.is_empty()) else {
            return Err("a push does not say to which host".to_owned());
        };
        let name = format!("{host}/{}", target.repository);
        images::pushed(&name, Some(&target.tag), Some(&target.digest))
    }
}

impl Target {
    fn is_manifest(&self) -> bool {
        let manifests = [
            "application/vnd.docker.distribution.manifest.",
            "application/vnd.oci.image.manifest.",
            "application/vnd.oci.image.index.",
        ];
        manifests.iter().any(|start| self.media_type.starts_with(start))
            || self.url.contains("/manifests/")
    }
}

/// Of the address at which the registry says the image is.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"))?;
    rest.split('/').next().filter(|host| !host.is_empty())
}

fn counted(words: String, times: usize) -> String {
    match times {
        1 => words,
        _ => format!("{words} ({times} times)"),
    }
}
