//! The time that an attempt, or a whole run, has left.

use crate::{
    clock::{Elapsed, Now},
    plan::Timeout,
    status::WaitKind,
};
use std::time::Duration;

/// The time that an attempt has left. Declared durations do not count against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptClock {
    Never,
    Until(Elapsed),
    Stopped { rest: Duration },
}

/// Whether any stage is running an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    Running,
    Quiet,
}

impl AttemptClock {
    pub fn new(timeout: Timeout, now: Now) -> AttemptClock {
        match timeout {
            Timeout::Never => AttemptClock::Never,
            Timeout::AfterMs(limit_ms) => {
                AttemptClock::Until(now.elapsed.plus(Duration::from_millis(limit_ms)))
            }
        }
    }

    /// The clock of a whole run: it stands until something runs.
    pub fn of_run(timeout: Timeout) -> AttemptClock {
        match timeout {
            Timeout::Never => AttemptClock::Never,
            Timeout::AfterMs(limit_ms) => {
                AttemptClock::Stopped { rest: Duration::from_millis(limit_ms) }
            }
        }
    }

    /// Goes on, or stands.
    pub fn running(self, activity: Activity, now: Now) -> AttemptClock {
        match (self, activity) {
            (AttemptClock::Stopped { rest }, Activity::Running) => {
                AttemptClock::Until(now.elapsed.plus(rest))
            }
            (AttemptClock::Until(at), Activity::Quiet) => {
                AttemptClock::Stopped { rest: at.since(now.elapsed) }
            }
            (clock, Activity::Running | Activity::Quiet) => clock,
        }
    }

    /// Stops in a declared duration, before a question and where a rule asks, and goes on after it with what was left.
    pub fn entering(self, kind: WaitKind, now: Now) -> AttemptClock {
        match (self, kind) {
            (AttemptClock::Never, _) => AttemptClock::Never,
            (AttemptClock::Until(at), WaitKind::Timer | WaitKind::Question | WaitKind::Rules) => {
                AttemptClock::Stopped { rest: at.since(now.elapsed) }
            }
            (
                AttemptClock::Stopped { rest },
                WaitKind::Timer | WaitKind::Question | WaitKind::Rules,
            ) => AttemptClock::Stopped { rest },
            (AttemptClock::Stopped { rest }, _) => AttemptClock::Until(now.elapsed.plus(rest)),
            (AttemptClock::Until(at), _) => AttemptClock::Until(at),
        }
    }
}
