//! What can be said of a run without its log: the summary row, in constant time per wait kind.

use super::{
    Execution,
    group::Admission,
    state::{Phase, Recorded, Tally, Trial},
};
use crate::{
    clock::{Elapsed, Now},
    status::{RunStatus, WaitKind},
    store::{Counts, Summary, Wakes},
};

impl Execution {
    /// The row that goes with the next append.
    pub fn summary(&self) -> Summary {
        let recorded = &self.recorded;
        let document = self.plan.document();
        Summary {
            run: recorded.id,
            number: recorded.number,
            application: document.application.clone(),
            pipeline: document.pipeline.clone(),
            plan: recorded.plan.clone(),
            status: recorded.status(),
            started_at: recorded.started_at,
            ended_at: recorded.ended_at(),
            stages: recorded.counts(),
            waiting: recorded.waiting(),
            wake: self.wakes(),
        }
    }

    /// When the next engine is to look at it. What is called now is due already: a stage that waits for
    /// a time has none any more once that has come, until its call is back.
    fn wakes(&self) -> Wakes {
        let timers = self.next_timer();
        match self.is_busy() {
            true => Wakes { elapsed: Some(Elapsed(0)), ..timers },
            false => timers,
        }
    }
}

impl Recorded {
    pub fn status(&self) -> RunStatus {
        match &self.phase {
            Phase::Ended { status, .. } => *status,
            Phase::Going | Phase::Paused(_) | Phase::Stopping if self.question().is_some() => {
                RunStatus::Waiting
            }
            Phase::Paused(_) => RunStatus::Paused,
            Phase::Going if self.admission() != Admission::Inside => RunStatus::Queued,
            Phase::Going | Phase::Stopping => {
                if self.tally.rolling_back > 0 {
                    RunStatus::RollingBack
                } else if self.tally.gated + self.tally.asking() > 0 && self.tally.open() == 0 {
                    RunStatus::Waiting
                } else {
                    RunStatus::Running
                }
            }
        }
    }

    pub fn ended_at(&self) -> Option<Now> {
        match &self.phase {
            Phase::Ended { at, .. } => Some(*at),
            Phase::Going | Phase::Paused(_) | Phase::Stopping => None,
        }
    }

    fn waiting(&self) -> Option<WaitKind> {
        match (&self.trial, self.admission()) {
            (Trial::Asked(_), _) => self.question().map(|_| WaitKind::Question),
            // It goes on by itself, whatever its stages wait for.
            (Trial::Suspected { .. } | Trial::Alone { .. }, _) => None,
            (Trial::None, Admission::Asks { .. }) => Some(WaitKind::Concurrency),
            (Trial::None, Admission::Inside) => self.tally.waiting(),
        }
    }

    fn counts(&self) -> Counts {
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let failed = self.tally.failed + self.tally.tolerated;
        Counts {
            all: small(self.nodes.len()),
            ended: small(self.tally.ended),
            failed: small(failed),
        }
    }
}

impl Tally {
    /// What the run waits for if nothing in it can go on by itself; of several kinds the one that
    /// has to be looked at first.
    fn waiting(&self) -> Option<WaitKind> {
        if self.stepping > 0 {
            return None;
        }
        let kinds = [
            (self.readiness, WaitKind::Readiness),
            (self.cluster, WaitKind::Cluster),
            (self.child, WaitKind::Child),
            (self.timer, WaitKind::Timer),
            (self.retry, WaitKind::Retry),
            // What a rule waits for may come by itself.
            (self.rules, WaitKind::Rules),
            (self.question, WaitKind::Question),
            (self.hold, WaitKind::Hold),
            (self.approval, WaitKind::Approval),
            (self.frozen, WaitKind::Freeze),
            (self.gated, WaitKind::Target),
            (self.queued, WaitKind::Concurrency),
            (self.paused, WaitKind::Paused),
        ];
        kinds.into_iter().find(|(count, _)| *count > 0).map(|(_, kind)| kind)
    }
}
