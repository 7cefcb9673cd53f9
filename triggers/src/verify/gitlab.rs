//! GitLab: its signing token, which is Standard Webhooks, or the secret itself in `X-Gitlab-Token`.

use super::{Scheme, StandardWebhooks, event, mac, named, standard_webhooks::PREFIX};
use engine_core::receiver::{Key, RawRequest, Refused, Verified};
use sha2::{Digest, Sha256};

/// Secrets that begin with `whsec_` are signing tokens and are never taken as they stand; others are
/// never signed with.
pub struct Gitlab;

impl Scheme for Gitlab {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let (signing, plain): (Vec<&[u8]>, Vec<&[u8]>) =
            secrets.iter().partition(|secret| secret.starts_with(PREFIX));
        let event = event(request, &["x-gitlab-event"]);
        if !signing.is_empty() && request.header("webhook-signature").is_some() {
            let key = StandardWebhooks.verify(request, &signing)?.key;
            return Ok(Verified { key, event });
        }
        let token = request.header("x-gitlab-token").ok_or(Refused::Missing)?;
        mac::is_one_of(token, &plain)?;
        Ok(Verified { key: key(request), event })
    }
}

/// `Idempotency-Key` is a delivery's own. The event's id is shared by whatever an event brings about, so
/// that only together with the body it is one.
fn key(request: &RawRequest<'_>) -> Key {
    if let Some(name) = named(request, "idempotency-key") {
        return Key::Named(name);
    }
    match named(request, "x-gitlab-event-uuid") {
        Some(event) => {
            let body = hex::encode(Sha256::digest(request.body));
            Key::Named(format!("{event}/{body}"))
        }
        None => Key::Body,
    }
}
