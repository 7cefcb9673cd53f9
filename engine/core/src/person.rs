//! Who acts, and what people say to stages that wait for them.

use serde::{Deserialize, Serialize};

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
        }
    }
}

/// A signal as it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    pub signal: Signal,
    pub actor: Actor,
    pub reason: String,
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
