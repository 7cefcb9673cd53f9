//! How long stages took in earlier runs of a pipeline: what has ended never changes, so it is read
//! once.

use super::{Listing, ReadError, Reader};
use engine_core::{id::RunId, status::RunStatus, store::Summary};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Of how many earlier runs the durations count.
const RUNS: usize = 10;
/// How many runs are remembered.
const REMEMBERED: usize = 512;

type Took = Arc<BTreeMap<String, u64>>;

/// Remembered of runs: the durations of those that have ended, and for the others which runs count
/// as earlier ones.
#[derive(Default)]
pub(super) struct History {
    took: Mutex<BTreeMap<RunId, Took>>,
    earlier: Mutex<BTreeMap<RunId, Vec<RunId>>>,
}

impl Reader {
    /// The durations of each stage in earlier runs, in milliseconds, newest first.
    pub(super) async fn durations(
        &self,
        of: &Summary,
    ) -> Result<BTreeMap<String, Vec<u64>>, ReadError> {
        let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for run in self.earlier(of).await? {
            for (stage, took_ms) in &*self.took(run).await? {
                all.entry(stage.clone()).or_default().push(*took_ms);
            }
        }
        Ok(all)
    }

    async fn earlier(&self, of: &Summary) -> Result<Vec<RunId>, ReadError> {
        if let Some(runs) = recall(&self.history.earlier, of.run) {
            return Ok(runs);
        }
        let listing = Listing {
            application: Some(of.application.clone()),
            pipeline: Some(of.pipeline.clone()),
            statuses: vec![RunStatus::Succeeded, RunStatus::Failed, RunStatus::Rejected],
            before: Some(of.run),
            limit: RUNS,
            ..Listing::default()
        };
        let runs = self.listed(&listing).await?.runs;
        let runs: Vec<RunId> = runs.iter().map(|summary| summary.run).collect();
        remember(&self.history.earlier, of.run, runs.clone());
        Ok(runs)
    }

    async fn took(&self, run: RunId) -> Result<Took, ReadError> {
        if let Some(took) = recall(&self.history.took, run) {
            return Ok(took);
        }
        let took = match self.execution(run).await {
            Ok(execution) => Arc::new(execution.took_ms()),
            // Of a run that cannot be read nothing is known; the one that is looked at can.
            Err(ReadError::Unreadable { .. } | ReadError::NoRun(_)) => Took::default(),
            Err(error @ ReadError::Store(_)) => return Err(error),
        };
        remember(&self.history.took, run, took.clone());
        Ok(took)
    }
}

fn recall<T: Clone>(memory: &Mutex<BTreeMap<RunId, T>>, run: RunId) -> Option<T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
}

/// Forgets the oldest runs first.
fn remember<T>(memory: &Mutex<BTreeMap<RunId, T>>, run: RunId, what: T) {
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory.insert(run, what);
    while memory.len() > REMEMBERED {
        memory.pop_first();
    }
}
