//! A secret in `Authorization`. It signs nothing: whoever could read it can send anything.

use super::{Scheme, key, mac};
use engine_core::receiver::{RawRequest, Refused, Verified};

const HEADER: &str = "authorization";

/// `Authorization: Bearer SECRET`.
pub struct Bearer;

/// `Authorization: SECRET`, whatever the secret looks like, or `Bearer SECRET`: what registries are
/// told to send.
pub struct Authorization;

impl Scheme for Bearer {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let value = request.header(HEADER).filter(|it| !it.is_empty()).ok_or(Refused::Missing)?;
        mac::is_one_of(token(value).ok_or(Refused::Algorithm)?, secrets)?;
        Ok(Verified { key: key(request, &["webhook-id", "idempotency-key"]), event: None })
    }
}

impl Scheme for Authorization {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let value = request.header(HEADER).filter(|it| !it.is_empty()).ok_or(Refused::Missing)?;
        let whole = mac::is_one_of(value, secrets);
        let bearer = token(value).map_or(Err(Refused::Bad), |it| mac::is_one_of(it, secrets));
        whole.or(bearer)?;
        Ok(Verified { key: key(request, &[]), event: None })
    }
}

/// What stands after `Bearer`, in any case.
fn token(value: &[u8]) -> Option<&[u8]> {
    let (word, rest) = value.split_at_checked("bearer ".len())?;
    word.eq_ignore_ascii_case(b"bearer ").then_some(rest.trim_ascii())
}
