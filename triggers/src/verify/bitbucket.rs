//! Bitbucket Cloud and Data Center: `X-Hub-Signature: sha256=HEX`, over the body. The header is the one
//! in which others send SHA-1, so the prefix counts.

use super::{Scheme, event, github::hub, key};
use engine_core::receiver::{RawRequest, Refused, Verified};

pub struct Bitbucket;

impl Scheme for Bitbucket {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        hub(request, secrets, "x-hub-signature")?;
        Ok(Verified {
            key: key(request, &["x-request-uuid", "x-request-id"]),
            event: event(request, &["x-event-key"]),
        })
    }
}
