//! How those who post prove who they are: over raw bytes, compared in constant time.
//!
//! An empty secret proves nothing and is passed over, so that no secret at all refuses everybody. Why
//! somebody was refused is for the operator; whoever asked hears the same of all.

#![deny(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod authorization;
mod bitbucket;
mod gitea;
mod github;
mod gitlab;
mod jfrog;
mod mac;
mod path;
mod slack;
mod standard_webhooks;

pub use authorization::{Authorization, Bearer};
pub use bitbucket::Bitbucket;
pub use gitea::{Forgejo, Gitea};
pub use github::Github;
pub use gitlab::Gitlab;
pub use jfrog::Jfrog;
pub use path::{AuthorizationOrPath, PathSecret};
pub use slack::Slack;
pub use standard_webhooks::StandardWebhooks;

use engine_core::receiver::{Key, RawRequest, Refused, Verified};

/// How far the clock of a sender may be from ours.
pub const TOLERANCE_SECONDS: u64 = 300;

/// One way of proving it.
///
/// # Contract
///
/// As [`engine_core::receiver::Receiver::verify`]: pure, never panics, parses no body. Any one of
/// `secrets` will do, so that they can be rotated.
pub trait Scheme: Send + Sync + 'static {
    fn verify(&self, request: &RawRequest<'_>, secrets: &[&[u8]]) -> Result<Verified, Refused>;
}

/// The words of `verify.scheme` in a `webhook` trigger.
pub const SCHEMES: [&str; 7] =
    ["bearer", "bitbucket", "gitea", "github", "gitlab", "slack", "standardWebhooks"];

/// The scheme of a word of [`SCHEMES`].
pub fn scheme(word: &str) -> Option<&'static dyn Scheme> {
    Some(match word {
        "bearer" => &Bearer,
        "bitbucket" => &Bitbucket,
        "gitea" => &Gitea,
        "github" => &Github,
        "gitlab" => &Gitlab,
        "slack" => &Slack,
        "standardWebhooks" => &StandardWebhooks,
        _ => return None,
    })
}

/// What a sender calls this delivery, by the first of these headers that it sends.
fn key(request: &RawRequest<'_>, headers: &[&str]) -> Key {
    match headers.iter().find_map(|name| named(request, name)) {
        Some(name) => Key::Named(name),
        None => Key::Body,
    }
}

/// A short name in a header: nothing long, nothing that does not print.
pub(crate) fn named(request: &RawRequest<'_>, header: &str) -> Option<String> {
    let text = request.text(header)?.trim();
    let is_name = (1..=200).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
    is_name.then(|| text.to_owned())
}

/// What a sender calls what happened: `push`, `Merge Request Hook`.
fn event(request: &RawRequest<'_>, headers: &[&str]) -> Option<String> {
    let text = headers.iter().find_map(|name| request.text(name))?.trim();
    let prints = |it: u8| it.is_ascii_graphic() || it == b' ';
    ((1..=200).contains(&text.len()) && text.bytes().all(prints)).then(|| text.to_owned())
}

/// Whether `seconds` is near enough to when the request came.
fn fresh(request: &RawRequest<'_>, seconds: u64) -> Result<(), Refused> {
    match request.received_seconds.abs_diff(seconds) <= TOLERANCE_SECONDS {
        true => Ok(()),
        false => Err(Refused::Stale),
    }
}

/// Seconds since the epoch as decimal digits, and nothing else.
fn seconds(bytes: &[u8]) -> Option<u64> {
    let is_number = (1..=12).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(bytes).ok().filter(|_| is_number)?.parse().ok()
}
