//! What a provider of webhooks implements: is it really theirs, and what does it say.

use crate::happening::Happening;

/// A kind of sender, such as `github`.
///
/// # Contract
///
/// Both functions are pure, never panic whatever the bytes, and take time in proportion to them.
/// `verify` looks at raw bytes alone and compares in constant time; nothing is parsed before it has
/// said yes.
pub trait Receiver: Send + Sync + 'static {
    /// The word for it in `gennaker.yaml`.
    const PROVIDER: &'static str;

    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused>;

    /// What it says, in the order in which it says it.
    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable>;
}

/// [`Receiver`] for a registry.
pub trait AnyReceiver: Send + Sync {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused>;
    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable>;
}

impl<R: Receiver> AnyReceiver for R {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused> {
        Receiver::verify(self, request, secrets)
    }

    fn happenings(&self, request: &RawRequest<'_>) -> Result<Heard, Unreadable> {
        Receiver::happenings(self, request)
    }
}

/// A request as it came, bounded in size.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest<'a> {
    /// Names in lower case, in the order of the request; a name may stand twice.
    pub headers: &'a [(String, Vec<u8>)],
    /// What stands after the receiver's name in the path, `/receivers/NAME/REST`: the place of a
    /// secret for those who can sign nothing.
    pub path: &'a str,
    pub body: &'a [u8],
    /// Seconds since the Unix epoch, when it came.
    pub received_seconds: u64,
}

impl<'a> RawRequest<'a> {
    /// The value of a header that stands once; one that stands twice is nobody's.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.as_slice()),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    /// The same, as text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.header(name)?).ok()
    }
}

/// It is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The sender's own name for this delivery: a second one of the same name is the same.
    pub key: Key,
    /// What the sender calls it: `push`.
    pub event: Option<String>,
}

/// By what a delivery is known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Named(String),
    /// The sender gives none: equal bodies are the same delivery.
    Body,
    /// Nor can its bodies tell: Quay names a tag and no time, and says the same again when the tag moves.
    /// Each stands for itself, and only what it means is held against what was.
    Each,
}

/// Why it is nobody's. Whoever sent it hears the same of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is not signed")]
    Missing,
    #[error("its signature is by an algorithm that is not taken")]
    Algorithm,
    #[error("its signature does not fit")]
    Bad,
    #[error("it was signed too long ago, or for a time to come")]
    Stale,
}

/// What a request says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    pub happenings: Vec<Happening>,
    /// What else stands in it, and why that is nothing: `event star starts nothing`.
    pub notes: Vec<String>,
}

/// It is theirs and not what they send: a fragment that says what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);
