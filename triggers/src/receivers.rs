//! The providers of webhooks, one file each: what they say in their own words becomes happenings.
//!
//! Whatever comes is signed or carries a secret, and may yet be made to hurt: who can push can say
//! anything. Bodies are read into types that have only what is wanted, bounded; a key that decides and
//! stands twice is refused.

#![deny(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod acr;
mod address;
mod artifact_registry;
mod bitbucket;
mod bitbucket_data_center;
mod distribution;
mod docker_hub;
mod ecr;
mod ghcr;
mod gitea;
mod github;
mod gitlab;
mod harbor;
mod hub;
mod images;
mod jfrog;
mod json;
mod quay;
mod refs;
mod text;

use engine_core::{
    Registry,
    receiver::{AnyReceiver, Heard, Unreadable},
};

/// Every provider that a receiver may be of.
pub fn receivers() -> Registry<dyn AnyReceiver> {
    Registry::<dyn AnyReceiver>::default()
        .with(acr::Acr)
        .with(artifact_registry::ArtifactRegistry)
        .with(bitbucket::Bitbucket)
        .with(bitbucket_data_center::BitbucketDataCenter)
        .with(distribution::Distribution)
        .with(docker_hub::DockerHub)
        .with(ecr::Ecr)
        .with(ghcr::Ghcr)
        .with(gitea::Forgejo)
        .with(gitea::Gitea)
        .with(github::Github)
        .with(gitlab::Gitlab)
        .with(harbor::Harbor)
        .with(jfrog::Jfrog)
        .with(quay::Quay)
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
