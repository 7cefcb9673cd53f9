//! What the recorded revisions of a target say about one component.

use engine_core::{
    id::{BlobName, RunId},
    revision::{Proof, Revision},
};
use std::collections::BTreeSet;

/// Whose own revisions do not count as the past: a further attempt must see what the first one saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) run: RunId,
    pub(crate) stage: &'a str,
}

impl Asker<'_> {
    pub(crate) fn recorded(self, revision: &Revision) -> bool {
        revision.run == self.run && revision.stage == self.stage
    }
}

/// The sets whose objects may still be in the cluster, newest first: back to the newest that is
/// good, since a run that ended well has pruned what was before it, and others may not have.
pub(crate) fn remaining(
    revisions: &[Revision],
    component: &str,
    asker: Asker<'_>,
) -> Vec<BlobName> {
    let mut sets: Vec<BlobName> = Vec::new();
    let past = revisions
        .iter()
        .rev()
        .filter(|revision| revision.set.component == component && !asker.recorded(revision));
    for revision in past {
        if !sets.contains(&revision.set.content) {
            sets.push(revision.set.content.clone());
        }
        match revision.proof {
            Proof::Good => break,
            Proof::Bad | Proof::Unproven => {}
        }
    }
    sets
}

/// The number under which this stage recorded its revision.
pub(crate) fn number(revisions: &[Revision], asker: Asker<'_>) -> Option<u64> {
    revisions.iter().rev().find(|revision| asker.recorded(revision)).map(|revision| revision.number)
}

/// What these runs recorded, the newest of each component.
pub(crate) fn recorded_by<'a>(
    revisions: &'a [Revision],
    runs: &BTreeSet<RunId>,
) -> Vec<&'a Revision> {
    let mut newest: Vec<&Revision> = Vec::new();
    for revision in revisions.iter().rev().filter(|revision| runs.contains(&revision.run)) {
        if newest.iter().all(|known| known.set.component != revision.set.component) {
            newest.push(revision);
        }
    }
    newest
}

#[cfg(test)]
mod tests;
