//! The store in one file: SQLite with a write-ahead log, one connection that writes for all, and a
//! few that read.

mod append;
mod batch;
mod beginning;
mod beside;
mod bulk;
mod checkpoint;
mod claims;
mod columns;
mod consequences;
mod examination;
mod failure;
mod foreseen;
mod forgetting;
mod inbox;
mod logs;
mod numbers;
mod open;
mod ownership;
mod reader;
mod requests;
mod revisions;
mod session;
mod system;
#[cfg(test)]
mod tests;
mod writer;

pub use checkpoint::Checkpoint;
pub use examination::{Examination, examine, lease};
pub use open::{FILE_NAME, OpenError, make_directory, writer_options};
pub use reader::Reader;

use append::AppendBatch;
use checkpoint::{Ask, Checkpoints};
use engine_core::{
    BoxFuture,
    admission::Queue,
    clock::{Civil, Now},
    delivery::{Arrival, Decided, Delivery, DeliveryFilter, Kept, Mark},
    event::InputRow,
    fact::{Fact, Refusal},
    id::{BlobName, DeliveryId, Epoch, PlanHash, Position, Resource, RunId},
    retention::Aged,
    revision::{Revision, Target},
    store::{
        AgedFilter, Append, Appended, AttemptKey, Came, Candidate, Chunk, Cleared, Detail, Extent,
        Foreseen, Forgetting, Gate, Inbox, InboxReader, Lease, LeaseError, LogAppend, LogAppended,
        LogReader, LogRow, Page, Request, RunFilter, Store, StoreError, Submitted, Summary,
        Takeover,
    },
};
use foreseen::ArriveForeseen;
use forgetting::{Clear, ForgetRequests, ForgetRuns};
use inbox::{Arrive, Decide, Forget, ForgetMarks, Waits};
use logs::AppendStageLog;
use numbers::{Drawn, Numbers};
use ownership::{Acquire, Keep, Keeping};
use reader::News;
use requests::{Submit, Tell};
use session::Afterwards;
use std::{path::Path, sync::Arc};
use system::Record;
use tokio::sync::watch;
use writer::{Workshop, Writer};

/// The store of one state directory; clones share its connections.
#[derive(Clone)]
pub struct Sqlite {
    reader: Reader,
    writer: Writer,
    checkpoints: Arc<Checkpoints>,
    numbers: Arc<Numbers>,
}

impl Sqlite {
    /// Opens the database in `directory`, which is made if it is not there: [`Sqlite::open_file`].
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, or the file in it cannot be opened.
    pub async fn open(directory: &Path) -> Result<Sqlite, OpenError> {
        make_directory(directory)?;
        Sqlite::open_file(&directory.join(FILE_NAME)).await
    }

    /// Opens a database for writing, and creates or migrates it if need be. Spawns the task that
    /// writes on the present tokio runtime; it ends with the last clone.
    ///
    /// # Errors
    ///
    /// When its folder is not there or cannot be written, or the file cannot be created, is not ours,
    /// is newer than this program, or cannot be written durably where it lies.
    pub async fn open_file(path: &Path) -> Result<Sqlite, OpenError> {
        let path = path.to_owned();
        let session = open::writer(&path).await?;
        let pool = open::readers(&path).await?;
        let (head, told) = watch::channel(Position(0));
        let (commits, committed) = watch::channel(0);
        let reader = Reader { pool, news: News::Told(told) };
        let found = reader.head().await;
        head.send_replace(found.unwrap_or_default());
        let writer = Writer::spawn(Workshop { session, head, commits });
        let checkpoints = Arc::new(Checkpoints::new(path, committed));
        Ok(Sqlite { reader, writer, checkpoints, numbers: Arc::default() })
    }

    /// Opens the database in `directory` for reading, beside whoever writes there.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not of this program's format: reading changes nothing.
    pub async fn open_for_reading(directory: &Path) -> Result<Reader, OpenError> {
        Sqlite::open_file_for_reading(&directory.join(FILE_NAME)).await
    }

    /// The same of a database by its own path.
    ///
    /// # Errors
    ///
    /// As above.
    pub async fn open_file_for_reading(path: &Path) -> Result<Reader, OpenError> {
        let pool = open::readers(path).await?;
        Ok(Reader { pool, news: News::Polled })
    }

    /// Moves what was written into the database file, as far as nobody has to wait for it.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub async fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        self.checkpoints.run().await
    }

    /// Checkpoints every few hundred commits for as long as the store is written: to be spawned
    /// beside the engine.
    pub async fn keep_checkpointed(&self) {
        self.checkpoints.keep_up(&self.writer).await;
    }

    /// Closes all connections and leaves nothing in the write-ahead log. Later calls are refused.
    ///
    /// # Errors
    ///
    /// When it is closed already, or broken.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reader.pool.close().await;
        self.checkpoints.close().await;
        self.writer.ask_in_time(Ask(Afterwards::Close)).await?;
        self.checkpoints.writer_ended().await;
        Ok(())
    }
}

macro_rules! delegate {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> BoxFuture<'_, $answer> {
            self.reader.$name($($argument),*)
        }
    )*};
}

impl LogReader for Sqlite {
    delegate! {
        fn gate(run: RunId) -> Result<Option<Gate>, StoreError>;
        fn log(run: RunId, from: u64) -> Result<Vec<LogRow>, StoreError>;
        fn after(position: Position, limit: u32) -> Result<Page, StoreError>;
        fn head() -> Result<Position, StoreError>;
        fn runs(filter: RunFilter) -> Result<Vec<Summary>, StoreError>;
        fn unfinished() -> Result<Vec<Gate>, StoreError>;
        fn inputs(run: RunId) -> Result<Vec<InputRow>, StoreError>;
        fn runs_with_inputs() -> Result<Vec<RunId>, StoreError>;
        fn queue(resource: &Resource) -> Result<Queue, StoreError>;
        fn revisions(target: &Target) -> Result<Vec<Revision>, StoreError>;
        fn targets() -> Result<Vec<Target>, StoreError>;
        fn started(key: &str) -> Result<Option<RunId>, StoreError>;
        fn plan(hash: &PlanHash) -> Result<Option<String>, StoreError>;
        fn blob(name: &BlobName) -> Result<Option<Vec<u8>>, StoreError>;
        fn details(run: RunId) -> Result<Vec<Detail>, StoreError>;
        fn stage_logs(run: RunId) -> Result<Vec<(AttemptKey, Extent)>, StoreError>;
        fn stage_log_extent(key: &AttemptKey) -> Result<Extent, StoreError>;
        fn stage_log(key: &AttemptKey, from: u64, limit: u32) -> Result<Vec<Chunk>, StoreError>;
        fn lease() -> Result<Option<Lease>, StoreError>;
        fn written_after(position: Position) -> ();
    }
}

impl InboxReader for Sqlite {
    delegate! {
        fn deliveries(filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;
        fn delivery(id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
        fn delivery_body(id: DeliveryId) -> Result<Option<Vec<u8>>, StoreError>;
        fn pending_deliveries(after: DeliveryId, limit: u32) -> Result<Vec<Delivery>, StoreError>;
        fn refusals() -> Result<Vec<Refusal>, StoreError>;
        fn mark(key: &str) -> Result<Option<String>, StoreError>;
        fn marks(prefix: &str) -> Result<Vec<Mark>, StoreError>;
    }
}

impl Inbox for Sqlite {
    fn arrive(
        &self,
        epoch: Epoch,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        Box::pin(async move { self.writer.ask(Arrive { epoch, arrivals, marks }).await? })
    }

    fn arrive_foreseen(
        &self,
        epoch: Epoch,
        arrival: Arrival,
        foreseen: Arc<dyn Foreseen>,
    ) -> BoxFuture<'_, Result<Came, StoreError>> {
        let work = ArriveForeseen { epoch, arrival, foreseen };
        Box::pin(async move { self.writer.ask(work).await? })
    }

    fn decide(&self, epoch: Epoch, decided: Decided) -> BoxFuture<'_, Result<(), StoreError>> {
        // Where marks are to be remembered, the next delivery about that place waits for it.
        let is_awaited = !decided.marks.is_empty();
        let work = Decide { epoch, decided };
        Box::pin(async move {
            match is_awaited {
                true => self.writer.ask(work).await?,
                false => self.writer.ask_in_time(work).await?,
            }
        })
    }

    fn waits(&self, id: DeliveryId, reason: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.ask(Waits { id, reason }))
    }

    fn record(
        &self,
        epoch: Epoch,
        now: Now,
        facts: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Position, StoreError>> {
        Box::pin(async move { self.writer.ask(Record { epoch, now, facts }).await? })
    }

    fn forget_deliveries(
        &self,
        epoch: Epoch,
        before: Civil,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { self.writer.ask(Forget { epoch, before }).await? })
    }

    fn forget_marks(
        &self,
        epoch: Epoch,
        keys: Vec<String>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.writer.ask(ForgetMarks { epoch, keys }).await? })
    }
}

impl Forgetting for Sqlite {
    fn aged(&self, filter: AgedFilter) -> BoxFuture<'_, Result<Vec<Aged>, StoreError>> {
        self.reader.aged(filter)
    }

    fn forget_runs(
        &self,
        epoch: Epoch,
        runs: Vec<RunId>,
    ) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        Box::pin(async move { self.writer.ask(ForgetRuns { epoch, runs }).await? })
    }

    fn clear(&self, epoch: Epoch) -> BoxFuture<'_, Result<Cleared, StoreError>> {
        Box::pin(async move { self.writer.ask(Clear { epoch }).await? })
    }

    fn forget_requests(
        &self,
        epoch: Epoch,
        (after, before): (String, Civil),
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(async move { self.writer.ask(ForgetRequests { epoch, after, before }).await? })
    }
}

impl Store for Sqlite {
    fn acquire(
        &self,
        candidate: Candidate,
        takeover: Takeover,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        Box::pin(async move {
            let acquired = self.writer.ask(Acquire { candidate, takeover }).await?;
            self.numbers.forget();
            acquired.map_err(|holder| LeaseError::Held { holder })
        })
    }

    fn renew(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { self.writer.ask(Keep { epoch, keeping: Keeping::Renew }).await? })
    }

    fn release(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        // Behind the decisions that stand back.
        let release = Keep { epoch, keeping: Keeping::Release };
        Box::pin(async move { self.writer.ask_in_time(release).await? })
    }

    fn append(
        &self,
        epoch: Epoch,
        items: Vec<Append>,
    ) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move { self.writer.ask(AppendBatch { epoch, items }).await? })
    }

    fn submit(&self, request: Request) -> BoxFuture<'_, Result<Submitted, StoreError>> {
        Box::pin(self.writer.ask(Submit(request)))
    }

    fn number(&self, application: &str, pipeline: &str) -> BoxFuture<'_, Result<u64, StoreError>> {
        let subject = numbers::subject(application, pipeline);
        Box::pin(async move {
            let subject = subject.map_err(|failure| failure.refusal())?;
            match self.numbers.draw(&subject) {
                Drawn::Next(number) => Ok(number),
                Drawn::First => {
                    let stored = self.reader.last_number(&subject).await?;
                    Ok(self.numbers.draw_after(subject, stored))
                }
            }
        })
    }

    fn append_stage_log(
        &self,
        epoch: Epoch,
        append: LogAppend,
    ) -> BoxFuture<'_, Result<LogAppended, StoreError>> {
        Box::pin(async move { self.writer.ask(AppendStageLog { epoch, append }).await? })
    }

    fn tell(&self, details: Vec<Detail>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.ask(Tell(details)))
    }
}
