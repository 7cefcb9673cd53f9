//! What stages' programs printed: appended under the lease, read by number.

use super::{
    columns::{self, integer},
    failure::Failure,
    ownership::standing,
    session::{Session, Statement},
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    id::{Epoch, RunId},
    store::{AttemptKey, Chunk, Excess, Extent, Line, LogAppend, LogAppended, Size, StoreError},
};
use sqlx::{Row, sqlite::SqliteRow};

pub(super) struct AppendStageLog {
    pub(super) epoch: Epoch,
    pub(super) append: LogAppend,
}

impl Work for AppendStageLog {
    type Answer = Result<LogAppended, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            match standing(session).await? {
                Some(lease) if lease.epoch == self.epoch => {}
                other => return Ok(Err(lost(other.map(|lease| lease.owner.process_id)))),
            }
            Ok(Ok(append(session, &self.append).await?))
        })
    }
}

async fn append(session: &mut Session, append: &LogAppend) -> Result<LogAppended, Failure> {
    let LogAppend { key, chunk, cursor } = append;
    let rows = session.rows(extent_of(key)).await?;
    let mut extent = rows.first().map(extent).transpose()?.unwrap_or_default();
    if extent.next != chunk.seq {
        return Ok(LogAppended::Elsewhere { next: extent.next });
    }
    let text =
        "INSERT INTO stage_log_chunk (run, stage, attempt, seq, lines) VALUES (?, ?, ?, ?, ?)";
    let written = of(sqlx::query(text), key).bind(integer(chunk.seq));
    session.execute(written.bind(serde_json::to_string(&chunk.lines)?)).await?;
    extent.add(chunk.size(), cursor.clone());
    while let Excess::From(seq) = extent.excess() {
        let size = drop_chunk(session, key, seq).await?;
        extent.dropped(seq, size);
    }
    let text = "INSERT INTO stage_log (run, stage, attempt, next, extent) VALUES (?, ?, ?, ?, ?) \
        ON CONFLICT (run, stage, attempt) DO UPDATE SET next = excluded.next, extent = excluded.extent";
    let kept = of(sqlx::query(text), key).bind(integer(extent.next));
    session.execute(kept.bind(serde_json::to_string(&extent)?)).await?;
    Ok(LogAppended::Written)
}

async fn drop_chunk(session: &mut Session, key: &AttemptKey, seq: u64) -> Result<Size, Failure> {
    let text = "DELETE FROM stage_log_chunk \
        WHERE run = ? AND stage = ? AND attempt = ? AND seq = ? RETURNING seq, lines";
    let rows = session.rows(of(sqlx::query(text), key).bind(integer(seq))).await?;
    Ok(rows.first().map(chunk).transpose()?.map(|chunk| chunk.size()).unwrap_or_default())
}

pub(super) fn extent_of(key: &AttemptKey) -> Statement<'static> {
    let text = "SELECT extent FROM stage_log WHERE run = ? AND stage = ? AND attempt = ?";
    of(sqlx::query(text), key)
}

pub(super) fn chunks_of(key: &AttemptKey, from: u64, limit: u32) -> Statement<'static> {
    let text = "SELECT seq, lines FROM stage_log_chunk \
        WHERE run = ? AND stage = ? AND attempt = ? AND seq >= ? ORDER BY seq LIMIT ?";
    of(sqlx::query(text), key).bind(integer(from)).bind(limit)
}

pub(super) const OF_RUN: &str =
    "SELECT extent, stage, attempt FROM stage_log WHERE run = ? ORDER BY stage, attempt";

fn of(statement: Statement<'static>, key: &AttemptKey) -> Statement<'static> {
    statement.bind(key.run.0.as_bytes().to_vec()).bind(key.stage.clone()).bind(key.attempt)
}

pub(super) fn extent(row: &SqliteRow) -> Result<Extent, Failure> {
    columns::json(row, 0)
}

pub(super) fn chunk(row: &SqliteRow) -> Result<Chunk, Failure> {
    let lines: Vec<Line> = columns::json(row, 1)?;
    Ok(Chunk { seq: columns::count(row, 0)?, lines })
}

pub(super) fn log(row: &SqliteRow, run: RunId) -> Result<(AttemptKey, Extent), Failure> {
    let key = AttemptKey { run, stage: row.try_get(1)?, attempt: row.try_get(2)? };
    Ok((key, extent(row)?))
}
