//! JFrog: `X-JFrog-Event-Auth`, the HMAC-SHA256 of the body in hexadecimal digits.
//!
//! Its webhooks send the bare secret there unless they are told to sign with it. That is refused: the
//! secret would be readable by whatever stands between.

use super::{Scheme, mac};
use engine_core::receiver::{Key, RawRequest, Refused, Verified};

pub struct Jfrog;

impl Scheme for Jfrog {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        let value = request.header("x-jfrog-event-auth").filter(|it| !it.is_empty());
        let value = value.ok_or(Refused::Missing)?;
        if mac::is_one_of(value, secrets).is_ok() {
            return Err(Refused::Algorithm);
        }
        mac::signed_hex(value, secrets, &[request.body])?;
        // Its bodies tell no time, and a tag may come back to what it was.
        Ok(Verified { key: Key::Each, event: None })
    }
}
