//! `gitea` and `forgejo`: pushes, tags, deletions and merged pull requests.

use super::{github::named, hub, json};
use crate::verify::{self, Scheme};
use engine_core::receiver::{Heard, RawRequest, Receiver, Refused, Unreadable, Verified};

pub(super) struct Gitea;
pub(super) struct Forgejo;

impl Receiver for Gitea {
    const PROVIDER: &'static str = "gitea";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Gitea.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        hub::hear(named(request, "x-gitea-event")?, &json::of_form(request)?)
    }
}

impl Receiver for Forgejo {
    const PROVIDER: &'static str = "forgejo";

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        verify::Forgejo.verify(request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        let header = match request.header("x-forgejo-event") {
            Some(_) => "x-forgejo-event",
            None => "x-gitea-event",
        };
        hub::hear(named(request, header)?, &json::of_form(request)?)
    }
}
