//! What targets run, in memory.

use super::state::State;
use engine_core::{
    id::RunId,
    revision::{ComponentSet, Origin, Proof, Recording, Revision, Target, recording},
    store::Append,
};

/// A set that a stage has recorded.
pub(super) struct Recorded<'a> {
    pub(super) item: &'a Append,
    pub(super) stage: &'a str,
    pub(super) target: &'a Target,
    pub(super) set: &'a ComponentSet,
}

impl State {
    pub(super) fn record(&mut self, recorded: Recorded<'_>) {
        let Recorded { item: Append { run, now, .. }, stage, target, set } = recorded;
        let all = self.revisions.entry(target.clone()).or_default();
        let of_stage = |revision: &&Revision| revision.run == *run && revision.stage == stage;
        let earlier: Vec<Revision> = all.iter().filter(of_stage).cloned().collect();
        let number = match recording(&earlier, set) {
            Recording::Reused => return,
            Recording::Beside { number } => number,
            Recording::Next => {
                let counter = self.revision_numbers.entry(target.clone()).or_default();
                *counter += 1;
                *counter
            }
        };
        let proof = inherit(all, set);
        let (run, stage, at) = (*run, stage.to_owned(), *now);
        all.push(Revision { number, run, stage, at, set: set.clone(), proof });
        all.sort_by(|a, b| (a.number, &a.set.component).cmp(&(b.number, &b.set.component)));
    }

    pub(super) fn prove(&mut self, run: RunId, target: &Target, proof: Proof) {
        let all = self.revisions.entry(target.clone()).or_default();
        let before = all.clone();
        let unproven =
            |revision: &&mut Revision| revision.run == run && revision.proof == Proof::Unproven;
        for revision in all.iter_mut().filter(unproven) {
            // A set that a later attempt of its stage replaced is not what was proven good.
            let is_replaced = before.iter().any(|later| revision.is_replaced(later));
            if proof != Proof::Good || !is_replaced {
                revision.proof = proof;
            }
        }
    }
}

/// A rollback marks the revision it left and keeps its origin's mark; a deployment has none yet.
fn inherit(all: &mut [Revision], set: &ComponentSet) -> Proof {
    let Origin::Rollback { of, left } = &set.origin else { return Proof::Unproven };
    let same = |revision: &Revision, number: u64| {
        revision.number == number && revision.set.component == set.component
    };
    if let Some(left) = all.iter_mut().find(|revision| same(revision, *left)) {
        left.proof = Proof::Bad;
    }
    let origin = all.iter().find(|revision| same(revision, *of));
    origin.map_or(Proof::Unproven, |origin| origin.proof)
}
