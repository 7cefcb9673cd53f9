//! Who may write: judging whether the holder of a lease is over, and taking its place.

use crate::process::{Presence, Processes};
use engine_core::{
    clock::{Clock, Moment},
    store::{Candidate, Lease, LeaseError, Store, StoreError, Takeover},
};

/// Takes the lease: at once when nobody has it or its process is known to be gone; when the holder
/// is out of sight, after it was seen to stand still for its whole term.
///
/// # Errors
///
/// Names the holder when it lives.
pub async fn acquire(
    store: &dyn Store,
    clock: &dyn Clock,
    candidate: Candidate,
    processes: &dyn Processes,
) -> Result<Lease, LeaseError> {
    let takeover = match store.lease().await? {
        None => Takeover::No,
        Some(lease) => match processes.presence(&lease.owner, &candidate) {
            Presence::Alive => Takeover::No,
            Presence::Gone => Takeover::Of(Box::new(lease)),
            Presence::OutOfSight => watch(store, clock, lease).await?,
        },
    };
    store.acquire(candidate, takeover).await
}

/// Looks at a lease ten times in its term, on this machine's own clock.
async fn watch(store: &dyn Store, clock: &dyn Clock, seen: Lease) -> Result<Takeover, LeaseError> {
    tracing::info!(
        process_id = seen.owner.process_id,
        "another machine or container held the lease last; waiting to see whether it renews it"
    );
    let start = clock.now().elapsed;
    for tenth in 1..=10 {
        let at = start.plus(seen.terms.length / 10 * tenth);
        clock.sleep_until(Moment::Elapsed(at)).await;
        if store.lease().await?.as_ref() != Some(&seen) {
            return Ok(Takeover::No);
        }
    }
    Ok(Takeover::Of(Box::new(seen)))
}

/// The answer to a writer whose lease is not the one that stands.
pub(crate) fn lost(standing_process_id: Option<u32>) -> StoreError {
    let holder = match standing_process_id {
        Some(process_id) => format!("process {process_id} has taken over"),
        None => "it was given back".to_owned(),
    };
    StoreError::LeaseLost { holder }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conformance::{Checked, sample::candidate},
        memory::Memory,
    };
    use engine_core::{
        BoxFuture,
        clock::{Elapsed, Now},
        id::Epoch,
        store::LEASE,
    };
    use std::sync::Mutex;

    /// A clock that jumps to whatever it is asked to wait for, and something that happens then.
    struct Jumping<'a> {
        now: Mutex<Elapsed>,
        meanwhile: Option<&'a Memory>,
    }

    impl Clock for Jumping<'static> {
        fn now(&self) -> Now {
            Now { elapsed: *self.now.lock().unwrap(), ..Now::default() }
        }

        fn sleep_until(&self, at: Moment) -> BoxFuture<'_, ()> {
            Box::pin(async move {
                let Moment::Elapsed(at) = at else { panic!("waits on the wrong line") };
                *self.now.lock().unwrap() = at;
                if let Some(store) = self.meanwhile {
                    store.renew(Epoch(1)).await.unwrap();
                }
            })
        }
    }

    struct Says(Presence);

    impl Processes for Says {
        fn presence(&self, _holder: &Candidate, _seen_from: &Candidate) -> Presence {
            self.0
        }
    }

    fn clock(meanwhile: Option<&'static Memory>) -> Jumping<'static> {
        Jumping { now: Mutex::new(Elapsed(5)), meanwhile }
    }

    async fn held() -> Result<&'static Memory, LeaseError> {
        let store = Box::leak(Box::new(Memory::default()));
        store.acquire(candidate(1), Takeover::No).await?;
        Ok(store)
    }

    #[tokio::test]
    async fn a_free_lease_is_taken_at_once() -> Checked {
        let clock = clock(None);
        let store = Memory::default();
        acquire(&store, &clock, candidate(2), &Says(Presence::Alive)).await?;
        assert_eq!(clock.now().elapsed, Elapsed(5));
        Ok(())
    }

    #[tokio::test]
    async fn the_lease_of_a_process_that_is_gone_is_taken_at_once() -> Checked {
        let clock = clock(None);
        let lease = acquire(held().await?, &clock, candidate(2), &Says(Presence::Gone)).await?;
        assert_eq!((lease.epoch, lease.owner), (Epoch(2), candidate(2)));
        assert_eq!(clock.now().elapsed, Elapsed(5));
        Ok(())
    }

    #[tokio::test]
    async fn a_living_process_is_named() -> Checked {
        let says = Says(Presence::Alive);
        let refused = acquire(held().await?, &clock(None), candidate(2), &says).await;
        assert_eq!(refused, Err(LeaseError::Held { holder: Box::new(candidate(1)) }));
        Ok(())
    }

    #[tokio::test]
    async fn a_lease_out_of_sight_is_taken_after_it_stood_still_for_its_term() -> Checked {
        let clock = clock(None);
        let says = Says(Presence::OutOfSight);
        let lease = acquire(held().await?, &clock, candidate(2), &says).await?;
        assert_eq!(lease.epoch, Epoch(2));
        assert_eq!(clock.now().elapsed, Elapsed(5).plus(LEASE));
        Ok(())
    }

    #[tokio::test]
    async fn a_lease_out_of_sight_that_is_renewed_is_not_taken() -> Checked {
        let store = held().await?;
        let says = Says(Presence::OutOfSight);
        let refused = acquire(store, &clock(Some(store)), candidate(2), &says).await;
        assert_eq!(refused, Err(LeaseError::Held { holder: Box::new(candidate(1)) }));
        Ok(())
    }
}
