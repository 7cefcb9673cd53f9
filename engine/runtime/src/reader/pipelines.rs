//! The pipelines that have run, each with its last run.

use super::Reader;
use engine_core::store::{RunFilter, StoreError, Summary};
use std::collections::BTreeMap;

/// The rows that are read at once.
const BATCH: u32 = 1_024;
/// The runs that are looked at, from the newest on: a pipeline that has none among them is old.
const LOOKED_AT: usize = 16_384;

impl Reader {
    /// The last run of each pipeline, by application and name.
    pub async fn pipelines(&self) -> Result<Vec<Summary>, StoreError> {
        let mut last: BTreeMap<(String, String), Summary> = BTreeMap::new();
        let (mut before, mut looked_at) = (None, 0);
        loop {
            let batch = self.log.runs(RunFilter { limit: Some(BATCH), before }).await?;
            before = batch.last().map(|run| run.run);
            looked_at += batch.len();
            let was_last = batch.len() < BATCH as usize;
            for run in batch {
                let name = (run.application.clone(), run.pipeline.clone());
                last.entry(name).or_insert(run);
            }
            if was_last || looked_at >= LOOKED_AT {
                return Ok(last.into_values().collect());
            }
        }
    }
}
