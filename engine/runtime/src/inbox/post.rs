//! Works on what has come in: in order where it is about one place, at once where it is not.

use super::{
    Later, Shared, judging,
    lanes::{Lanes, Put},
};
use crate::{retention::Pass, services::Backing};
use engine_core::{
    clock::Civil,
    delivery::{Decided, Decision, Delivery},
    id::DeliveryId,
    store::StoreError,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
};

/// Deliveries that are read at once, and those that are in memory at most.
const PAGE: u32 = 128;
const MOST: usize = 2_000;
/// Lanes that are worked on at once.
const LANES: usize = 64;
/// How often is looked for what was written without anybody being told.
const LOOK: Duration = Duration::from_secs(5);
/// Decisions of one lane that are being written at once.
const WRITING: usize = 64;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// After this time nothing is asked again.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often what is old is taken away.
const FORGETTING: Duration = Duration::from_secs(60 * 60);

/// Never ends by itself.
pub(super) async fn work(shared: Arc<Shared>) {
    let (lanes, places) = (Arc::<Lanes>::default(), Arc::new(Semaphore::new(LANES)));
    let mut workers = JoinSet::new();
    let mut cursor = DeliveryId(0);
    loop {
        while lanes.in_memory() >= MOST {
            tokio::select! {
                Some(_) = workers.join_next() => {}
                () = shared.pause(FIRST_PAUSE) => {}
            }
        }
        if let Some(first) = lanes.left_behind() {
            cursor = DeliveryId(first.0.saturating_sub(1));
        }
        let count = shared.quiet.count();
        let page = page(&shared, cursor).await;
        if page.is_empty() {
            settle(&shared, &lanes, count);
            tokio::select! {
                () = shared.news.notified() => {}
                () = lanes.has_room() => {}
                Some(_) = workers.join_next() => {}
                () = shared.pause(LOOK) => {}
            }
        }
        for delivery in page {
            cursor = delivery.id;
            let lane = lane(&shared, &delivery);
            match lanes.put(&lane, delivery) {
                Put::First => {
                    let (shared, lanes, places) = (shared.clone(), lanes.clone(), places.clone());
                    workers.spawn(async move { drive(&shared, &lanes, (&lane, &places)).await });
                }
                Put::Behind | Put::Left | Put::Known => {}
            }
        }
    }
}

/// Nothing is left to decide, if all of so many that have come is.
fn settle(shared: &Shared, lanes: &Lanes, count: Option<u64>) {
    if let Some(count) = count
        && lanes.are_idle()
    {
        shared.quiet.settled(count);
    }
}

/// The next that are pending, once the store says which.
async fn page(shared: &Shared, after: DeliveryId) -> Vec<Delivery> {
    loop {
        match shared.backing.store.pending_deliveries(after, PAGE).await {
            Ok(page) => return page,
            Err(error) => tracing::warn!(%error, "the inbox cannot be read; trying again"),
        }
        shared.pause(FIRST_PAUSE).await;
    }
}

/// What is about one place is decided one after another.
fn lane(shared: &Shared, delivery: &Delivery) -> String {
    match delivery.content.happenings.first() {
        Some(happening) => shared.grounds.place(happening).to_string(),
        None => format!("delivery:{}", delivery.id),
    }
}

/// One after another, until the lane has nothing any more.
async fn drive(shared: &Arc<Shared>, lanes: &Arc<Lanes>, (lane, places): (&str, &Semaphore)) {
    if let Err(error) = driven(shared, lanes, (lane, places)).await {
        // The lease is lost or the store is broken: the engine ends, and the next one goes on. Nothing
        // more of the lane is looked at, since what stands in it waits there.
        tracing::error!(%error, lane, "a delivery could not be decided");
    }
}

/// What is decided is written while the next is looked at, unless the next must see it: that is
/// written last of all before it. A crash between the two is one before them: what was started is
/// known by its key.
async fn driven(
    shared: &Arc<Shared>,
    lanes: &Arc<Lanes>,
    (lane, places): (&str, &Semaphore),
) -> Result<(), StoreError> {
    let mut writing = JoinSet::new();
    loop {
        let delivery = match lanes.take(lane) {
            Some(delivery) => delivery,
            None => {
                let Some(delivery) = lanes.take_or_close(lane) else {
                    return written(&mut writing, 0).await;
                };
                delivery
            }
        };
        let decided = settled(shared, places, delivery).await;
        let is_seen_by_the_next = !decided.marks.is_empty();
        if is_seen_by_the_next {
            written(&mut writing, 0).await?;
        }
        let (shared, lanes) = (shared.clone(), lanes.clone());
        writing.spawn(async move {
            let id = decided.id;
            decide(&shared, decided).await?;
            lanes.decided(id);
            Ok(())
        });
        written(&mut writing, if is_seen_by_the_next { 0 } else { WRITING }).await?;
    }
}

/// Waits until at most so many decisions are still being written.
async fn written(
    writing: &mut JoinSet<Result<(), StoreError>>,
    most: usize,
) -> Result<(), StoreError> {
    while writing.len() > most
        && let Some(written) = writing.join_next().await
    {
        flat(written)?;
    }
    Ok(())
}

fn flat(written: Result<Result<(), StoreError>, JoinError>) -> Result<(), StoreError> {
    written.unwrap_or_else(|error| Err(StoreError::Unknown(error.to_string())))
}

/// Asks until every place has answered.
async fn settled(shared: &Shared, places: &Semaphore, delivery: Delivery) -> Decided {
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    loop {
        let judged = {
            // Never closed; a permit only keeps those that work at once few.
            let _permit = places.acquire().await;
            judging::judge(shared, &delivery).await
        };
        let later = match judged {
            Ok(decided) => return decided,
            Err(later) => later,
        };
        let now = shared.backing.clock.now();
        if now.elapsed.since(delivery.at.elapsed) > PATIENCE {
            let notes = vec![format!("given up after 24 hours: {}", later.reason)];
            let decision = Decision { at: now, outcomes: Vec::new(), notes };
            return Decided { id: delivery.id, decision, marks: Vec::new() };
        }
        let Later { reason, after } = later;
        if told.as_ref() != Some(&reason) {
            drop(shared.backing.store.waits(delivery.id, reason.clone()).await);
            told = Some(reason);
        }
        shared.pause(after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Again and again while the store does not answer: it is decided once, however often it is said.
async fn decide(shared: &Shared, decided: Decided) -> Result<(), StoreError> {
    let epoch = shared.backing.guard.epoch;
    loop {
        match shared.backing.store.decide(epoch, decided.clone()).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Unavailable(reason) | StoreError::Unknown(reason)) => {
                tracing::warn!(%reason, "a decision could not be written; trying again");
                shared.pause(FIRST_PAUSE).await;
            }
            Err(error @ (StoreError::LeaseLost { .. } | StoreError::Damaged(_))) => {
                return Err(error);
            }
        }
    }
}

/// Takes away what is older than it is to be kept.
pub(super) async fn forget(shared: Arc<Shared>) {
    loop {
        let kept = shared.starting.platform.now().deliveries_are_kept().milliseconds();
        let before = Civil(shared.backing.clock.now().civil.0.saturating_sub(kept));
        let epoch = shared.backing.guard.epoch;
        match shared.backing.store.forget_deliveries(epoch, before).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "old deliveries were taken away"),
            Err(error) => tracing::warn!(%error, "old deliveries could not be taken away"),
        }
        let runs_ms = shared.starting.platform.now().runs_are_kept().milliseconds();
        let Backing { store, clock, guard, .. } = &shared.backing;
        let pass = Pass { store: &**store, clock: &**clock, epoch: guard.epoch };
        match pass.over(runs_ms).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "old runs were taken away"),
            Err(error) => tracing::warn!(%error, "old runs could not be taken away"),
        }
        shared.pause(FORGETTING).await;
    }
}
