//! When parked runs want to be woken: one sleep for all of them.

use engine_core::{
    clock::{Civil, Clock, Elapsed, Moment},
    id::RunId,
    store::Wakes,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Timers {
    elapsed: BTreeSet<(Elapsed, RunId)>,
    civil: BTreeSet<(Civil, RunId)>,
    set: BTreeMap<RunId, Wakes>,
}

impl Timers {
    pub(super) fn set(&mut self, run: RunId, wakes: Wakes) {
        self.clear(run);
        self.elapsed.extend(wakes.elapsed.map(|at| (at, run)));
        self.civil.extend(wakes.civil.map(|at| (at, run)));
        self.set.insert(run, wakes);
    }

    pub(super) fn clear(&mut self, run: RunId) {
        let Some(wakes) = self.set.remove(&run) else { return };
        if let Some(at) = wakes.elapsed {
            self.elapsed.remove(&(at, run));
        }
        if let Some(at) = wakes.civil {
            self.civil.remove(&(at, run));
        }
    }

    /// Waits for the next moment, and takes every run whose moment has come.
    pub(super) async fn next(&mut self, clock: &dyn Clock) -> Vec<RunId> {
        let elapsed = self.elapsed.first().map(|(at, _)| Moment::Elapsed(*at));
        let civil = self.civil.first().map(|(at, _)| Moment::Civil(*at));
        tokio::select! {
            () = until(clock, elapsed) => {}
            () = until(clock, civil) => {}
        }
        let now = clock.now();
        let elapsed = self.elapsed.iter().take_while(|(at, _)| *at <= now.elapsed);
        let civil = self.civil.iter().take_while(|(at, _)| *at <= now.civil);
        let due: BTreeSet<RunId> =
            elapsed.map(|(_, run)| *run).chain(civil.map(|(_, run)| *run)).collect();
        due.iter().for_each(|run| self.clear(*run));
        due.into_iter().collect()
    }
}

async fn until(clock: &dyn Clock, at: Option<Moment>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
