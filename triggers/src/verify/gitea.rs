//! Gitea and Forgejo: a bare HMAC-SHA256 in hexadecimal digits, over the body; or GitHub's header.
//!
//! They send several signatures. The most particular one that is there is the one that is checked.

use super::{Scheme, event, github::hub, key, mac};
use engine_core::receiver::{RawRequest, Refused, Verified};

pub struct Gitea;
pub struct Forgejo;

impl Scheme for Gitea {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        signed(request, secrets, &["x-gitea-signature"])?;
        Ok(Verified {
            key: key(request, &["x-gitea-delivery"]),
            event: event(request, &["x-gitea-event"]),
        })
    }
}

impl Scheme for Forgejo {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        signed(request, secrets, &["x-forgejo-signature", "x-gitea-signature"])?;
        Ok(Verified {
            key: key(request, &["x-forgejo-delivery", "x-gitea-delivery"]),
            event: event(request, &["x-forgejo-event", "x-gitea-event"]),
        })
    }
}

fn signed(request: &RawRequest<'_>, secrets: &[&[u8]], headers: &[&str]) -> Result<(), Refused> {
    let own = headers.iter().find_map(|name| request.header(name)).filter(|it| !it.is_empty());
    match own {
        Some(hex) => mac::signed_hex(hex, secrets, &[request.body]),
        None => hub(request, secrets, "x-hub-signature-256"),
    }
}
