//! Takes away what is kept no longer, a little at a time: whoever appends meanwhile is in the same
//! transaction, and waits for it.

use super::{
    columns::{self, integer},
    failure::Failure,
    inbox::holds,
    session::{Session, Statement},
    writer::Work,
};
use crate::reader::first_of;
use engine_core::{
    BoxFuture,
    clock::Civil,
    id::{Epoch, Position, RunId},
    retention::Aged,
    store::{AgedFilter, Cleared, StoreError},
};
use sqlx::{Row, sqlite::SqliteRow};

/// What one transaction takes away at most: of runs, rows of the log, chunks of what was printed (16 KiB
/// each), blobs; and the requests that it looks at.
const RUNS: i64 = 16;
const ROWS: i64 = 256;
const CHUNKS: i64 = 16;
const BLOBS: i64 = 16;
const REQUESTS: i64 = 256;

pub(super) fn aged(filter: AgedFilter) -> Statement<'static> {
    let text = "SELECT id, ended_civil, \
        (SELECT position FROM log WHERE stream = run.id ORDER BY n DESC LIMIT 1), \
        (SELECT events FROM log WHERE stream = run.id AND n = 0) \
        FROM run WHERE (?1 IS NULL OR id > ?1) AND id < ?2 AND finished = 1 AND ended_civil < ?3 \
        ORDER BY id LIMIT ?4";
    let after = filter.after.map(bytes);
    // Whatever has ended by then has begun by then.
    let bound = bytes(first_of(filter.ended_before));
    let statement = sqlx::query(text).bind(after).bind(bound);
    statement.bind(integer(filter.ended_before.0)).bind(filter.limit)
}

pub(super) fn read(row: &SqliteRow) -> Result<Aged, Failure> {
    let last = Position(columns::count_or_none(row, 2)?.unwrap_or_default());
    let first: Option<&str> = row.try_get(3)?;
    let first = first.map(serde_json::from_str).transpose()?;
    let ended_at = Civil(columns::count(row, 1)?);
    let first: Vec<engine_core::event::Event> = first.unwrap_or_default();
    Ok(Aged::of((columns::run(row, 0)?, ended_at), last, &first))
}

fn bytes(run: RunId) -> Vec<u8> {
    run.0.as_bytes().to_vec()
}

pub(super) struct ForgetRuns {
    pub(super) epoch: Epoch,
    pub(super) runs: Vec<RunId>,
}

/// Those that may go; whoever holds a target may choose among all that was ever recorded there.
const FREE: &str = "SELECT id FROM run WHERE id IN (SELECT unhex(value) FROM json_each(?)) \
    AND finished = 1 \
    AND NOT EXISTS (SELECT 1 FROM revision JOIN claim ON claim.resource = revision.target \
        WHERE revision.run = run.id) \
    AND NOT EXISTS (SELECT 1 FROM revision JOIN waiter ON waiter.resource = revision.target \
        WHERE revision.run = run.id)";
const LEAVE: [&str; 5] = [
    "INSERT INTO gone (run, plan) SELECT id, plan FROM run \
        WHERE id IN (SELECT unhex(value) FROM json_each(?))",
    "DELETE FROM run WHERE id IN (SELECT unhex(value) FROM json_each(?))",
    "DELETE FROM revision WHERE run IN (SELECT unhex(value) FROM json_each(?))",
    "DELETE FROM input WHERE run IN (SELECT unhex(value) FROM json_each(?))",
    "DELETE FROM detail WHERE run IN (SELECT unhex(value) FROM json_each(?))",
];

impl Work for ForgetRuns {
    type Answer = Result<Vec<RunId>, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let free = session.rows(sqlx::query(FREE).bind(listed(&self.runs)?)).await?;
            let free: Vec<RunId> =
                free.iter().map(|row| columns::run(row, 0)).collect::<Result<_, _>>()?;
            if !free.is_empty() {
                for text in LEAVE {
                    session.execute(sqlx::query(text).bind(listed(&free)?)).await?;
                }
            }
            Ok(Ok(free))
        })
    }
}

fn listed(runs: &[RunId]) -> Result<String, Failure> {
    let runs: Vec<String> = runs.iter().map(|run| run.0.simple().to_string()).collect();
    Ok(serde_json::to_string(&runs)?)
}

pub(super) struct Clear {
    pub(super) epoch: Epoch,
}

impl Work for Clear {
    type Answer = Result<Cleared, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let picked =
                session.rows(sqlx::query("SELECT run FROM gone LIMIT ?").bind(RUNS)).await?;
            let picked: Vec<RunId> =
                picked.iter().map(|row| columns::run(row, 0)).collect::<Result<_, _>>()?;
            if picked.is_empty() {
                return Ok(Ok(Cleared::All));
            }
            clear(session, &listed(&picked)?).await?;
            Ok(Ok(Cleared::MayBeMore))
        })
    }
}

/// What was printed first, blobs and plans last; in each transaction as far as it may come.
async fn clear(session: &mut Session, runs: &str) -> Result<(), Failure> {
    let printed = "DELETE FROM stage_log_chunk WHERE rowid IN (SELECT rowid FROM stage_log_chunk \
        WHERE run IN (SELECT unhex(value) FROM json_each(?1)) LIMIT ?2) RETURNING 1";
    let rows = "DELETE FROM log WHERE position IN (SELECT position FROM log \
        WHERE stream IN (SELECT unhex(value) FROM json_each(?1)) LIMIT ?2) RETURNING 1";
    for (text, most) in [(printed, CHUNKS), (rows, ROWS)] {
        let gone = session.rows(sqlx::query(text).bind(runs).bind(most)).await?;
        if integer(gone.len() as u64) == most {
            return Ok(());
        }
    }
    let names = "SELECT DISTINCT name FROM blob_use WHERE user IN (SELECT unhex(value) FROM json_each(?1) \
        UNION ALL SELECT CAST(plan AS BLOB) FROM gone \
        WHERE run IN (SELECT unhex(value) FROM json_each(?1)) \
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan = gone.plan)) LIMIT ?2";
    let names = session.rows(sqlx::query(names).bind(runs).bind(BLOBS)).await?;
    let names: Vec<String> =
        names.iter().map(|row| columns::text(row, 0)).collect::<Result<_, _>>()?;
    if !names.is_empty() {
        blobs(session, (runs, &names)).await?;
    }
    match integer(names.len() as u64) == BLOBS {
        true => Ok(()),
        false => end(session, runs).await,
    }
}

async fn blobs(session: &mut Session, (runs, names): (&str, &[String])) -> Result<(), Failure> {
    let text = "DELETE FROM blob_use WHERE name IN (SELECT value FROM json_each(?2)) \
        AND user IN (SELECT unhex(value) FROM json_each(?1) \
        UNION ALL SELECT CAST(plan AS BLOB) FROM gone \
        WHERE run IN (SELECT unhex(value) FROM json_each(?1)) \
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan = gone.plan)); \
        DELETE FROM blob WHERE name IN (SELECT value FROM json_each(?2)) \
        AND NOT EXISTS (SELECT 1 FROM blob_use WHERE blob_use.name = blob.name) \
        AND NOT EXISTS (SELECT 1 FROM revision WHERE revision.content = blob.name)";
    let names = serde_json::to_string(names)?;
    session.execute(sqlx::query(text).bind(runs).bind(names)).await
}

async fn end(session: &mut Session, runs: &str) -> Result<(), Failure> {
    let text = "DELETE FROM plan WHERE hash IN (SELECT plan FROM gone \
        WHERE run IN (SELECT unhex(value) FROM json_each(?1))) \
        AND NOT EXISTS (SELECT 1 FROM run WHERE run.plan = plan.hash); \
        DELETE FROM stage_log WHERE run IN (SELECT unhex(value) FROM json_each(?1)); \
        DELETE FROM gone WHERE run IN (SELECT unhex(value) FROM json_each(?1))";
    session.execute(sqlx::query(text).bind(runs)).await
}

pub(super) struct ForgetRequests {
    pub(super) epoch: Epoch,
    pub(super) after: String,
    pub(super) before: Civil,
}

impl Work for ForgetRequests {
    type Answer = Result<Option<String>, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let text = "SELECT MAX(key) FROM \
                (SELECT key FROM dedup WHERE key > ? ORDER BY key LIMIT ?)";
            let rows = session.rows(sqlx::query(text).bind(&self.after).bind(REQUESTS)).await?;
            let last: Option<String> = rows.first().map_or(Ok(None), |row| row.try_get(0))?;
            let Some(last) = last else { return Ok(Ok(None)) };
            let text = "DELETE FROM dedup WHERE key > ? AND key <= ? AND at < ? \
                AND NOT EXISTS (SELECT 1 FROM run WHERE run.id = dedup.run)";
            let statement = sqlx::query(text).bind(&self.after).bind(&last);
            session.execute(statement.bind(integer(self.before.0))).await?;
            Ok(Ok(Some(last)))
        })
    }
}
