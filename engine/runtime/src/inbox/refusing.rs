//! Tells what was refused at the doors: gathered in memory, and written at most once a minute for
//! each door and reason, so that a flood costs no more than a few who post in vain.

use super::Shared;
use engine_core::{
    clock::Elapsed,
    delivery::Door,
    fact::{Fact, Refusal, RefusalReason},
    store::{FACTS, StoreError},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

/// Between two rows of one door and reason.
const REST: Duration = Duration::from_secs(60);
/// What is counted at once; more kinds than that are of a configuration with thousands of doors.
const KINDS: usize = 4_096;

type Kind = (Door, RefusalReason);

/// What was refused and is not told yet.
#[derive(Default)]
pub(super) struct Refusals {
    kinds: Mutex<BTreeMap<Kind, Counted>>,
    news: Notify,
}

struct Counted {
    /// None since it was told.
    untold: Option<Refusal>,
    told: Option<Elapsed>,
}

impl Refusals {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<Kind, Counted>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no longer than looking it up, however many there were.
    pub(super) fn count(&self, refusal: Refusal) {
        let mut kinds = self.locked();
        let kind = (refusal.door.clone(), refusal.reason);
        if kinds.len() >= KINDS && !kinds.contains_key(&kind) {
            tracing::warn!(door = %refusal.door, reason = %refusal.reason, "a refusal is not counted");
            return;
        }
        let counted = kinds.entry(kind).or_insert(Counted { untold: None, told: None });
        let is_first = counted.untold.is_none();
        counted.untold = Some(refusal.since(counted.untold.as_ref()));
        if is_first && counted.told.is_none() {
            self.news.notify_one();
        }
    }

    /// Those that have rested, in one go; what was told long ago is nothing any more.
    fn due(&self, now: Elapsed) -> Vec<Refusal> {
        let mut kinds = self.locked();
        let has_rested =
            |counted: &Counted| counted.told.is_none_or(|told| now.since(told) >= REST);
        kinds.retain(|_, counted| counted.untold.is_some() || !has_rested(counted));
        let due = kinds.values_mut().filter(|counted| has_rested(counted)).take(FACTS);
        let tell = |counted: &mut Counted| {
            counted.told = Some(now);
            counted.untold.take()
        };
        due.filter_map(tell).collect()
    }

    /// What could not be told is told later.
    fn put_back(&self, refusals: Vec<Refusal>) {
        let mut kinds = self.locked();
        for refusal in refusals {
            let counted = kinds
                .entry((refusal.door.clone(), refusal.reason))
                .or_insert(Counted { untold: None, told: None });
            counted.told = None;
            counted.untold = Some(match counted.untold.take() {
                Some(later) => later.since(Some(&refusal)),
                None => refusal,
            });
        }
    }

    fn next(&self) -> Option<Elapsed> {
        let kinds = self.locked();
        kinds.values().map(|it| it.told.map_or(Elapsed(0), |told| told.plus(REST))).min()
    }
}

/// Never ends by itself.
pub(super) async fn tell(shared: Arc<Shared>) {
    loop {
        let now = shared.backing.clock.now();
        let due = shared.refusals.due(now.elapsed);
        if due.is_empty() {
            wait(&shared).await;
            continue;
        }
        let facts = due.iter().cloned().map(Fact::PostsRefused).collect();
        let told = shared.backing.store.record(shared.backing.guard.epoch, now, facts).await;
        match told {
            Ok(_) => {}
            Err(StoreError::Unavailable(reason) | StoreError::Unknown(reason)) => {
                tracing::warn!(%reason, "refusals could not be told; trying again");
                shared.refusals.put_back(due);
                shared.pause(Duration::from_secs(1)).await;
            }
            Err(error @ (StoreError::LeaseLost { .. } | StoreError::Damaged(_))) => {
                tracing::error!(%error, "refusals are no longer told");
                return;
            }
        }
    }
}

async fn wait(shared: &Shared) {
    let news = shared.refusals.news.notified();
    match shared.refusals.next() {
        None => news.await,
        Some(next) => {
            let time = next.since(shared.backing.clock.now().elapsed);
            tokio::select! {
                () = news => {}
                () = shared.pause(time.max(Duration::from_millis(50))) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::clock::Civil;

    fn refusal(reason: RefusalReason, at: u64) -> Refusal {
        Refusal::one(Door::Receiver { name: "github".to_owned() }, reason, Civil(at))
    }

    #[test]
    fn a_flood_is_told_at_once_and_then_once_a_minute() {
        let (refusals, mut told) = (Refusals::default(), Vec::new());
        for ms in 0..600_000 {
            refusals.count(refusal(RefusalReason::BadSignature, ms));
            told.extend(refusals.due(Elapsed(ms)));
        }
        let counts: Vec<u64> = told.iter().map(|refusal| refusal.count).collect();
        assert_eq!(counts, [&[1][..], &[60_000; 9]].concat());
    }

    #[test]
    fn kinds_are_told_apart_and_forgotten_when_they_are_over() {
        let refusals = Refusals::default();
        refusals.count(refusal(RefusalReason::BadSignature, 0));
        refusals.count(refusal(RefusalReason::Stale, 0));
        assert_eq!(refusals.due(Elapsed(0)).len(), 2);
        assert_eq!(refusals.next(), Some(Elapsed(60_000)));
        assert_eq!(refusals.due(Elapsed(60_000)), []);
        assert_eq!(refusals.next(), None);
    }

    #[test]
    fn what_could_not_be_told_is_told_with_the_next() {
        let refusals = Refusals::default();
        refusals.count(refusal(RefusalReason::Stale, 0));
        let due = refusals.due(Elapsed(0));
        refusals.count(refusal(RefusalReason::Stale, 5));
        refusals.put_back(due);
        let due = refusals.due(Elapsed(10));
        assert_eq!(
            due.iter().map(|it| (it.count, it.first, it.last)).collect::<Vec<_>>(),
            [(2, Civil(0), Civil(5))]
        );
    }
}
