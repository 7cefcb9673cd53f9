//! `github`: pushes, tags and merged pull requests of GitHub, its enterprise server included.

use super::{hub, json, note, unreadable};
use crate::verify::{self, Scheme};
use engine_core::receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified};

pub(super) struct Github;

impl Receiver for Github {
    const PROVIDER: &'static str = "github";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Github.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        match event(request)? {
            name @ ("package" | "registry_package") => Ok(note(format!(
                "event {name} starts nothing here: give images a receiver of provider ghcr"
            ))),
            name => hub::hear(name, &json::of_form(request)?),
        }
    }
}

/// The header is not signed: it says how the body is to be read, and a body that does not fit is refused.
pub(super) fn event<'a>(request: &RawRequest<'a>) -> Result<&'a str, Unreadable> {
    named(request, "x-github-event")
}

/// The name of an event in a header.
pub(super) fn named<'a>(request: &RawRequest<'a>, header: &str) -> Result<&'a str, Unreadable> {
    let text = request.text(header).map(str::trim).unwrap_or_default();
    let is_name = |it: u8| it.is_ascii_alphanumeric() || b"_-:.".contains(&it);
    match (1..=100).contains(&text.len()) && text.bytes().all(is_name) {
        true => Ok(text),
        false => Err(unreadable(format!("`{header}` does not name an event"))),
    }
}
