//! `harbor`: pushes to Harbor, in its own format and in that of CloudEvents, known by the `Authorization`
//! that its webhook is given.

use super::{
    images, json, starts_nothing,
    text::{List, Word, quoted},
    unreadable,
};
use crate::verify::{self, Scheme};
use artifacts::Reference;
use engine_core::{
    happening::Happening,
    receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified},
};
use serde::Deserialize;

pub(super) struct Harbor;

impl Receiver for Harbor {
    const PROVIDER: &'static str = "harbor";

    /// The time of the push is in the body, so equal ones are the same.
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Authorization.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let Event { kind: Word(kind), event_data, data } = json::read(request.body)?;
        if !["PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"].contains(&kind.as_str()) {
            return Ok(starts_nothing(&kind));
        }
        let Some(Data { resources }) = event_data.or(data) else {
            return Err(unreadable("it is a push, and has no `event_data`"));
        };
        let happenings = resources.0.iter().map(Resource::image).collect::<Result<Vec<_>, _>>();
        match happenings.map_err(unreadable)? {
            images if images.is_empty() => Ok(starts_nothing(&format!("{kind} of nothing"))),
            happenings => Ok(Heard { happenings, notes: Vec::new() }),
        }
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Word,
    event_data: Option<Data>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    resources: List<Resource, 1_000>,
}

#[derive(Deserialize)]
struct Resource {
    resource_url: Word,
    digest: Option<Word>,
}

impl Resource {
    /// `host/project/name:tag`; what has no tag has its digest there.
    fn image(&self) -> Result<Happening, String> {
        let Word(url) = &self.resource_url;
        let parsed = Reference::parse(url).map_err(|error| format!("{}: {error}", quoted(url)))?;
        let digest = self.digest.as_ref().map(|digest| digest.0.as_str());
        let name = parsed.repository.to_string();
        images::pushed(&name, parsed.tag.as_deref(), digest.or(parsed.digest.as_deref()))
    }
}
