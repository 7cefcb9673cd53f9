//! Everything that only reads: runs as they stand, and the feed of what happens.

mod deliveries;
mod feed;
mod history;
mod listing;
mod pipelines;
mod printout;

pub use feed::{Feed, News, Wanted};
pub(crate) use listing::first_of;
pub use listing::{Listed, Listing};
pub use printout::{Of, PrintedLine, Printout};

use crate::{inbox, retention};
use engine_core::{
    Execution, Plan,
    admission::Queue,
    clock::Civil,
    id::{Position, RunId},
    revision::{Revision, Slot, Target},
    store::{Gate, LogReader, LogRow, RunFilter, Store, StoreError, Summary},
    trigger::IndexKey,
    view::{Door, RunView, Surroundings},
    wording,
};
use std::{collections::BTreeMap, sync::Arc};

/// Needs no lease, and may be used beside a living engine of another process.
#[derive(Clone)]
pub struct Reader {
    log: Arc<dyn LogReader>,
    history: Arc<history::History>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("there is no run {0}")]
    NoRun(RunId),
    #[error("run {run} cannot be read: {reason}")]
    Unreadable { run: RunId, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a name means no run.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("there are no runs yet")]
    None,
    #[error("no run is `{named}`: `gennaker get runs` lists them")]
    Unknown { named: String },
    #[error(
        "run `{named}` is gone: it began before {}, and runs that ended before then are kept no longer \
         (`retention.runs` in gennaker.yaml)", wording::instant(*before)
    )]
    Gone { named: String, before: Civil },
    #[error("`{named}` is several runs, name one by its id: {ids}")]
    Several { named: String, ids: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Reader {
    pub fn new(log: Arc<dyn LogReader>) -> Reader {
        Reader { log, history: Arc::default() }
    }

    /// Summaries, newest first.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<Summary>, StoreError> {
        self.log.runs(filter).await
    }

    pub async fn unfinished(&self) -> Result<Vec<Gate>, StoreError> {
        self.log.unfinished().await
    }

    pub async fn summary(&self, run: RunId) -> Result<Summary, ReadError> {
        let gate = self.log.gate(run).await?.ok_or(ReadError::NoRun(run))?;
        Ok(gate.summary)
    }

    /// The run that a person means: `latest`, `checkout#12`, or an id, whole or in part.
    pub async fn named(&self, named: &str) -> Result<Summary, NameError> {
        if let Ok(run) = named.parse().map(RunId)
            && let Some(gate) = self.log.gate(run).await?
        {
            return Ok(gate.summary);
        }
        if named == "latest" || named == "@latest" {
            let newest = RunFilter { limit: Some(1), before: None };
            return self.runs(newest).await?.pop().ok_or(NameError::None);
        }
        let mut runs = self.runs(RunFilter::default()).await?;
        let is_meant = |run: &Summary| {
            let id = run.run.to_string();
            let is_part = named.len() >= 4 && (id.starts_with(named) || id.ends_with(named));
            run.label() == named || is_part
        };
        runs.retain(is_meant);
        match runs.len() {
            1 => Ok(runs.remove(0)),
            0 => Err(self.missing(named).await?),
            _ => {
                let ids: Vec<String> = runs.iter().map(|run| run.run.to_string()).collect();
                Err(NameError::Several { named: named.to_owned(), ids: ids.join(", ") })
            }
        }
    }

    /// Why no run has this name: its id, or a number that its pipeline has left behind, tells that
    /// there may have been one before those that are kept.
    async fn missing(&self, named: &str) -> Result<NameError, NameError> {
        let unknown = || NameError::Unknown { named: named.to_owned() };
        let before = self.log.mark(retention::MARK).await?.and_then(|it| it.parse().ok());
        let Some(before) = before.map(Civil) else { return Ok(unknown()) };
        let is_gone = match (named.parse().map(RunId), named.rsplit_once('#')) {
            (Ok(run), _) => listing::started(run) < before,
            (Err(_), Some((pipeline, number))) => {
                let number = number.parse().unwrap_or(u64::MAX);
                let runs = self.runs(RunFilter::default()).await?;
                let oldest = runs.iter().filter(|run| run.pipeline == pipeline);
                oldest.map(|run| run.number).max().is_some_and(|newest| number < newest)
            }
            (Err(_), None) => false,
        };
        Ok(if is_gone { NameError::Gone { named: named.to_owned(), before } } else { unknown() })
    }

    /// What a run does, as it was pinned when it started.
    pub async fn plan(&self, run: RunId) -> Result<Plan, ReadError> {
        let gate = self.log.gate(run).await?.ok_or(ReadError::NoRun(run))?;
        let unreadable = |reason: String| ReadError::Unreadable { run, reason };
        let hash = &gate.summary.plan;
        let stored = self.log.plan(hash).await?;
        let stored = stored.ok_or_else(|| unreadable(format!("plan {hash} is missing")))?;
        Plan::restore(&stored).map_err(|error| unreadable(error.to_string()))
    }

    /// The rows of a run from number `from`, oldest first.
    pub async fn rows(&self, run: RunId, from: u64) -> Result<Vec<LogRow>, StoreError> {
        self.log.log(run, from).await
    }

    /// A run as it stands, by replay.
    pub async fn execution(&self, run: RunId) -> Result<Execution, ReadError> {
        let unreadable = |reason: String| ReadError::Unreadable { run, reason };
        let plan = self.plan(run).await?;
        let rows = self.log.log(run, 0).await?;
        let events = rows.iter().flat_map(|row| row.events.iter().map(|event| (event, row.now)));
        Execution::replay(Arc::new(plan), run, events)
            .map_err(|error| unreadable(error.to_string()))
    }

    /// A run as people and programs see it, with what it waits for.
    pub async fn view(&self, run: RunId) -> Result<RunView, ReadError> {
        let execution = self.execution(run).await?;
        let details = self.log.details(run).await?;
        let details = details.into_iter().map(|detail| (detail.stage.clone(), detail)).collect();
        let mut blocked_by = BTreeMap::new();
        for target in execution.asked_targets() {
            let queue = self.log.queue(&target.resource()).await?;
            blocked_by.insert(target.environment.clone(), self.labels(queue, run).await?);
        }
        let durations = match execution.recorded().status().has_ended() {
            true => BTreeMap::new(),
            false => self.durations(&execution.summary()).await?,
        };
        let (queued_after, door) = match execution.asked_slot() {
            Some(slot) => self.queued(slot, run).await?,
            None => (Vec::new(), Door::Group),
        };
        Ok(execution.view(&Surroundings { details, blocked_by, durations, queued_after, door }))
    }

    /// Who stands before a queued run, and at which door.
    async fn queued(&self, slot: &Slot, run: RunId) -> Result<(Vec<String>, Door), ReadError> {
        let group = self.log.queue(&slot.resource()).await?;
        let is_in = group.holders.iter().any(|holder| holder.run == run);
        let (queue, door) = match is_in {
            true => (self.log.queue(&slot.room()).await?, Door::Application),
            false => (group, Door::Group),
        };
        Ok((self.labels(queue, run).await?, door))
    }

    /// The targets that have revisions, in order.
    pub async fn targets(&self) -> Result<Vec<Target>, StoreError> {
        self.log.targets().await
    }

    /// Whether a place outside was ever asked what is new there.
    pub async fn was_asked(&self, place: &IndexKey) -> Result<bool, StoreError> {
        Ok(self.log.mark(&inbox::mark(place)).await?.is_some())
    }

    /// The revisions of a target, oldest first.
    pub async fn revisions(&self, target: &Target) -> Result<Vec<Revision>, StoreError> {
        self.log.revisions(target).await
    }

    pub async fn head(&self) -> Result<Position, StoreError> {
        self.log.head().await
    }

    /// Answers when no run is unfinished.
    pub async fn all_ended(&self) -> Result<(), StoreError> {
        loop {
            let head = self.log.head().await?;
            if self.log.unfinished().await?.is_empty() {
                return Ok(());
            }
            self.log.written_after(head).await;
        }
    }

    /// Who stands before `run` at a resource: its holders, then the waiters with earlier tickets.
    async fn labels(&self, queue: Queue, run: RunId) -> Result<Vec<String>, ReadError> {
        let earlier = queue.waiters.iter().take_while(|waiter| waiter.run != run);
        let mut labels = Vec::new();
        for claimant in queue.holders.iter().chain(earlier) {
            if claimant.run != run {
                labels.push(self.summary(claimant.run).await?.label());
            }
        }
        Ok(labels)
    }
}

impl From<Arc<dyn Store>> for Reader {
    fn from(store: Arc<dyn Store>) -> Reader {
        Reader::new(store)
    }
}
