//! `jfrog`: images pushed to Artifactory. They are named as its repository-path method does:
//! `host/repository/image`.

use super::{
    images, json, note,
    text::{Word, quoted},
    unreadable,
};
use crate::verify::{self, Scheme};
use engine_core::{
    happening::Happening,
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct Jfrog;

impl Receiver for Jfrog {
    const PROVIDER: &'static str = "jfrog";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Jfrog.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Kind { domain: Word(domain), event_type: Word(event) } = json::read(request.body)?;
        if (domain.as_str(), event.as_str()) != ("docker", "pushed") {
            let words = format!("{} {}", quoted(&domain), quoted(&event));
            return Ok(note(format!("event {words} starts nothing")));
        }
        let image = json::read::<Event>(request.body)?.image().map_err(unreadable)?;
        Ok(Heard { happenings: vec![image], notes: Vec::new() })
    }
}

#[derive(Deserialize)]
struct Kind {
    domain: Word,
    event_type: Word,
}

#[derive(Deserialize)]
struct Event {
    data: Data,
    /// The address of the platform: `https://example.jfrog.io`.
    jpd_origin: Option<Word>,
}

#[derive(Deserialize)]
struct Data {
    repo_key: Word,
    image_name: Word,
    tag: Word,
    sha256: Option<Word>,
}

impl Event {
    fn image(&self) -> Result<Happening, String> {
        let Data { repo_key, image_name, tag, sha256 } = &self.data;
        let origin = self.jpd_origin.as_ref().map(|Word(origin)| origin.as_str());
        let host = origin.and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
        let Some(host) = host.and_then(|rest| rest.split('/').next()) else {
            return Err("`jpd_origin` does not say on which host it is".to_owned());
        };
        let digest = sha256.as_ref().map(|sha256| format!("sha256:{}", sha256.0));
        let name = format!("{host}/{}/{}", repo_key.0, image_name.0);
        images::pushed(&name, Some(&tag.0), digest.as_deref())
    }
}
