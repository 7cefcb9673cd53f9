//! A look at a database from outside, for people who look for what is wrong: changes nothing.

use super::open::{OpenError, known, options, version};
use engine_core::store::{Lease, LogReader};
use sqlx::{ConnectOptions, Row};
use std::path::Path;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// The format of the database, and the newest one that this program knows.
    pub format: (i64, i64),
    /// What SQLite finds wrong with the file; nothing if it is sound.
    pub damage: Vec<String>,
}

/// Checks a database. It may take as long as it takes to read it.
///
/// # Errors
///
/// When there is none, or it cannot be opened.
pub async fn examine(path: &Path) -> Result<Examination, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let mut connection = options(path).read_only(true).connect().await.map_err(open)?;
    let found = version(&mut connection).await.map_err(open)?;
    let rows = sqlx::query("PRAGMA quick_check(5)").fetch_all(&mut connection).await;
    let damage = match rows {
        Ok(rows) => rows.iter().filter_map(|row| row.try_get::<String, _>(0).ok()).collect(),
        Err(error) => vec![error.to_string()],
    };
    let damage = damage.into_iter().filter(|line: &String| line != "ok").collect();
    Ok(Examination { format: (found, known()), damage })
}

/// The lease of the engine that works on a database, if one stands.
///
/// # Errors
///
/// When the database cannot be read.
pub async fn lease(path: &Path) -> Result<Option<Lease>, String> {
    let reader = super::Sqlite::open_file_for_reading(path).await.map_err(|it| it.to_string())?;
    reader.lease().await.map_err(|error| error.to_string())
}
