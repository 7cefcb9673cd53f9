//! The providers of webhooks, one file each: what they say in their own words becomes happenings.
//!
//! Whatever comes is signed or carries a secret, and may yet be made to hurt: who can push can say
//! anything. Bodies are read into types that have only what is wanted, bounded; a key that decides and
//! stands twice is refused.

#![deny(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod address;
mod distribution;
mod gitea;
mod github;
mod gitlab;
mod hub;
mod images;
mod json;
mod refs;
mod text;

use engine_core::{
    Registry,
    receiver::{AnyReceiver, Heard, Unreadable},
};

/// Every provider that a receiver may be of.
pub fn receivers() -> Registry<dyn AnyReceiver> {
    Registry::<dyn AnyReceiver>::default()
        .with(distribution::Distribution)
        .with(gitea::Forgejo)
        .with(gitea::Gitea)
        .with(github::Github)
        .with(gitlab::Gitlab)
}

fn unreadable(words: impl Into<String>) -> Unreadable {
    Unreadable(words.into())
}

/// Nothing, and why.
fn note(words: impl Into<String>) -> Heard {
    Heard { happenings: Vec::new(), notes: vec![words.into()] }
}

fn starts_nothing(event: &str) -> Heard {
    note(format!("event {event} starts nothing"))
}
