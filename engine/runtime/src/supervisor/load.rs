//! Reads a run back: its gate, its plan, its log.

use crate::driver::{Outcome, Position, Rows, Shop};
use engine_core::{
    Execution, Plan,
    id::{PlanHash, RunId},
    store::{LogRow, Store, StoreError, Wakes},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

const READ_AGAIN: Duration = Duration::from_secs(1);

/// Plans in memory, shared by every run that uses them.
#[derive(Clone, Default)]
pub(super) struct Plans {
    known: Arc<Mutex<BTreeMap<PlanHash, Weak<Plan>>>>,
}

#[derive(Debug)]
pub(super) enum LoadError {
    Store(StoreError),
    Unreadable(String),
}

impl Plans {
    pub(super) fn keep(&self, plan: &Arc<Plan>, hash: &PlanHash) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, plan| plan.strong_count() > 0);
        known.insert(hash.clone(), Arc::downgrade(plan));
    }

    fn get(&self, hash: &PlanHash) -> Option<Arc<Plan>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).and_then(Weak::upgrade)
    }
}

/// Nothing, if the run is not this engine's or has ended.
pub(super) async fn load(
    shop: &Shop,
    plans: &Plans,
    run: RunId,
) -> Result<Option<Position>, LoadError> {
    let store = &*shop.backing.store;
    let Some(gate) = store.gate(run).await.map_err(LoadError::Store)? else { return Ok(None) };
    if gate.epoch != shop.backing.guard.epoch || gate.summary.status.has_ended() {
        return Ok(None);
    }
    let plan = plan(store, plans, &gate.summary.plan).await?;
    let rows = store.log(run, 0).await.map_err(LoadError::Store)?;
    let execution = replay(plan, run, &rows)?;
    Ok(Some(Position { execution, next: gate.next, unclean_ends: gate.unclean_ends }))
}

async fn plan(store: &dyn Store, plans: &Plans, hash: &PlanHash) -> Result<Arc<Plan>, LoadError> {
    if let Some(plan) = plans.get(hash) {
        return Ok(plan);
    }
    let stored = store.plan(hash).await.map_err(LoadError::Store)?;
    let stored = stored.ok_or_else(|| LoadError::Unreadable(format!("plan {hash} is missing")))?;
    let plan = Plan::restore(&stored).map_err(|error| LoadError::Unreadable(error.to_string()))?;
    let plan = Arc::new(plan);
    plans.keep(&plan, hash);
    Ok(plan)
}

fn replay(plan: Arc<Plan>, run: RunId, rows: &[LogRow]) -> Result<Execution, LoadError> {
    let events = rows.iter().flat_map(|row| row.events.iter().map(|event| (event, row.now)));
    Execution::replay(plan, run, events).map_err(|error| LoadError::Unreadable(error.to_string()))
}

/// What a store that could not be read means to the run that was to be loaded.
pub(super) fn later(shop: &Shop, error: StoreError) -> Outcome {
    match error {
        StoreError::Unavailable(reason) | StoreError::Unknown(reason) => {
            tracing::warn!(%reason, "a run cannot be read now; trying again");
            let at = shop.backing.clock.now().elapsed.plus(READ_AGAIN);
            let wakes = Wakes { elapsed: Some(at), civil: None };
            Outcome::Parked { wakes, rows: Rows::None }
        }
        StoreError::LeaseLost { .. } | StoreError::Damaged(_) => Outcome::Fatal(error),
    }
}
