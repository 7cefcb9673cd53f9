//! Runs page by page, newest first, from their summary rows alone.

use super::Reader;
use engine_core::{
    clock::Civil,
    id::RunId,
    status::RunStatus,
    store::{RunFilter, StoreError, Summary},
};

/// The rows that are read at once.
const BATCH: u32 = 256;
/// The rows that one page may cost: a filter that few runs pass ends in a short page.
const LOOKED_AT: usize = 8_192;

/// Which runs to list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    pub application: Option<String>,
    pub pipeline: Option<String>,
    /// Any of these; none means any.
    pub statuses: Vec<RunStatus>,
    pub started_after: Option<Civil>,
    pub started_before: Option<Civil>,
    /// Only what started before this run: where the page before ended.
    pub before: Option<RunId>,
    pub limit: usize,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub runs: Vec<Summary>,
    /// Where the next page begins, if there may be one. It may be there although this one is short.
    pub next: Option<RunId>,
}

impl Reader {
    pub async fn listed(&self, listing: &Listing) -> Result<Listed, StoreError> {
        let mut runs = Vec::new();
        let (mut before, mut looked_at) = (listing.first(), 0);
        loop {
            let filter = RunFilter { limit: Some(BATCH), before };
            let batch = self.log.runs(filter).await?;
            let was_last = batch.len() < BATCH as usize;
            looked_at += batch.len();
            for run in batch {
                if listing.is_over(&run) {
                    return Ok(Listed { runs, next: None });
                }
                if runs.len() == listing.limit {
                    return Ok(Listed { runs, next: before });
                }
                before = Some(run.run);
                if listing.admits(&run) {
                    runs.push(run);
                }
            }
            match (was_last, looked_at >= LOOKED_AT) {
                (true, _) => return Ok(Listed { runs, next: None }),
                (false, true) => return Ok(Listed { runs, next: before }),
                (false, false) => {}
            }
        }
    }
}

impl Listing {
    /// Ids sort by the time of their start: nothing after it need be looked at.
    fn first(&self) -> Option<RunId> {
        let least = self.started_before.map(first_of);
        match (least, self.before) {
            (Some(least), Some(before)) => Some(least.min(before)),
            (least, before) => least.or(before),
        }
    }

    fn is_over(&self, run: &Summary) -> bool {
        self.started_after.is_some_and(|after| started(run.run) < after)
    }

    fn admits(&self, run: &Summary) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted == value)
        };
        is(&self.application, &run.application)
            && is(&self.pipeline, &run.pipeline)
            && (self.statuses.is_empty() || self.statuses.contains(&run.status))
    }
}

/// The least id of a run that starts at a moment.
pub(crate) fn first_of(at: Civil) -> RunId {
    RunId(uuid::Builder::from_unix_timestamp_millis(at.0, &[0; 10]).into_uuid())
}

/// When a run started, as its id tells.
pub(super) fn started(RunId(id): RunId) -> Civil {
    let milliseconds =
        id.as_bytes().iter().take(6).fold(0, |all, byte| all << 8 | u64::from(*byte));
    Civil(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_id_tells_when_its_run_started() {
        let id = uuid::Builder::from_unix_timestamp_millis(1_767_225_600_007, &[7; 10]).into_uuid();
        assert_eq!(started(RunId(id)), Civil(1_767_225_600_007));
        assert_eq!(started(RunId(Uuid::nil())), Civil(0));
    }
}
