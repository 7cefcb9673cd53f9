//! Moves what was written from the write-ahead log into the database file, beside the commits: by a
//! connection of its own, and by the writer only for what came in meanwhile.

use super::{
    failure::Failure,
    open::writer_options,
    session::{Afterwards, Session},
    writer::{PASSIVE, Work, Writer},
};
use engine_core::{BoxFuture, store::StoreError};
use sqlx::{ConnectOptions, Row, SqliteConnection};
use std::path::PathBuf;
use tokio::sync::{Mutex, watch};

/// Commits between two checkpoints; a commit writes a handful of pages of 4 KiB.
const COMMITS: u64 = 500;
/// Pages beyond which the log is to be begun again from its start.
const LONG: i64 = 4_000;

pub(super) struct Checkpoints {
    path: PathBuf,
    connection: Mutex<Option<SqliteConnection>>,
    commits: watch::Receiver<u64>,
}

/// How far a checkpoint came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Pages in the write-ahead log.
    pub log_pages: i64,
    /// Those of them that are in the database file as well.
    pub moved_pages: i64,
}

impl Checkpoints {
    pub(super) fn new(path: PathBuf, commits: watch::Receiver<u64>) -> Checkpoints {
        Checkpoints { path, connection: Mutex::new(None), commits }
    }

    /// Moves what it can without making anybody wait.
    pub(super) async fn run(&self) -> Result<Checkpoint, StoreError> {
        let mut connection = self.connection.lock().await;
        let pages = self.move_pages(&mut connection).await;
        pages.map_err(|error| Failure::from(error).refusal())
    }

    async fn move_pages(
        &self,
        connection: &mut Option<SqliteConnection>,
    ) -> Result<Checkpoint, sqlx::Error> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(writer_options(&self.path).connect().await?),
        };
        let row = sqlx::query(PASSIVE).fetch_one(connection).await?;
        Ok(Checkpoint { log_pages: row.try_get(1)?, moved_pages: row.try_get(2)? })
    }

    /// Runs until the writer is gone. Under steady load a passive checkpoint never reaches the end
    /// of the log, so the writer moves the last few pages itself once the log is long.
    pub(super) async fn keep_up(&self, writer: &Writer) {
        let mut commits = self.commits.clone();
        loop {
            let due = *commits.borrow_and_update() + COMMITS;
            if commits.wait_for(|commits| *commits >= due).await.is_err() {
                return;
            }
            let outcome = match self.run().await {
                Ok(Checkpoint { log_pages, .. }) if log_pages > LONG => {
                    writer.ask(Ask(Afterwards::CatchUp)).await
                }
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                tracing::warn!(%error, "the write-ahead log grows: it could not be moved");
            }
        }
    }

    /// Waits for the end of the writer.
    pub(super) async fn writer_ended(&self) {
        let mut commits = self.commits.clone();
        while commits.changed().await.is_ok() {}
    }

    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            drop(sqlx::Connection::close(connection).await);
        }
    }
}

/// Asks for something that the writer does between two transactions.
pub(super) struct Ask(pub(super) Afterwards);

impl Work for Ask {
    type Answer = ();

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>> {
        session.afterwards = self.0;
        Box::pin(async { Ok(()) })
    }
}
