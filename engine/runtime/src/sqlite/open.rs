//! Opening a database file: where it lies, who may read it, how durable it is, which format it has.

use super::{failure::Failure, session::Session};
use rustix::fs::{Access, access};
use sqlx::{
    ConnectOptions, Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// The schema's versions, oldest first; a file's version is how many of them it has seen.
const MIGRATIONS: [&str; 8] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
    include_str!("schema/6.sql"),
    include_str!("schema/7.sql"),
    include_str!("schema/8.sql"),
];

/// The database inside a state directory.
pub const FILE_NAME: &str = "engine.sqlite";

/// Connections that read; more would only queue for the same two or four cores.
const READERS: u32 = 4;
const BUSY: Duration = Duration::from_secs(5);
/// SQLite's value of `synchronous` that survives a power cut.
const FULL: i64 = 2;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no engine state in {}: run a pipeline first, or name another directory with --state", .0.display())]
    Missing(PathBuf),
    #[error(
        "{} was written by a newer version of this program (format {found}, known up to {known}): \
         use that version", path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{} is of an older format ({found}): run a pipeline, or `gennaker recover`, to bring it \
         up to format {known}", path.display()
    )]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{} cannot be written durably (journal {journal}, synchronous {synchronous}): keep the \
         state directory on a local disk", path.display()
    )]
    NotDurable { path: PathBuf, journal: String, synchronous: i64 },
    #[error("cannot create {}: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error(
        "the database {} cannot be kept in {}: {source}; make that folder, and let this user write in it",
        path.display(), folder.display()
    )]
    Folder { path: PathBuf, folder: PathBuf, source: io::Error },
    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: sqlx::Error },
}

/// How every connection of ours is opened.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .busy_timeout(BUSY)
        .statement_cache_capacity(512)
        .row_buffer_size(1_024)
        .disable_statement_logging()
}

/// How the connection that writes is opened: each commit is on disk when it is answered, and none
/// of them pays for a checkpoint.
pub fn writer_options(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", "-65536")
}

/// The connection that writes, on a file that is there, durable and of the newest format.
pub(super) async fn writer(path: &Path) -> Result<Session, OpenError> {
    create(path)?;
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let mut connection = writer_options(path).connect().await.map_err(open)?;
    durable(path, &mut connection).await?;
    let found = version(&mut connection).await.map_err(open)?;
    refuse_newer(path, found)?;
    let mut session = Session::new(connection);
    migrate(&mut session, found).await.map_err(|failure| match failure {
        Failure::Database(source) => open(source),
        Failure::Format(fault) => open(sqlx::Error::Protocol(fault)),
    })?;
    Ok(session)
}

/// Connections that read a file which is there already, in the one format that this program knows.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, OpenError> {
    if !path.exists() {
        return Err(OpenError::Missing(path.to_owned()));
    }
    let options = options(path).read_only(true);
    let pool = SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options);
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let found = version(&mut *pool.acquire().await.map_err(open)?).await.map_err(open)?;
    refuse_newer(path, found)?;
    match (known() - found, found) {
        (0, _) => Ok(pool),
        (_, 0) => Err(OpenError::Missing(path.to_owned())),
        (_, found) => Err(OpenError::Older { path: path.to_owned(), found, known: known() }),
    }
}

/// Makes a state directory, if it is not there. Nobody but the owner may look into it.
///
/// # Errors
///
/// When it cannot be made.
pub fn make_directory(directory: &Path) -> Result<(), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| OpenError::Create { path: directory.to_owned(), source })
}

/// Nobody but the owner may read what runs say, and SQLite gives its other files the same mode. They
/// lie beside it, so its folder is written as well.
fn create(path: &Path) -> Result<(), OpenError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| OpenError::Folder {
        path: path.to_owned(),
        folder: folder.to_owned(),
        source: error.into(),
    })?;
    let mut file = OpenOptions::new();
    let made = file.create(true).append(true).mode(0o600).open(path);
    made.map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
    Ok(())
}

async fn durable(path: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let open = |source| OpenError::Open { path: path.to_owned(), source };
    let mut read = async |text: &'static str| sqlx::query(text).fetch_one(&mut *connection).await;
    let journal: String =
        read("PRAGMA journal_mode").await.and_then(|row| row.try_get(0)).map_err(open)?;
    let synchronous: i64 =
        read("PRAGMA synchronous").await.and_then(|row| row.try_get(0)).map_err(open)?;
    if journal == "wal" && synchronous == FULL {
        return Ok(());
    }
    Err(OpenError::NotDurable { path: path.to_owned(), journal, synchronous })
}

pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(super) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("PRAGMA user_version").fetch_one(connection).await?.try_get(0)
}

fn refuse_newer(path: &Path, found: i64) -> Result<(), OpenError> {
    if found > known() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: known() });
    }
    Ok(())
}

/// Each step in a transaction of its own, together with its number. The version is read again
/// inside: another process may be doing the same.
async fn migrate(session: &mut Session, found: i64) -> Result<(), Failure> {
    for (number, text) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let rows = session.rows(sqlx::query("PRAGMA user_version")).await?;
        let seen: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        if seen < number {
            session.script(&format!("{text}; PRAGMA user_version = {number}")).await?;
        }
        session.commit().await?;
    }
    Ok(())
}
