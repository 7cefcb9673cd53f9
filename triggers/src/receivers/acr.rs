//! `acr`: pushes to Azure's registry, by its own webhooks and by Event Grid.
//!
//! Neither signs anything. The webhook sends the headers that it is given, and Event Grid those of its
//! subscription: `Authorization`; or the secret stands in the path.

use super::{
    images, json,
    text::{List, Word, quoted},
    unreadable,
};
use crate::verify::{AuthorizationOrPath, Scheme};
use engine_core::{
    happening::Happening,
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct Acr;

impl Receiver for Acr {
    const PROVIDER: &'static str = "acr";

    /// Its id and time are in the body, so equal ones are the same.
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        AuthorizationOrPath.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let events = match request.body.trim_ascii_start().first() {
            Some(b'[') => json::read::<List<GridEvent, 1_000>>(request.body)?.0,
            Some(_) | None => vec![json::read(request.body)?],
        };
        let mut heard = Heard::default();
        for event in events {
            match event.read().map_err(unreadable)? {
                Ok(happening) => heard.happenings.push(happening),
                Err(words) => heard.notes.push(words),
            }
        }
        if heard == Heard::default() {
            heard.notes.push("no event starts nothing".to_owned());
        }
        Ok(heard)
    }
}

/// An event of Event Grid, in either of its schemas, or what the registry's webhook says by itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GridEvent {
    #[serde(rename = "type")]
    kind: Option<Word>,
    event_type: Option<Word>,
    data: Option<Data>,
    action: Option<Word>,
    target: Option<Target>,
    request: Option<Source>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    action: Option<Word>,
    target: Option<Target>,
    request: Option<Source>,
    /// Of a subscription that is to be confirmed.
    validation_url: Option<Word>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Target {
    repository: String,
    digest: String,
    tag: String,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    host: String,
}

impl GridEvent {
    /// What it is, or a note; a push that cannot be read is refused.
    fn read(self) -> Result<Result<Happening, String>, String> {
        let kind = self.kind.or(self.event_type).map(|Word(kind)| kind);
        let (action, target, request, validation) = match self.data {
            Some(data) => (data.action, data.target, data.request, data.validation_url),
            None => (self.action, self.target, self.request, None),
        };
        if let Some(Word(url)) = validation {
            let words = "a subscription starts nothing: open this address once, within ten minutes, so \
                         that it is confirmed:";
            return Ok(Err(format!("{words} {url}")));
        }
        let named = action.map(|Word(action)| action).or(kind).unwrap_or_default();
        if named != "push" {
            return Ok(Err(format!("event {} starts nothing", quoted(&named))));
        }
        let target = target.ok_or("it is a push, and does not say of what")?;
        let host = request.map(|request| request.host).unwrap_or_default();
        let name = format!("{host}/{}", target.repository);
        let digest = Some(target.digest.as_str());
        Ok(Ok(images::pushed(&name, Some(&target.tag), digest)?))
    }
}
