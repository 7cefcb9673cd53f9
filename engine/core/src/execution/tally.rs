//! How many nodes of a run stand where.

use super::state::{Activity, NodeState};
use crate::status::WaitKind;

/// How many nodes stand where, so that a status needs no look at all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub gated: usize,
    /// A call is under way, or wanted at once.
    pub stepping: usize,
    pub timer: usize,
    pub readiness: usize,
    pub cluster: usize,
    pub retry: usize,
    pub approval: usize,
    pub rules: usize,
    pub frozen: usize,
    pub hold: usize,
    pub question: usize,
    pub paused: usize,
    pub queued: usize,
    pub child: usize,
    /// Of the nodes above, those that take their environment back.
    pub rolling_back: usize,
    pub ended: usize,
    pub failed: usize,
    pub tolerated: usize,
    pub rejected: usize,
    pub rolled_back: usize,
    pub cancelled: usize,
}

impl Tally {
    /// The nodes that wait for a person, for what rules ask, or for the end of a freeze.
    pub fn asking(&self) -> usize {
        self.approval + self.rules + self.frozen + self.hold + self.question
    }

    /// The nodes that go on by themselves.
    pub fn open(&self) -> usize {
        self.stepping + self.timer + self.readiness + self.cluster + self.retry + self.child
    }

    /// Whether any node is running an attempt.
    pub(super) fn activity(&self) -> Activity {
        match self.stepping + self.timer + self.readiness + self.cluster + self.child {
            0 => Activity::Quiet,
            _ => Activity::Running,
        }
    }

    pub(super) fn add(&mut self, state: &NodeState) {
        self.rolling_back += usize::from(state.undoes().is_some());
        if let Some(count) = self.count(state) {
            *count += 1;
        }
    }

    pub(super) fn subtract(&mut self, state: &NodeState) {
        self.rolling_back -= usize::from(state.undoes().is_some());
        if let Some(count) = self.count(state) {
            *count -= 1;
        }
    }

    fn count(&mut self, state: &NodeState) -> Option<&mut usize> {
        match (state, state.wait_kind()) {
            (NodeState::Pending { .. }, _) => None,
            (NodeState::Ended(_), _) => Some(&mut self.ended),
            (_, None) => Some(&mut self.stepping),
            (_, Some(WaitKind::Target)) => Some(&mut self.gated),
            (_, Some(WaitKind::Timer)) => Some(&mut self.timer),
            (_, Some(WaitKind::Readiness)) => Some(&mut self.readiness),
            (_, Some(WaitKind::Cluster)) => Some(&mut self.cluster),
            (_, Some(WaitKind::Retry)) => Some(&mut self.retry),
            (_, Some(WaitKind::Approval)) => Some(&mut self.approval),
            (_, Some(WaitKind::Rules)) => Some(&mut self.rules),
            (_, Some(WaitKind::Freeze)) => Some(&mut self.frozen),
            (_, Some(WaitKind::Hold)) => Some(&mut self.hold),
            (_, Some(WaitKind::Question)) => Some(&mut self.question),
            (_, Some(WaitKind::Child)) => Some(&mut self.child),
            (_, Some(WaitKind::Paused)) => Some(&mut self.paused),
            (_, Some(WaitKind::Concurrency)) => Some(&mut self.queued),
        }
    }
}
