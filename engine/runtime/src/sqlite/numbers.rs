//! The numbers of a pipeline's runs: drawn in memory, and written in the append that begins a run, so that
//! drawing one costs no commit. One that no append has written was never seen by anybody.

use super::{
    bulk::{Bulk, Shape},
    columns::{self, integer},
    failure::Failure,
    session::Statement,
};
use engine_core::store::Append;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The last number that was drawn of each pipeline, since the lease was taken: nobody else draws any.
#[derive(Default)]
pub(super) struct Numbers(Mutex<HashMap<String, u64>>);

/// Whether numbers of a pipeline were drawn before.
pub(super) enum Drawn {
    Next(u64),
    /// What is stored must be read first.
    First,
}

pub(super) fn subject(application: &str, pipeline: &str) -> Result<String, Failure> {
    Ok(format!("run {}", serde_json::to_string(&(application, pipeline))?))
}

impl Numbers {
    fn locked(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn draw(&self, subject: &str) -> Drawn {
        match self.locked().get_mut(subject) {
            Some(last) => {
                *last += 1;
                Drawn::Next(*last)
            }
            None => Drawn::First,
        }
    }

    /// The same once it is known which number was stored last.
    pub(super) fn draw_after(&self, subject: String, stored: u64) -> u64 {
        let mut numbers = self.locked();
        let last = numbers.entry(subject).or_insert(stored);
        *last += 1;
        *last
    }

    /// Somebody else may have drawn some.
    pub(super) fn forget(&self) {
        self.locked().clear();
    }
}

pub(super) fn stored(subject: &str) -> Statement<'static> {
    sqlx::query("SELECT value FROM number WHERE subject = ?").bind(subject.to_owned())
}

/// Writes those of runs that begin.
pub(super) fn write(bulk: &mut Bulk, items: &[&Append]) -> Result<(), Failure> {
    let mut last: HashMap<String, u64> = HashMap::new();
    for item in items {
        let summary = &item.summary;
        let number = last.entry(subject(&summary.application, &summary.pipeline)?).or_default();
        *number = summary.number.max(*number);
    }
    let shape = Shape { columns: 2, rows: last.len() };
    bulk.push("; INSERT INTO number (subject, value) SELECT * FROM ");
    bulk.values(shape);
    for (subject, number) in last {
        bulk.bind(subject);
        bulk.bind(integer(number));
    }
    bulk.fill(shape);
    bulk.push(
        " WHERE column1 IS NOT NULL \
        ON CONFLICT (subject) DO UPDATE SET value = MAX(value, excluded.value)",
    );
    Ok(())
}

pub(super) fn value(row: &sqlx::sqlite::SqliteRow) -> Result<u64, Failure> {
    columns::count(row, 0)
}
