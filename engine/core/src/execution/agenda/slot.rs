//! What is volatile about one node: the call under way, its timers, what it said last.

use crate::{
    clock::{Civil, Elapsed},
    event::{Call, Command},
    stage::Wake,
};
use std::collections::BTreeSet;

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

impl Flight {
    pub(super) fn call(self) -> Option<Call> {
        match self {
            Flight::Nothing => None,
            Flight::Step { call, .. } | Flight::Abort { call } | Flight::Evaluation { call } => {
                Some(call)
            }
        }
    }
}

/// The calls that were due when the run was driven again after it stood still, or was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trying {
    /// Nobody has asked yet what is due.
    Due,
    UnderWay(BTreeSet<Call>),
}

impl Default for Trying {
    fn default() -> Trying {
        Trying::UnderWay(BTreeSet::new())
    }
}

impl Trying {
    pub(super) fn begin(&mut self, commands: &[Command]) {
        if *self == Trying::Due {
            let calls = commands.iter().map(|command| match command {
                Command::Evaluate { call }
                | Command::Judge { call }
                | Command::Step { call }
                | Command::Stop { call }
                | Command::Abort { call } => *call,
            });
            *self = Trying::UnderWay(calls.collect());
        }
    }

    pub(super) fn land(&mut self, call: Call) {
        if let Trying::UnderWay(calls) = self {
            calls.remove(&call);
        }
    }
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
