//! What containers print, followed in the background and handed out from a place that the reader
//! remembers: after a restart no line is lost, and none comes twice.

mod cursor;
mod follower;
mod lines;

pub use cursor::Cursor;

pub(crate) use follower::{Follower, Taken};

use std::fmt;

/// A container whose log is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    pub namespace: String,
    pub pod: String,
    pub container: String,
}

/// Whether the container may print more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printing {
    Runs,
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Civil milliseconds, by the clock of the container's node.
    pub at_ms: u64,
    pub text: String,
}

/// What came after a place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// At most some hundred KiB; more comes when it is asked for from behind them.
    pub lines: Vec<LogLine>,
    /// The place behind the last line.
    pub cursor: Cursor,
    pub end: End,
    /// Names the log among what the watches know, and where they were.
    pub key: String,
    pub position: u64,
}

/// Whether more can come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Open,
    /// The container has ended, and everything that it printed was handed out.
    Over,
    /// It cannot be read now, and is tried again.
    Unreadable(String),
}

impl Source {
    /// Unlike every key of a watched kind.
    pub(crate) fn key(&self) -> String {
        format!("{KEY}{self}")
    }
}

const KEY: &str = "log:";

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.namespace, self.pod, self.container)
    }
}
