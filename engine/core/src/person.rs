//! Who acts, and what people say to stages that wait for them.

use crate::id::{PlanHash, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who acts, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub name: String,
    pub way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    CommandLine,
    /// The engine's socket: the kernel says whose process it was.
    Socket,
    Engine,
    /// Something has happened outside, and a trigger has fired.
    Event,
}

/// What a person can say to a stage that waits for one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Signal {
    /// Yes, to an approval.
    Approve,
    /// No, to an approval.
    Reject,
    /// Try again what is held.
    Retry,
    /// Let what is held stay failed, and go on as if it did not count.
    Continue,
    /// Stop the run for what is held.
    Abort,
    /// Take the environment of what is held back to what was good there.
    RollBack,
    /// Yes, to a question of fact.
    Yes,
    /// No, to a question of fact.
    No,
}

/// What a person can say to a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunAct {
    /// Stop what runs; what is deployed stays.
    Cancel,
    /// The same, and a way back is stopped too.
    ForceCancel,
    /// Let nothing new start.
    Pause,
    /// Let a paused run go on.
    Resume,
    /// Drive a run again with which the engine died.
    Yes,
    /// End it instead, without calling its stages again.
    No,
}

/// What a person answers to the question of a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// Drive it again.
    Yes,
    /// End it.
    No,
}

/// Whether a cancel stops a way back too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Force {
    #[default]
    No,
    Yes,
}

impl RunAct {
    pub fn word(self) -> &'static str {
        match self {
            RunAct::Cancel => "cancel",
            RunAct::ForceCancel => "forceCancel",
            RunAct::Pause => "pause",
            RunAct::Resume => "resume",
            RunAct::Yes => "yes",
            RunAct::No => "no",
        }
    }
}

/// A signal as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    pub signal: Signal,
    pub actor: Actor,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Seen::is_nothing")]
    pub seen: Seen,
    /// The values that an approval asks for, as they were given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, Value>,
}

/// What was shown to whoever answers, as far as the answer says so: it counts only while that still
/// stands. Answers of earlier releases say nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Of the stage; the first is 1, and 0 stands for what failed before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanHash>,
}

impl Seen {
    pub fn is_nothing(&self) -> bool {
        *self == Seen::default()
    }
}

impl Signalled {
    /// An answer to whatever stands there.
    pub fn new(signal: Signal, actor: Actor, reason: impl Into<String>) -> Signalled {
        Signalled {
            signal,
            actor,
            reason: reason.into(),
            seen: Seen::default(),
            inputs: BTreeMap::new(),
        }
    }
}

impl Signal {
    pub fn word(self) -> &'static str {
        match self {
            Signal::Approve => "approve",
            Signal::Reject => "reject",
            Signal::Retry => "retry",
            Signal::Continue => "continue",
            Signal::Abort => "abort",
            Signal::RollBack => "rollBack",
            Signal::Yes => "yes",
            Signal::No => "no",
        }
    }
}
