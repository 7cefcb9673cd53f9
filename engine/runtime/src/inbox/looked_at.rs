//! Which marks are still somebody's: where nobody looks any more, whoever comes back begins anew and
//! does not find all that has happened meanwhile.

use super::{Listing, Shared};
use engine_core::store::StoreError;
use std::collections::BTreeSet;

/// What marks of one kind stand for what is looked at.
pub(super) struct LookedAt {
    prefix: &'static str,
    before: BTreeSet<String>,
    listing: Listing,
}

impl LookedAt {
    /// Of marks whose keys begin so.
    pub(super) fn by(prefix: &'static str) -> LookedAt {
        LookedAt { prefix, before: BTreeSet::new(), listing: Listing::Partial }
    }

    /// Forgets the marks of what was looked at and is not among `now`; once everything was read, also
    /// what earlier engines have left.
    pub(super) async fn turn(
        &mut self,
        shared: &Shared,
        now: BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let listing = shared.grounds.listing();
        let known = match (self.listing, listing) {
            (Listing::Partial, Listing::Whole) => {
                let marks = shared.backing.store.marks(self.prefix).await?;
                marks.into_iter().map(|mark| mark.key).collect()
            }
            (Listing::Whole, _) | (_, Listing::Partial) => self.before.clone(),
        };
        shared.forget(known.difference(&now).cloned().collect()).await?;
        self.before = now;
        if listing == Listing::Whole {
            self.listing = Listing::Whole;
        }
        Ok(())
    }
}
