//! `artifactRegistry`: pushes to Google's Artifact Registry, by a push subscription of Pub/Sub, wrapped or
//! not.
//!
//! Known by a secret in the path, or by `Authorization` where something in between sets it. The token by
//! which Google signs pushes is not verified: its keys would have to be fetched.

use super::{
    images, json, note,
    text::{Word, quoted},
    unreadable,
};
use crate::verify::{AuthorizationOrPath, Scheme};
use artifacts::Reference;
use base64::{Engine, engine::general_purpose::STANDARD};
use engine_core::{
    happening::Happening,
    receiver::{Heard, Key, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct ArtifactRegistry;

impl Receiver for ArtifactRegistry {
    const PROVIDER: &'static str = "artifactRegistry";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let verified = AuthorizationOrPath.verify(request, secrets)?;
        // A body that is not wrapped tells neither id nor time, and a tag may come back to what it was.
        let key =
            crate::verify::named(request, "x-goog-pubsub-message-id").map_or(Key::Each, Key::Named);
        Ok(Verified { key, ..verified })
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let told = match json::read::<Envelope>(request.body)?.message {
            Some(message) => {
                let data = STANDARD.decode(&message.data);
                let data = data.map_err(|_| unreadable("`message.data` is not base64"))?;
                json::read::<Told>(&data)?
            }
            None => json::read::<Told>(request.body)?,
        };
        let Word(action) = &told.action;
        if action != "INSERT" {
            return Ok(note(format!("action {} starts nothing", quoted(action))));
        }
        Ok(Heard { happenings: vec![told.image().map_err(unreadable)?], notes: Vec::new() })
    }
}

#[derive(Deserialize)]
struct Envelope {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    data: String,
}

#[derive(Deserialize)]
struct Told {
    action: Word,
    /// `host/path@sha256:…`.
    digest: Option<Word>,
    /// `host/path:tag`.
    tag: Option<Word>,
}

impl Told {
    fn image(&self) -> Result<Happening, String> {
        let parse = |Word(text): &Word| {
            Reference::parse(text).map_err(|error| format!("{}: {error}", quoted(text)))
        };
        let by_tag = self.tag.as_ref().map(parse).transpose()?;
        let by_digest = self.digest.as_ref().map(parse).transpose()?;
        let Some(named) = by_tag.as_ref().or(by_digest.as_ref()) else {
            return Err("it names neither a tag nor a digest".to_owned());
        };
        let digest = by_digest.as_ref().filter(|it| it.repository == named.repository);
        let digest = digest.and_then(|it| it.digest.as_deref());
        images::pushed(&named.repository.to_string(), named.tag.as_deref(), digest)
    }
}
