//! Why something is stopped: a stage, or a whole run. Stored formats.

use crate::person::{Actor, Force};
use serde::{Deserialize, Serialize};

/// Why a stage is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum StopCause {
    Cancel,
    Timeout,
    /// Another stage failed, and its failure ends the run.
    Abort {
        by: String,
    },
    /// The time of the whole run ran out.
    RunTimeout,
    /// Another node of its matrix failed, and its failure stops the others.
    FailFast {
        by: String,
    },
    /// A newer run of its group takes its place.
    Superseded {
        by: String,
    },
    /// A person takes its target back.
    Preempted {
        by: String,
    },
    /// Its run could not have a place in its group.
    NotAdmitted {
        because: String,
    },
    /// What the run was started by is there no more.
    Withdrawn {
        because: String,
    },
    /// The run that started this one needs it no more.
    Parent {
        by: String,
    },
    /// The engine died with its run, and somebody said not to go on.
    Poison {
        unclean_ends: u32,
        by: String,
    },
}

/// Why a whole run is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum RunStop {
    Cancel {
        actor: Actor,
        reason: String,
        #[serde(default)]
        force: Force,
    },
    Abort {
        by: String,
    },
    /// The time of the whole run ran out.
    Timeout,
    /// A newer run of its group takes its place.
    Superseded {
        by: String,
    },
    /// Its group is full, and it is not to wait.
    GroupFull {
        by: Vec<String>,
    },
    /// To wait for its group would be to wait for ever.
    Ring {
        because: String,
    },
    /// What it was started by is there no more, and no stage of it had begun.
    Withdrawn {
        because: String,
    },
    /// The run that started this one needs it no more.
    Parent {
        by: String,
    },
    /// The engine died with it, and somebody said not to go on.
    Poison {
        unclean_ends: u32,
        by: String,
        reason: String,
    },
}
