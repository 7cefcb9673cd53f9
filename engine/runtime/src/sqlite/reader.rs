//! Reading: a few connections that cannot write, beside the one that does. No lease is needed.

use super::{
    columns::{self, FORMAT, gate_columns, integer, log_columns},
    consequences::{QUEUE, queue},
    failure::Failure,
    forgetting, inbox, logs, numbers,
    ownership::{LEASE_ROW, lease},
    revisions::{OF_TARGET, revision},
    session::Statement,
    system,
};
use engine_core::{
    BoxFuture,
    admission::Queue,
    delivery::{Delivery, DeliveryFilter, Mark},
    event::InputRow,
    fact::Refusal,
    id::{BlobName, DeliveryId, InputId, PlanHash, Position, Resource, RunId},
    retention::Aged,
    revision::{Revision, Target},
    store::{
        AgedFilter, AttemptKey, Chunk, Detail, Extent, Gate, InboxReader, Lease, LogReader, LogRow,
        Page, RunFilter, StoreError, Summary,
    },
};
use sqlx::{Row, SqlitePool, sqlite::SqliteRow};
use std::time::Duration;
use tokio::sync::watch;

#[derive(Clone)]
pub struct Reader {
    pub(super) pool: SqlitePool,
    pub(super) news: News,
}

/// How a reader hears that something was written.
#[derive(Clone)]
pub(super) enum News {
    /// The writer is in this process and says so.
    Told(watch::Receiver<Position>),
    /// The writer is another process: looking again is all that can be done.
    Polled,
}

const POLL: Duration = Duration::from_millis(50);

impl Reader {
    /// Reads all rows of a query, each by `read`.
    async fn all<T>(
        &self,
        statement: Statement<'_>,
        read: impl Fn(&SqliteRow) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&self.pool).await.map_err(refused)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(|failure| failure.refusal())
    }

    async fn one<T>(
        &self,
        statement: Statement<'_>,
        read: impl Fn(&SqliteRow) -> Result<T, Failure>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement, read).await?.pop())
    }
}

impl Reader {
    pub(super) fn aged(&self, filter: AgedFilter) -> BoxFuture<'_, Result<Vec<Aged>, StoreError>> {
        Box::pin(self.all(forgetting::aged(filter), forgetting::read))
    }

    /// The last number that was stored of a pipeline's runs; 0 before the first.
    pub(super) async fn last_number(&self, subject: &str) -> Result<u64, StoreError> {
        Ok(self.one(numbers::stored(subject), numbers::value).await?.unwrap_or_default())
    }
}

fn refused(error: sqlx::Error) -> StoreError {
    Failure::from(error).refusal()
}

fn bytes(run: RunId) -> Vec<u8> {
    run.0.as_bytes().to_vec()
}

impl InboxReader for Reader {
    fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>> {
        Box::pin(self.all(inbox::listed(&filter), inbox::delivery))
    }

    fn delivery(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Delivery>, StoreError>> {
        Box::pin(self.one(inbox::of_id(id), inbox::delivery))
    }

    fn delivery_body(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(self.one(inbox::body_of(id), |row| Ok(row.try_get(0)?)))
    }

    fn pending_deliveries(
        &self,
        after: DeliveryId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>> {
        Box::pin(self.all(inbox::pending(after, limit), inbox::delivery))
    }

    fn refusals(&self) -> BoxFuture<'_, Result<Vec<Refusal>, StoreError>> {
        Box::pin(self.all(sqlx::query(system::REFUSALS), system::refusal))
    }

    fn mark(&self, key: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let statement = inbox::mark_of(key);
        Box::pin(async move { Ok(self.one(statement, inbox::mark).await?.map(|mark| mark.value)) })
    }

    fn marks(&self, prefix: &str) -> BoxFuture<'_, Result<Vec<Mark>, StoreError>> {
        Box::pin(self.all(inbox::marks_of(prefix), inbox::mark))
    }
}

impl LogReader for Reader {
    fn gate(&self, run: RunId) -> BoxFuture<'_, Result<Option<Gate>, StoreError>> {
        let text = concat!("SELECT ", gate_columns!(), " FROM run WHERE id = ?");
        Box::pin(self.one(sqlx::query(text).bind(bytes(run)), columns::gate))
    }

    fn log(&self, run: RunId, from: u64) -> BoxFuture<'_, Result<Vec<LogRow>, StoreError>> {
        let text =
            concat!("SELECT ", log_columns!(), " FROM log WHERE stream = ? AND n >= ? ORDER BY n");
        Box::pin(self.all(sqlx::query(text).bind(bytes(run)).bind(integer(from)), columns::log_row))
    }

    fn after(&self, position: Position, limit: u32) -> BoxFuture<'_, Result<Page, StoreError>> {
        let text = concat!(
            "SELECT ",
            log_columns!(),
            " FROM log WHERE position > ? ORDER BY position LIMIT ?"
        );
        let statement = sqlx::query(text).bind(integer(position.0)).bind(limit);
        Box::pin(async move {
            let rows = self.all(statement, columns::feed_row).await?;
            Ok(Page::after(position, rows))
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        let read = |row: &SqliteRow| columns::count(row, 0).map(Position);
        let statement = sqlx::query("SELECT position FROM counters");
        Box::pin(async move { Ok(self.one(statement, read).await?.unwrap_or_default()) })
    }

    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Vec<Summary>, StoreError>> {
        let text = concat!(
            "SELECT ",
            gate_columns!(),
            " FROM run WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2"
        );
        let limit = filter.limit.map_or(-1, i64::from);
        let statement = sqlx::query(text).bind(filter.before.map(bytes)).bind(limit);
        Box::pin(self.all(statement, |row| Ok(columns::gate(row)?.summary)))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Gate>, StoreError>> {
        let text = concat!(
            "SELECT ",
            gate_columns!(),
            " FROM run WHERE finished = 0 AND format <= ? ORDER BY id"
        );
        Box::pin(self.all(sqlx::query(text).bind(FORMAT), columns::gate))
    }

    fn inputs(&self, run: RunId) -> BoxFuture<'_, Result<Vec<InputRow>, StoreError>> {
        let text = "SELECT id, message FROM input WHERE run = ? ORDER BY id";
        let read = |row: &SqliteRow| {
            Ok(InputRow { id: InputId(columns::count(row, 0)?), message: columns::json(row, 1)? })
        };
        Box::pin(self.all(sqlx::query(text).bind(bytes(run)), read))
    }

    fn runs_with_inputs(&self) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        let text = "SELECT DISTINCT run FROM input ORDER BY run";
        Box::pin(self.all(sqlx::query(text), |row| columns::run(row, 0)))
    }

    fn queue(&self, resource: &Resource) -> BoxFuture<'_, Result<Queue, StoreError>> {
        let statement = sqlx::query(QUEUE).bind(resource.0.clone());
        Box::pin(async move {
            let rows = statement.fetch_all(&self.pool).await.map_err(refused)?;
            queue(&rows).map_err(|failure| failure.refusal())
        })
    }

    fn targets(&self) -> BoxFuture<'_, Result<Vec<Target>, StoreError>> {
        let text = "SELECT DISTINCT target FROM revision ORDER BY target";
        Box::pin(self.all(sqlx::query(text), |row| {
            let name = Resource(columns::text(row, 0)?);
            let strange = || Failure::Format(format!("`{}` is no target", name.0));
            Target::of_resource(&name).ok_or_else(strange)
        }))
    }

    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, StoreError>> {
        Box::pin(self.all(sqlx::query(OF_TARGET).bind(target.resource().0), revision))
    }

    fn started(&self, key: &str) -> BoxFuture<'_, Result<Option<RunId>, StoreError>> {
        let statement =
            sqlx::query("SELECT run FROM dedup WHERE key = ?").bind(format!("start:{key}"));
        Box::pin(self.one(statement, |row| columns::run(row, 0)))
    }

    fn plan(&self, hash: &PlanHash) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let statement = sqlx::query("SELECT body FROM plan WHERE hash = ?").bind(hash.0.clone());
        Box::pin(self.one(statement, |row| columns::text(row, 0)))
    }

    fn blob(&self, name: &BlobName) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let statement = sqlx::query("SELECT sealed FROM blob WHERE name = ?").bind(name.0.clone());
        Box::pin(self.one(statement, |row| Ok(row.try_get(0)?)))
    }

    fn details(&self, run: RunId) -> BoxFuture<'_, Result<Vec<Detail>, StoreError>> {
        let text = "SELECT stage, text, elapsed, civil FROM detail WHERE run = ? ORDER BY stage";
        let read = move |row: &SqliteRow| {
            let (stage, text) = (columns::text(row, 0)?, columns::text(row, 1)?);
            Ok(Detail { run, stage, text, at: columns::now(row, 2)? })
        };
        Box::pin(self.all(sqlx::query(text).bind(bytes(run)), read))
    }

    fn stage_logs(
        &self,
        run: RunId,
    ) -> BoxFuture<'_, Result<Vec<(AttemptKey, Extent)>, StoreError>> {
        let statement = sqlx::query(logs::OF_RUN).bind(bytes(run));
        Box::pin(self.all(statement, move |row| logs::log(row, run)))
    }

    fn stage_log_extent(&self, key: &AttemptKey) -> BoxFuture<'_, Result<Extent, StoreError>> {
        let statement = logs::extent_of(key);
        Box::pin(async move { Ok(self.one(statement, logs::extent).await?.unwrap_or_default()) })
    }

    fn stage_log(
        &self,
        key: &AttemptKey,
        from: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Chunk>, StoreError>> {
        Box::pin(self.all(logs::chunks_of(key, from, limit), logs::chunk))
    }

    fn lease(&self) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
        Box::pin(self.one(sqlx::query(LEASE_ROW), lease))
    }

    fn written_after(&self, position: Position) -> BoxFuture<'_, ()> {
        match &self.news {
            News::Polled => Box::pin(tokio::time::sleep(POLL)),
            News::Told(head) => {
                let mut head = head.clone();
                Box::pin(async move {
                    if head.wait_for(|head| *head > position).await.is_err() {
                        // The writer is gone; another process may go on writing.
                        tokio::time::sleep(POLL).await;
                    }
                })
            }
        }
    }
}
