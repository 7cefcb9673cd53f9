//! What is posted is looked at before it is kept, where that takes no time and nothing waits before
//! it: then it is kept, decided and begun in one commit.

use super::{
    Listing, News, Settling, Shared,
    judging::{self, Ahead, key_of},
};
use crate::engine::{First, Starting, Written};
use engine_core::{
    clock::Elapsed,
    delivery::{Arrival, Decision, Delivery, Kept, OutcomeEnd, State},
    event::Trigger,
    happening::Happening,
    id::DeliveryId,
    store::{Appended, Came, Foreseen, Foretold, StoreError},
};
use futures::FutureExt;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Longer than this nobody who posts waits for more than that it is kept.
const PATIENCE: Duration = Duration::from_millis(100);

/// So many are looked at at once; others are kept first, like all that cannot be told at once.
const AT_ONCE: usize = 4;
/// Where one could not be told in time, none is tried for this long.
const REST: Duration = Duration::from_secs(10);

/// Who may be looked at before it is kept.
pub(super) struct Turns {
    permits: Semaphore,
    /// Not before this moment, in milliseconds.
    not_before: AtomicU64,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns { permits: Semaphore::new(AT_ONCE), not_before: AtomicU64::new(0) }
    }
}

impl Turns {
    fn take(&self, now: Elapsed) -> Option<SemaphorePermit<'_>> {
        let is_time = self.not_before.load(Ordering::Relaxed) <= now.0;
        is_time.then(|| self.permits.try_acquire().ok()).flatten()
    }

    fn rest(&self, now: Elapsed) {
        self.not_before.store(now.plus(REST).0, Ordering::Relaxed);
    }
}

/// Whether all that has come in is decided.
pub(super) struct Quiet {
    begun: AtomicU64,
    kept: AtomicU64,
    /// As many had come in when nothing was left to decide.
    decided: AtomicU64,
}

impl Default for Quiet {
    /// Whoever begins does not know what an engine before it has left.
    fn default() -> Quiet {
        let never = AtomicU64::new(u64::MAX);
        Quiet { begun: AtomicU64::new(0), kept: AtomicU64::new(0), decided: never }
    }
}

/// Something that is being kept, to be decided later.
pub(super) struct Coming<'a>(&'a Quiet);

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.0.kept.fetch_add(1, Ordering::AcqRel);
    }
}

impl Quiet {
    pub(super) fn coming(&self) -> Coming<'_> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        Coming(self)
    }

    /// How many have come in, if none is on its way: to be asked before looking what is there.
    pub(super) fn count(&self) -> Option<u64> {
        let kept = self.kept.load(Ordering::Acquire);
        (self.begun.load(Ordering::Acquire) == kept).then_some(kept)
    }

    /// Of so many nothing is left to decide.
    pub(super) fn settled(&self, count: u64) {
        self.decided.store(count, Ordering::Release);
    }

    fn is_quiet(&self) -> bool {
        self.count() == Some(self.decided.load(Ordering::Acquire))
    }
}

/// A decision that lacks the number of its delivery, and the run that begins by it.
struct Known {
    starting: Arc<Starting>,
    decision: Decision,
    new: Option<Written>,
    /// The run as it was last asked for.
    first: Mutex<Option<First>>,
}

impl Foreseen for Known {
    fn come_to(&self, id: DeliveryId) -> Option<Foretold> {
        if self.starting.is_leaving() {
            return None;
        }
        let mut decision = self.decision.clone();
        let begins = match &self.new {
            Some(new) => Some(self.begin(of(new, id), &mut decision)?),
            None => None,
        };
        let append = begins.as_ref().map(|first| first.append.clone());
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = begins;
        Some(Foretold { decision, begins: append })
    }
}

impl Known {
    /// Only of a pipeline whose numbers are in memory: nothing can be waited for here.
    fn begin(&self, new: Written, decision: &mut Decision) -> Option<First> {
        let document = new.new.plan.document();
        let number = self.starting.number(&document.application, &document.pipeline);
        let number = number.now_or_never()?.ok()?;
        let named = format!("{}#{number}", document.pipeline);
        let first = self.starting.first(new, number);
        for outcome in &mut decision.outcomes {
            if let OutcomeEnd::Started { run, label } = &mut outcome.end {
                (*run, *label) = (first.append.run, named.clone());
            }
        }
        Some(first)
    }

    fn taken(&self) -> Option<First> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The run once its delivery has a number.
fn of(written: &Written, id: DeliveryId) -> Written {
    let mut written = written.clone();
    let new = &mut written.new;
    if let Trigger::Event(fired) = &mut new.trigger {
        fired.delivery = id;
    }
    let rest = new.key.as_deref().and_then(|key| key.strip_prefix(&key_of(UNNUMBERED)));
    new.key = rest.map(|rest| format!("{}{rest}", key_of(id)));
    written
}

const UNNUMBERED: DeliveryId = DeliveryId(0);

impl Shared {
    /// Keeps one that was posted.
    pub(super) async fn take_in(self: &Arc<Self>, arrival: Arrival) -> Result<Kept, StoreError> {
        let Some(known) = self.foresee(&arrival).await else {
            let kept = self.arrive(vec![arrival], Vec::new()).await?;
            return kept.into_iter().next().ok_or_else(unanswered);
        };
        // Whoever posts may go away: what was written goes on all the same.
        let shared = self.clone();
        let kept = tokio::spawn(async move { shared.arrive_foreseen(arrival, known).await });
        kept.await.unwrap_or_else(|error| Err(StoreError::Unknown(error.to_string())))
    }

    /// What it comes to, if that can be told now: nothing waits before it, and whatever must be asked for
    /// it (the registry of an image) answers in time.
    async fn foresee(&self, arrival: &Arrival) -> Option<Arc<Known>> {
        let is_at_hand = matches!(arrival.content.happenings.as_slice(), [Happening::Hook(_)]);
        let has_seen_all =
            self.grounds.settling() == Settling::Done && self.grounds.listing() == Listing::Whole;
        if !is_at_hand || !self.quiet.is_quiet() || !has_seen_all || self.starting.is_leaving() {
            return None;
        }
        let delivery = Delivery {
            id: UNNUMBERED,
            door: arrival.door.clone(),
            key: arrival.key.clone(),
            digest: arrival.digest.clone(),
            at: arrival.at,
            content: arrival.content.clone(),
            state: State::Pending { waits_for: None },
        };
        let _turn = self.turns.take(self.backing.clock.now().elapsed)?;
        let judged = judging::judge_ahead(self, &delivery);
        let Ok(ahead) = tokio::time::timeout(PATIENCE, judged).await else {
            self.turns.rest(self.backing.clock.now().elapsed);
            return None;
        };
        let Ahead { decision, new } = ahead.ok()?;
        let new = new.map(|new| self.starting.written(*new)).transpose().ok()?;
        let starting = self.starting.clone();
        Some(Arc::new(Known { starting, decision, new, first: Mutex::default() }))
    }

    /// It may be there, to be decided like any other.
    fn look_again(&self) {
        drop((self.quiet.coming(), News(&self.news)));
    }

    async fn arrive_foreseen(
        &self,
        arrival: Arrival,
        known: Arc<Known>,
    ) -> Result<Kept, StoreError> {
        let epoch = self.backing.guard.epoch;
        let came = self.backing.store.arrive_foreseen(epoch, arrival, known.clone()).await;
        let first = known.taken();
        match came {
            Ok(Came::Decided { id, begun }) => {
                if let (Some(first), Some(Appended::Written { woken, entry, .. })) = (first, begun)
                {
                    self.starting.begun(first, (entry, woken));
                }
                Ok(Kept::New(id))
            }
            Ok(Came::Kept(kept)) => {
                self.look_again();
                Ok(kept)
            }
            Err(error) => {
                self.look_again();
                if let (StoreError::Unknown(_), Some(First { append, .. })) = (&error, first) {
                    let starting = self.starting.clone();
                    tokio::spawn(async move { starting.look_for(append.run).await });
                }
                Err(error)
            }
        }
    }
}

fn unanswered() -> StoreError {
    StoreError::Damaged("a delivery got no answer".to_owned())
}
