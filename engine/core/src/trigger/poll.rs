//! Asking a place outside what is new there.

use super::IndexKey;
use crate::{BoxFuture, happening::Happening};
use serde_json::Value;
use std::time::Duration;

/// Asks for what cannot tell by itself.
///
/// # Contract
///
/// A poll may be repeated with the same cursor, and then finds the same again or more: the caller
/// stores what was found together with the new cursor, or neither. A first poll, without a cursor,
/// finds nothing and answers with where to go on. It has its own deadlines, and ends within a minute.
/// At most one poll of one subject is under way at a time.
pub trait Poller: Send + Sync + 'static {
    fn poll<'a>(
        &'a self,
        subject: &'a IndexKey,
        cursor: Option<Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>>;
}

/// What a poll has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Polled {
    /// In the order in which they are to be looked at. More may be left: then it is asked again at once.
    pub happenings: Vec<Happening>,
    pub cursor: Value,
    pub rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    None,
    More,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// It could not be reached or told no reason: asked again later, and later each time; not before
    /// `after`, if the place has said so.
    #[error("{reason}")]
    Later { reason: String, after: Option<Duration> },
    /// It says no, and goes on saying so until somebody changes something.
    #[error("{reason}")]
    Refused { reason: String },
}
