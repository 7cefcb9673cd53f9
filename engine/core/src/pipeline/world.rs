//! What expressions read that neither a file nor a run knows: what is deployed somewhere, and which run
//! succeeded last.

use crate::expression::{Use, look};
use std::collections::BTreeSet;

/// `deployed["staging"].revision`
pub(crate) const DEPLOYED: &str = "deployed";
/// `lastSucceeded.number`
pub(crate) const LAST_SUCCEEDED: &str = "lastSucceeded";

/// What some expressions read of the world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorldReads {
    /// By environment.
    pub(crate) deployed: BTreeSet<String>,
    pub(crate) last_succeeded: bool,
}

impl WorldReads {
    pub(crate) fn of<'a>(sources: impl Iterator<Item = &'a str>) -> WorldReads {
        let mut reads = WorldReads::default();
        // Most read nothing of it, and looking closely costs.
        let hinted = sources.filter(|it| it.contains(DEPLOYED) || it.contains(LAST_SUCCEEDED));
        for looked in hinted.filter_map(|source| look(source, Use::Value).ok()) {
            for path in looked.reads.into_iter().map(|read| read.path) {
                match path.as_slice() {
                    [root, environment, ..] if root == DEPLOYED => {
                        reads.deployed.insert(environment.clone());
                    }
                    [root, ..] if root == LAST_SUCCEEDED => reads.last_succeeded = true,
                    _ => {}
                }
            }
        }
        reads
    }
}
