//! Keeps the engine's lease, and knows at any moment whether it may still act.

use engine_core::{
    clock::{Clock, Moment},
    id::Epoch,
    store::{Lease, Store, StoreError},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Taken off the end of the lease: the time for a call that was begun just before it.
const MARGIN: Duration = Duration::from_secs(1);

/// The engine's own knowledge of its lease, on its own clock.
pub(crate) struct Guard {
    pub(crate) epoch: Epoch,
    length: Duration,
    until_ms: AtomicU64,
}

impl Guard {
    /// `asked` is the moment before the lease was asked for.
    pub(crate) fn new(lease: &Lease, asked: engine_core::clock::Now) -> Guard {
        let guard =
            Guard { epoch: lease.epoch, length: lease.terms.length, until_ms: AtomicU64::new(0) };
        guard.extend(asked);
        guard
    }

    pub(crate) fn stands(&self, clock: &dyn Clock) -> bool {
        clock.now().elapsed.0 < self.until_ms.load(Ordering::Acquire)
    }

    fn extend(&self, asked: engine_core::clock::Now) {
        let until = asked.elapsed.plus(self.length.saturating_sub(MARGIN));
        self.until_ms.store(until.0, Ordering::Release);
    }

    fn end(&self) {
        self.until_ms.store(0, Ordering::Release);
    }

    /// Renews three times a term; answers when the lease is lost.
    pub(crate) async fn keep(&self, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> StoreError {
        loop {
            let asked = clock.now();
            clock.sleep_until(Moment::Elapsed(asked.elapsed.plus(self.length / 3))).await;
            let asked = clock.now();
            match store.renew(self.epoch).await {
                Ok(()) => self.extend(asked),
                Err(lost @ (StoreError::LeaseLost { .. } | StoreError::Damaged(_))) => {
                    self.end();
                    return lost;
                }
                Err(StoreError::Unavailable(reason) | StoreError::Unknown(reason)) => {
                    tracing::warn!(%reason, "the lease could not be renewed; trying again");
                }
            }
        }
    }
}
