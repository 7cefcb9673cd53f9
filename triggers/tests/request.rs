//! Requests as tests make them, and signatures by another implementation than the one under test.

use engine_core::receiver::RawRequest;
use ring::{digest, hmac};

/// When tests receive what they send.
pub(crate) const NOW: u64 = 1_784_000_000;

/// A request that owns what it has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    pub(crate) received: Option<u64>,
}

impl Request {
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> Request {
        Request { body: body.into(), ..Request::default() }
    }

    pub(crate) fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Request {
        self.headers.push((name.to_ascii_lowercase(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn raw(&self) -> RawRequest<'_> {
        RawRequest {
            headers: &self.headers,
            path: &self.path,
            body: &self.body,
            received_seconds: self.received.unwrap_or(NOW),
        }
    }
}

pub(crate) fn sha256_hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

pub(crate) fn sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex::encode(sha256_hmac(key, message))
}

pub(crate) fn sha1_hex(key: &[u8], message: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    hex::encode(hmac::sign(&key, message))
}

pub(crate) fn sha512_hex(key: &[u8], message: &[u8]) -> String {
    hex::encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, key), message))
}

pub(crate) fn digest_hex(message: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, message))
}
