//! Slack: `X-Slack-Signature: v0=HEX`, over `v0:timestamp:body`.

use super::{Scheme, fresh, mac, seconds};
use engine_core::receiver::{Key, RawRequest, Refused, Verified};

/// Bodies carry an id of their own, so equal ones are the same.
pub struct Slack;

impl Scheme for Slack {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let header = |name| request.header(name).filter(|it| !it.is_empty());
        let value = header("x-slack-signature").ok_or(Refused::Missing)?;
        let timestamp = header("x-slack-request-timestamp").ok_or(Refused::Missing)?;
        let hex = value.strip_prefix(b"v0=").ok_or(Refused::Algorithm)?;
        let at = seconds(timestamp).ok_or(Refused::Bad)?;
        mac::signed_hex(hex, secrets, &[b"v0:", timestamp, b":", request.body])?;
        fresh(request, at)?;
        Ok(Verified { key: Key::Body, event: None })
    }
}
