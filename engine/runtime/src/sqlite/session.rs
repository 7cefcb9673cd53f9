//! The one connection that writes, and the transaction that is open on it. Statements are sent
//! several at a time: each round trip to the connection's thread costs as much as a small write.

use super::{bulk::Bulk, failure::Failure};
use engine_core::id::Position;
use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection,
    query::Query,
    sqlite::{Sqlite, SqliteArguments, SqliteRow},
};

pub(super) struct Session {
    connection: SqliteConnection,
    phase: Phase,
    /// Whether the unit at work is the last of its transaction, and may commit along the way.
    pub(super) turn: Turn,
    /// The position of the newest row, if this transaction wrote one.
    pub(super) head: Option<Position>,
    /// What is to be done once the transaction is over.
    pub(super) afterwards: Afterwards,
}

/// What cannot be done inside a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    Nothing,
    /// Move what was written lately into the database file.
    CatchUp,
    /// Leave nothing in the write-ahead log, and end.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    MoreFollow,
    Last,
}

pub(super) type Statement<'a> = Query<'a, Sqlite, SqliteArguments>;

impl Session {
    pub(super) fn new(connection: SqliteConnection) -> Session {
        Session {
            connection,
            phase: Phase::Idle,
            turn: Turn::Last,
            head: None,
            afterwards: Afterwards::Nothing,
        }
    }

    /// Runs statements inside the transaction, beginning it if need be.
    pub(super) async fn rows(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        self.begin().await?;
        Ok(statement.fetch_all(&mut self.connection).await?)
    }

    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<(), Failure> {
        self.begin().await?;
        self.drain(statement).await
    }

    /// Begins the transaction and reads, in one round trip where the transaction is not open yet.
    /// `text` must begin with [`BEGIN`].
    pub(super) async fn open(
        &mut self,
        text: &'static str,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Vec<SqliteRow>, Failure> {
        let text = match self.phase {
            Phase::Idle => text,
            Phase::Open => text.strip_prefix(BEGIN).unwrap_or(text),
        };
        self.phase = Phase::Open;
        let statement = arguments.into_iter().fold(sqlx::query(text), |query, it| query.bind(it));
        Ok(statement.fetch_all(&mut self.connection).await?)
    }

    /// Runs the last statements of a unit, and commits along with them if no other unit follows.
    pub(super) async fn close(&mut self, mut bulk: Bulk) -> Result<(), Failure> {
        if self.turn == Turn::Last {
            bulk.push("; COMMIT");
        }
        self.send(bulk).await?;
        if self.turn == Turn::Last {
            self.phase = Phase::Idle;
        }
        Ok(())
    }

    /// Runs a bulk inside the transaction.
    pub(super) async fn send(&mut self, bulk: Bulk) -> Result<(), Failure> {
        self.begin().await?;
        let (text, arguments) = bulk.into_parts()?;
        self.drain(sqlx::query_with(text, arguments)).await
    }

    /// Reads to the very end: the connection's thread gives up what nobody listens to.
    async fn drain(&mut self, statement: Statement<'_>) -> Result<(), Failure> {
        let mut answers = sqlx::Executor::fetch_many(&mut self.connection, statement);
        while answers.try_next().await?.is_some() {}
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), Failure> {
        if self.phase == Phase::Idle {
            self.drain(sqlx::query("BEGIN IMMEDIATE")).await?;
            self.phase = Phase::Open;
        }
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        if self.phase == Phase::Open {
            self.drain(sqlx::query("COMMIT")).await?;
            self.phase = Phase::Idle;
        }
        Ok(())
    }

    /// Takes everything back. SQLite may have done so itself.
    pub(super) async fn roll_back(&mut self) -> Result<(), Failure> {
        self.head = None;
        if self.phase == Phase::Idle {
            return Ok(());
        }
        self.phase = Phase::Idle;
        match self.drain(sqlx::query("ROLLBACK")).await {
            Err(failure) if !failure.is_refusal() => Err(failure),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Moves the write-ahead log into the database file; only between transactions.
    pub(super) async fn checkpoint(&mut self, mode: &'static str) -> Result<(), Failure> {
        self.drain(sqlx::query(mode)).await
    }

    pub(super) async fn end(self) -> Result<(), Failure> {
        Ok(self.connection.close().await?)
    }

    /// Runs statements of our own making that are used once.
    pub(super) async fn script(&mut self, text: &str) -> Result<(), Failure> {
        self.begin().await?;
        self.drain(sqlx::query(AssertSqlSafe(text.to_owned())).persistent(false)).await
    }
}

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE; ";
