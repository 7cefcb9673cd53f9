//! Where the logs live. Reading and writing are two traits, so that a reader cannot write.

mod append;
mod forgetting;
mod inbox;
mod lease;
mod rows;
mod stage_log;

pub use append::{Admitted, Append, Appended, Beginning, Blob, Entry};
pub use forgetting::{AgedFilter, Cleared, Forgetting};
pub use inbox::{Came, FACTS, Foreseen, Foretold, Inbox, InboxReader};
pub use lease::{Candidate, Lease, LeaseError, LeaseTerms, Takeover};
pub use rows::{Ask, Behind, Claimed, Entrance, RowChange, changes};
pub use stage_log::{
    AttemptKey, Chunk, Excess, Extent, HEAD_BYTES, LINE_BYTES, Line, LogAppend, LogAppended, Size,
    TAIL_BYTES,
};

use crate::{
    BoxFuture,
    admission::Queue,
    clock::Now,
    event::{Event, InputRow, Message},
    fact::Fact,
    id::{BlobName, Epoch, InputId, PlanHash, Position, Resource, RunId},
    revision::{Revision, Target},
    status::{RunStatus, WaitKind},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One append: events that were decided together, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    pub run: RunId,
    /// Counts the rows of the run, from 0, without gaps.
    pub n: u64,
    pub position: Position,
    pub now: Now,
    pub events: Vec<Event>,
}

/// One append about no run: a row of the stream `system`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemRow {
    /// Counts the rows of the stream, from 0; old ones are taken away.
    pub n: u64,
    pub position: Position,
    pub now: Now,
    pub facts: Vec<Fact>,
}

/// A row of the one log.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedRow {
    Run(LogRow),
    System(SystemRow),
}

impl FeedRow {
    pub fn position(&self) -> Position {
        match self {
            FeedRow::Run(row) => row.position,
            FeedRow::System(row) => row.position,
        }
    }

    pub fn now(&self) -> Now {
        match self {
            FeedRow::Run(row) => row.now,
            FeedRow::System(row) => row.now,
        }
    }

    pub fn of_run(self) -> Option<LogRow> {
        match self {
            FeedRow::Run(row) => Some(row),
            FeedRow::System(_) => None,
        }
    }
}

/// What can be said of a run without reading its log; equal to a fold of it. At most 512 bytes
/// when stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub run: RunId,
    pub number: u64,
    pub application: String,
    pub pipeline: String,
    pub plan: PlanHash,
    pub status: RunStatus,
    pub started_at: Now,
    pub ended_at: Option<Now>,
    pub stages: Counts,
    /// What the run waits for, if nothing in it runs.
    pub waiting: Option<WaitKind>,
    /// The next moment at which something becomes due by itself.
    pub wake: Wakes,
}

/// How many stages there are, and how many have ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    pub all: u32,
    pub ended: u32,
    pub failed: u32,
}

/// The next timer on each line of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wakes {
    pub elapsed: Option<crate::clock::Elapsed>,
    pub civil: Option<crate::clock::Civil>,
}

/// The row that every append of a run must pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    pub summary: Summary,
    pub epoch: Epoch,
    /// The number of the run's next log row.
    pub next: u64,
    /// Unclean ends of the engine, one after the other, that met this run with a step due.
    pub unclean_ends: u32,
}

/// A part of the one log.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    Rows(Vec<FeedRow>),
    /// The cursor is older than what is kept: start again from `first`.
    Reset {
        first: Position,
    },
}

impl Page {
    /// What comes after `position`, where `rows` are all that is kept of it, or the first of that.
    /// Positions have no gaps: where one is missing, a row was taken away, and whoever reads on is told.
    pub fn after(position: Position, rows: Vec<FeedRow>) -> Page {
        let next = |at: usize| position.0 + 1 + at as u64;
        let whole = rows.iter().enumerate().take_while(|(at, row)| row.position().0 == next(*at));
        match (whole.count(), rows.first().map(FeedRow::position)) {
            (0, Some(first)) => Page::Reset { first },
            (count, _) => Page::Rows(rows.into_iter().take(count).collect()),
        }
    }
}

/// Which runs to list, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunFilter {
    pub limit: Option<u32>,
    /// Only runs that started before this one.
    pub before: Option<RunId>,
}

/// Latest-value text about a waiting stage; not a fact of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    pub run: RunId,
    pub stage: String,
    pub text: String,
    /// When it was said; the log may know more by now.
    pub at: Now,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Surely nothing was written; the same call may be made again.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// Something may have been written: read before deciding.
    #[error("whether the store has written is not known: {0}")]
    Unknown(String),
    /// The lease of this process no longer stands: stop writing, here and outside.
    #[error("this engine's lease has ended; {holder}")]
    LeaseLost { holder: String },
    /// What is stored cannot be understood; a person must look.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

/// Reads may be repeated at will; each sees what was committed before it began.
pub trait LogReader: InboxReader {
    fn gate(&self, run: RunId) -> BoxFuture<'_, Result<Option<Gate>, StoreError>>;
    /// The log of one run, oldest first, from row `from`.
    fn log(&self, run: RunId, from: u64) -> BoxFuture<'_, Result<Vec<LogRow>, StoreError>>;
    /// The log of all runs and of what is about none, after `position`, at most `limit` rows, in
    /// order and without gaps that could fill later.
    fn after(&self, position: Position, limit: u32) -> BoxFuture<'_, Result<Page, StoreError>>;
    /// The position of the newest row.
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>>;
    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Vec<Summary>, StoreError>>;
    /// The runs that have not ended, oldest first: one read, however many they are.
    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Gate>, StoreError>>;
    fn inputs(&self, run: RunId) -> BoxFuture<'_, Result<Vec<InputRow>, StoreError>>;
    /// The runs for which inputs wait to be decided.
    fn runs_with_inputs(&self) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>>;
    fn queue(&self, resource: &Resource) -> BoxFuture<'_, Result<Queue, StoreError>>;
    /// The revisions of a target, oldest first.
    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, StoreError>>;
    /// The targets that have revisions, in order.
    fn targets(&self) -> BoxFuture<'_, Result<Vec<Target>, StoreError>>;
    /// The run that was started by this key.
    fn started(&self, key: &str) -> BoxFuture<'_, Result<Option<RunId>, StoreError>>;
    /// The stored form of a plan.
    fn plan(&self, hash: &PlanHash) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
    /// The content of a blob as it was stored, sealed.
    fn blob(&self, name: &BlobName) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
    fn details(&self, run: RunId) -> BoxFuture<'_, Result<Vec<Detail>, StoreError>>;
    /// The attempts of a run that printed something, by stage and attempt.
    fn stage_logs(
        &self,
        run: RunId,
    ) -> BoxFuture<'_, Result<Vec<(AttemptKey, Extent)>, StoreError>>;
    /// How far an attempt's log is; one of nothing where nothing was printed.
    fn stage_log_extent(&self, key: &AttemptKey) -> BoxFuture<'_, Result<Extent, StoreError>>;
    /// The kept chunks of an attempt from number `from` on, at most `limit`, in order.
    fn stage_log(
        &self,
        key: &AttemptKey,
        from: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Chunk>, StoreError>>;
    /// The lease that stands, whoever's it is.
    fn lease(&self) -> BoxFuture<'_, Result<Option<Lease>, StoreError>>;
    /// Answers when something may have been written after `position`; may answer early, and is
    /// asked again.
    fn written_after(&self, position: Position) -> BoxFuture<'_, ()>;
}

/// Writes.
///
/// # Contract
///
/// An append is written whole or not at all, with every row that follows from its events, and is
/// durable when it is answered. Items of one batch belong to different runs and never fail each
/// other. After [`StoreError::Unknown`] the caller reads the gates before it goes on.
pub trait Store: LogReader + Inbox + Forgetting {
    /// Draws an epoch and takes over every unfinished run, or names the process that holds the
    /// lease. A lease that was not given back was an unclean end: the runs that had a step due are
    /// counted. Whether the holder still lives is for the caller to judge.
    fn acquire(
        &self,
        candidate: Candidate,
        takeover: Takeover,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>>;
    /// Renews for the lease's terms; the answer is the lease as it now stands.
    fn renew(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Gives the lease back: the next process need not wait.
    fn release(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>>;
    /// The answers stand in the order of the items.
    fn append(
        &self,
        epoch: Epoch,
        items: Vec<Append>,
    ) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>>;
    /// Writes an input for a run. `key` is the sender's own name for the request: a repeated one
    /// answers with the first one's id and writes nothing.
    fn submit(&self, request: Request) -> BoxFuture<'_, Result<Submitted, StoreError>>;
    /// The next number of a pipeline's runs, for whoever holds the lease. Numbers may have gaps; one
    /// with which a run was begun never comes again.
    fn number(&self, application: &str, pipeline: &str) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// Keeps what a stage's program printed, and drops what is more than is kept of an attempt.
    /// Durable when it is answered.
    fn append_stage_log(
        &self,
        epoch: Epoch,
        append: LogAppend,
    ) -> BoxFuture<'_, Result<LogAppended, StoreError>>;
    /// Replaces the live text about stages. May be lost in a crash.
    fn tell(&self, details: Vec<Detail>) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A message for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub run: RunId,
    pub key: String,
    pub message: Message,
    pub at: Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    Written(InputId),
    Repeated(InputId),
    /// There is no such run.
    NoRun,
}

/// How long a process may be silent before another may take its runs.
pub const LEASE: Duration = Duration::from_secs(10);
