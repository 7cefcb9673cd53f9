//! Who gets a resource: one pure function over the holders and waiters of that one resource.

use crate::id::{RunId, Ticket};
use serde::{Deserialize, Serialize};

/// Everybody at one resource, in the order of their tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    pub holders: Vec<Claimant>,
    pub waiters: Vec<Claimant>,
}

/// A run that holds a resource or asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimant {
    pub ticket: Ticket,
    pub run: RunId,
}

/// How many runs may hold a target at once.
pub const TARGET_LIMIT: usize = 1;

/// The waiters that may hold the resource now, first come first served. Whoever is returned must
/// be made a holder in the same transaction, so that a claim is never free while somebody waits.
pub fn admit(queue: &Queue, limit: usize) -> Vec<Claimant> {
    let free = limit.saturating_sub(queue.holders.len());
    queue.waiters.iter().take(free).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claimants(tickets: std::ops::Range<u64>) -> Vec<Claimant> {
        let run = |ticket: u64| RunId(uuid::Uuid::from_u128(u128::from(ticket)));
        tickets.map(|ticket| Claimant { ticket: Ticket(ticket), run: run(ticket) }).collect()
    }

    proptest! {
        #[test]
        fn a_resource_is_full_or_nobody_waits(holders in 0u64..4, waiters in 0u64..4, limit in 1usize..4) {
            let queue = Queue { holders: claimants(0..holders), waiters: claimants(10..10 + waiters) };
            let admitted = admit(&queue, limit);
            let held = queue.holders.len() + admitted.len();
            prop_assert!(held >= limit || admitted.len() == queue.waiters.len());
            prop_assert!(admitted.is_empty() || held <= limit);
            prop_assert_eq!(&admitted[..], &queue.waiters[..admitted.len()]);
        }
    }
}
