//! What went wrong below the store, and what a caller may conclude from it.

use engine_core::store::StoreError;
use std::fmt;

/// Why a unit of work could not be done.
#[derive(Debug)]
pub(super) enum Failure {
    Database(sqlx::Error),
    /// A row, or a value to be written, is not what the format says.
    Format(String),
}

/// What is known of the disk after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    /// Rolled back: nothing was written.
    Nothing,
    /// The disk, or the connection, failed: what was written is not known, and asking again would
    /// not tell, since the kernel forgets a failed write once it has reported it.
    Unknown,
}

// The low byte of SQLite's result codes.
const ERROR: i32 = 1;
const IO_ERROR: i32 = 10;
const CORRUPT: i32 = 11;
const NOT_A_DATABASE: i32 = 26;

impl Failure {
    pub(super) fn aftermath(&self) -> Aftermath {
        match self {
            Failure::Format(_) => Aftermath::Nothing,
            Failure::Database(sqlx::Error::Database(_)) if self.code() != Some(IO_ERROR) => {
                Aftermath::Nothing
            }
            Failure::Database(_) => Aftermath::Unknown,
        }
    }

    /// The answer to somebody who has written nothing.
    pub(super) fn refusal(&self) -> StoreError {
        match (self, self.code()) {
            (Failure::Format(fault), _) => StoreError::Damaged(fault.clone()),
            (Failure::Database(error), Some(CORRUPT | NOT_A_DATABASE)) => {
                StoreError::Damaged(error.to_string())
            }
            (Failure::Database(error), _) => StoreError::Unavailable(error.to_string()),
        }
    }

    /// SQLite itself said no, and changed nothing: such as a rollback without a transaction.
    pub(super) fn is_refusal(&self) -> bool {
        self.code() == Some(ERROR)
    }

    fn code(&self) -> Option<i32> {
        let Failure::Database(sqlx::Error::Database(error)) = self else { return None };
        let extended: i32 = error.code()?.parse().ok()?;
        Some(extended & 0xff)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Database(error) => error.fmt(formatter),
            Failure::Format(fault) => formatter.write_str(fault),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Failure {
        match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::RowNotFound => Failure::Format(error.to_string()),
            other => Failure::Database(other),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Failure {
        Failure::Format(error.to_string())
    }
}
