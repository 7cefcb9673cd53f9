//! What is volatile about one node: the call under way, its timers, what it said last.

use crate::{
    clock::{Civil, Elapsed},
    event::Call,
    stage::Wake,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) flight: Flight,
    pub(super) urge: Urge,
    pub(super) queued: bool,
    pub(super) wake: Wake,
    /// The newest words of a wait, which the log need not have.
    pub(super) words: Option<String>,
    pub(super) set_elapsed: Vec<(Elapsed, Timer)>,
    pub(super) set_civil: Vec<(Civil, Timer)>,
    pub(super) judgement: Judgement,
}

/// The call of a node that is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flight {
    #[default]
    Nothing,
    Step {
        call: Call,
        told_to_stop: bool,
    },
    Abort {
        call: Call,
    },
    Evaluation {
        call: Call,
    },
}

/// Whether a node wants its next call at once, whatever its wake says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Urge {
    #[default]
    Wakes,
    Now,
}

/// Whether a deadline may be judged. One that passed while nobody drove the run gives the attempt
/// one more step first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Judgement {
    #[default]
    Open,
    AfterOneStep,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::execution) enum Timer {
    Wake,
    Deadline,
    Retry,
}

/// Whether an answer belongs to the call under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::execution) enum Landing {
    Expected,
    Stale,
}
