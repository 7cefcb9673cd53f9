//! GitHub: `X-Hub-Signature-256: sha256=HEX`, over the body.

use super::{Scheme, event, key, mac};
use engine_core::receiver::{RawRequest, Refused, Verified};

pub struct Github;

impl Scheme for Github {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        hub(request, secrets, "x-hub-signature-256")?;
        Ok(Verified {
            key: key(request, &["x-github-delivery"]),
            event: event(request, &["x-github-event"]),
        })
    }
}

/// `sha256=HEX` in `header`. Who sends only the header of the old algorithm is told apart from who
/// signs nothing.
pub(super) fn hub(
    request: &RawRequest<'_>,
    secrets: &[&[u8]],
    header: &str,
) -> Result<(), Refused> {
    let Some(value) = request.header(header).filter(|value| !value.is_empty()) else {
        return Err(match request.header("x-hub-signature") {
            Some(_) => Refused::Algorithm,
            None => Refused::Missing,
        });
    };
    let hex = value.strip_prefix(b"sha256=").ok_or(Refused::Algorithm)?;
    mac::signed_hex(hex, secrets, &[request.body])
}
