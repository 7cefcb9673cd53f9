//! Rows to values and back: the words, numbers and ids of the schema.

use super::{failure::Failure, system::STREAM};
use engine_core::{
    clock::{Civil, Elapsed, Now},
    id::{Epoch, PlanHash, Position, RunId},
    store::{Counts, FeedRow, Gate, LogRow, Summary, SystemRow, Wakes},
};
use serde::{Deserialize, de::value::StrDeserializer};
use sqlx::{Row, sqlite::SqliteRow};

/// The columns of a gate, in the order in which [`gate`] reads them.
macro_rules! gate_columns {
    () => {
        "id, epoch, next, unclean_ends, number, application, pipeline, plan, \
         started_elapsed, started_civil, status, ended_elapsed, ended_civil, \
         stages, stages_ended, stages_failed, waiting, wake_elapsed, wake_civil"
    };
}
pub(super) use gate_columns;

/// The columns of a log row, in the order in which [`log_row`] reads them.
macro_rules! log_columns {
    () => {
        "stream, n, position, elapsed, civil, events"
    };
}
pub(super) use log_columns;

/// The newest format of runs that this program writes and understands.
pub(super) const FORMAT: i64 = 1;

/// SQLite counts to 2^63 - 1, which no counter here reaches.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn count(row: &SqliteRow, index: usize) -> Result<u64, Failure> {
    unsigned(row.try_get(index)?)
}

pub(super) fn count_or_none(row: &SqliteRow, index: usize) -> Result<Option<u64>, Failure> {
    row.try_get::<Option<i64>, _>(index)?.map(unsigned).transpose()
}

pub(super) fn small(row: &SqliteRow, index: usize) -> Result<u32, Failure> {
    let value = count(row, index)?;
    u32::try_from(value).map_err(|_| Failure::Format(format!("{value} is too large")))
}

pub(super) fn text(row: &SqliteRow, index: usize) -> Result<String, Failure> {
    Ok(row.try_get(index)?)
}

pub(super) fn run(row: &SqliteRow, index: usize) -> Result<RunId, Failure> {
    let bytes: &[u8] = row.try_get(index)?;
    let id = uuid::Uuid::from_slice(bytes);
    id.map(RunId).map_err(|error| Failure::Format(format!("a run's id: {error}")))
}

pub(super) fn json<T: for<'a> Deserialize<'a>>(
    row: &SqliteRow,
    index: usize,
) -> Result<T, Failure> {
    Ok(serde_json::from_str(row.try_get(index)?)?)
}

/// A word of one of our enums.
pub(super) fn word<T: for<'a> Deserialize<'a>>(
    row: &SqliteRow,
    index: usize,
) -> Result<T, Failure> {
    parse(row.try_get(index)?)
}

fn parse<T: for<'a> Deserialize<'a>>(word: &str) -> Result<T, Failure> {
    let deserializer = StrDeserializer::<serde::de::value::Error>::new(word);
    T::deserialize(deserializer).map_err(|error| Failure::Format(error.to_string()))
}

/// Both clocks, in two columns.
pub(super) fn now(row: &SqliteRow, index: usize) -> Result<Now, Failure> {
    Ok(Now { elapsed: Elapsed(count(row, index)?), civil: Civil(count(row, index + 1)?) })
}

pub(super) fn gate(row: &SqliteRow) -> Result<Gate, Failure> {
    Ok(Gate {
        summary: summary(row)?,
        epoch: Epoch(count(row, 1)?),
        next: count(row, 2)?,
        unclean_ends: small(row, 3)?,
    })
}

fn summary(row: &SqliteRow) -> Result<Summary, Failure> {
    let ended = count_or_none(row, 11)?.zip(count_or_none(row, 12)?);
    let waiting: Option<&str> = row.try_get(16)?;
    Ok(Summary {
        run: run(row, 0)?,
        number: count(row, 4)?,
        application: text(row, 5)?,
        pipeline: text(row, 6)?,
        plan: PlanHash(text(row, 7)?),
        started_at: now(row, 8)?,
        status: word(row, 10)?,
        ended_at: ended
            .map(|(elapsed, civil)| Now { elapsed: Elapsed(elapsed), civil: Civil(civil) }),
        stages: Counts { all: small(row, 13)?, ended: small(row, 14)?, failed: small(row, 15)? },
        waiting: waiting.map(parse).transpose()?,
        wake: Wakes {
            elapsed: count_or_none(row, 17)?.map(Elapsed),
            civil: count_or_none(row, 18)?.map(Civil),
        },
    })
}

pub(super) fn log_row(row: &SqliteRow) -> Result<LogRow, Failure> {
    Ok(LogRow {
        run: run(row, 0)?,
        n: count(row, 1)?,
        position: Position(count(row, 2)?),
        now: now(row, 3)?,
        events: json(row, 5)?,
    })
}

/// A row of whichever stream.
pub(super) fn feed_row(row: &SqliteRow) -> Result<FeedRow, Failure> {
    if row.try_get::<&[u8], _>(0)? != STREAM {
        return Ok(FeedRow::Run(log_row(row)?));
    }
    Ok(FeedRow::System(SystemRow {
        n: count(row, 1)?,
        position: Position(count(row, 2)?),
        now: now(row, 3)?,
        facts: json(row, 5)?,
    }))
}

fn unsigned(value: i64) -> Result<u64, Failure> {
    u64::try_from(value).map_err(|_| Failure::Format(format!("{value} is negative")))
}
