//! Every payload that GitHub's package and go-playground publish, signed and posted.

use super::door::{Door, Receiver};
use crate::published::{Published, SECRET, octokit, playground};
use std::collections::BTreeMap;

/// A receiver for each provider of which something is published, by its provider's name.
pub(super) fn door() -> Door {
    let providers = ["bitbucket", "bitbucketDataCenter", "dockerHub", "gitea", "github", "gitlab"];
    let receiver = |provider: &'static str| Receiver {
        name: provider.to_ascii_lowercase(),
        provider,
        secrets: vec![("PUBLISHED", SECRET)],
    };
    Door::open(&providers.map(receiver))
}

/// GitHub's 329 examples of today, and all of go-playground.
pub(super) fn all() -> Vec<Published> {
    let mut all = octokit();
    all.retain(|published| published.name.starts_with("api.github.com/"));
    assert_eq!(all.len(), 329);
    all.extend(playground());
    assert_eq!(all.len(), 329 + 154);
    all
}

#[test]
fn every_published_payload_is_answered_and_decided() {
    let (mut door, mut told) = (door(), BTreeMap::<u16, usize>::new());
    let mut line = door.connect();
    for published in all() {
        let answer = line.post(&published.provider.to_ascii_lowercase(), &published.request);
        answer.holds(&published.name);
        *told.entry(answer.status).or_default() += 1;
    }
    println!("{told:?}");
    let kept = told.get(&202).copied().unwrap_or_default();
    assert!(kept > 400, "{told:?}");
    assert!(!told.contains_key(&401) && !told.contains_key(&404), "{told:?}");
    assert_eq!(door.decided().len(), kept);
}
