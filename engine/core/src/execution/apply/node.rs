//! The fold of what happens to one node.

use crate::{
    clock::{Elapsed, Now},
    event::{Failure, Gate, Progress, Signalled, StopCause, Tolerance},
    execution::state::{
        Attempt, AttemptClock, BackingOff, End, Ended, Held, Next, NodeState, Part, Recorded,
        Waiting,
    },
    plan::{NodeIndex, Plan},
    stage::{WaitReason, Wake},
};
use serde_json::Value;

impl Recorded {
    pub(super) fn gate(&mut self, plan: &Plan, (index, gate): (NodeIndex, &Gate), now: Now) {
        self.leave_gate(plan, index);
        let state = &self.nodes[index.0];
        let next = next(state, gate);
        let since = match (state, gate) {
            (NodeState::Gated { gate: Gate::Asked { .. }, since, .. }, Gate::Asked { .. })
            | (NodeState::Gated { gate: Gate::Frozen { .. }, since, .. }, Gate::Frozen { .. }) => {
                *since
            }
            (_, _) => now,
        };
        self.nodes[index.0] = NodeState::Gated { since, gate: gate.clone(), next };
        match gate {
            Gate::Target { target } => {
                if let Some(state) = self.targets.get_mut(&target.environment) {
                    state.gated.insert(index);
                }
            }
            Gate::Unmet { .. } => {
                let environment = plan.node(index).environment.as_ref();
                if let Some(state) = environment.and_then(|name| self.targets.get_mut(name)) {
                    state.unmet.insert(index);
                }
            }
            Gate::When
            | Gate::Rules
            | Gate::Asked { .. }
            | Gate::Frozen { .. }
            | Gate::Configuration
            | Gate::Parallel
            | Gate::Paused { .. } => {}
        }
    }

    pub(super) fn start(
        &mut self,
        (plan, index): (&Plan, NodeIndex),
        (number, part, config): (u32, Part, Option<Value>),
        now: Now,
    ) {
        self.leave_gate(plan, index);
        let node = plan.node(index);
        let first_started_at = self.nodes[index.0].started_at().unwrap_or(now);
        let clock = AttemptClock::new(part.timeout(node.timeout), now);
        let clock = clock.running(self.pace(), now);
        self.nodes[index.0] = NodeState::Running(Attempt {
            number,
            first_started_at,
            part,
            config,
            signals: Vec::new(),
            progress: Progress::Inline(Value::Null),
            clock,
            waiting: Waiting::No,
        });
    }

    pub(super) fn wait(
        &mut self,
        index: NodeIndex,
        (progress, wake, reason): (&Progress, &Wake, &WaitReason),
        now: Now,
    ) {
        let is_paused = self.is_paused();
        if let NodeState::Running(attempt) = &mut self.nodes[index.0] {
            let since = match &attempt.waiting {
                Waiting::For { reason: before, since, .. } if before.kind == reason.kind => *since,
                Waiting::For { .. } | Waiting::No => now,
            };
            if !is_paused {
                attempt.clock = attempt.clock.entering(reason.kind, now);
            }
            attempt.progress = progress.clone();
            let (wake, reason) = (wake.clone(), reason.clone());
            attempt.waiting = Waiting::For { wake, reason, since, said_at: now };
        }
    }

    /// What is said to a stage that a rule keeps is said of its environment.
    pub(super) fn signal(&mut self, plan: &Plan, (index, signalled): (NodeIndex, Signalled)) {
        let node = plan.node(index);
        match (&mut self.nodes[index.0], &node.environment) {
            (NodeState::Running(attempt), _) => attempt.signals.push(signalled),
            (NodeState::Gated { gate: Gate::Asked { .. }, .. }, Some(environment)) => {
                let answers = self.ruled.answers.entry(environment.clone()).or_default();
                answers.push((node.id.clone(), signalled));
            }
            (
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Stopping { .. }
                | NodeState::Ended(_),
                _,
            ) => {}
        }
    }

    pub(super) fn hold(&mut self, plan: &Plan, (index, failure): (NodeIndex, &Failure), now: Now) {
        self.leave_gate(plan, index);
        let state = &self.nodes[index.0];
        let (attempts, first_started_at) = (state.attempts(), state.started_at());
        let failure = failure.clone();
        let held = Held { attempts, first_started_at, failure, since: now };
        self.nodes[index.0] = NodeState::Held(held);
    }

    pub(super) fn progress(&mut self, index: NodeIndex, progress: &Progress) {
        if let NodeState::Stopping { attempt, .. } = &mut self.nodes[index.0] {
            attempt.progress = progress.clone();
        }
    }

    pub(super) fn back_off(
        &mut self,
        index: NodeIndex,
        (failure, retry_at): (&Failure, Elapsed),
        now: Now,
    ) {
        self.update(index, |state| match state {
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => {
                NodeState::BackingOff(BackingOff {
                    attempt: attempt.number,
                    first_started_at: attempt.first_started_at,
                    failure: failure.clone(),
                    retry_at,
                    since: now,
                })
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => state,
        });
    }

    pub(super) fn stop(&mut self, index: NodeIndex, cause: &StopCause, now: Now) {
        self.stop_wanted();
        self.update(index, |state| match state {
            NodeState::Running(attempt) => {
                NodeState::Stopping { attempt, cause: cause.clone(), since: now }
            }
            NodeState::Stopping { attempt, since, .. } => {
                NodeState::Stopping { attempt, cause: cause.clone(), since }
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => state,
        });
    }

    pub(super) fn end(&mut self, plan: &Plan, (index, end): (NodeIndex, End), now: Now) {
        self.leave_gate(plan, index);
        let environment = plan.node(index).environment.as_ref();
        if let Some(target) = environment.and_then(|name| self.targets.get_mut(name)) {
            target.unended -= 1;
            target.weigh(&end);
        }
        for dependent in plan.graph().dependents(index) {
            if let NodeState::Pending { unmet } = &mut self.nodes[dependent.node.0] {
                *unmet -= 1;
            }
        }
        match &end {
            End::Failed { tolerance: Tolerance::Counts, .. } => self.tally.failed += 1,
            End::Failed { tolerance: Tolerance::Tolerated, .. } => self.tally.tolerated += 1,
            End::Rejected { .. } => self.tally.rejected += 1,
            End::RolledBack { .. } => self.tally.rolled_back += 1,
            End::Cancelled { .. } => self.tally.cancelled += 1,
            End::Succeeded { .. } | End::Skipped { .. } | End::Omitted { .. } => {}
        }
        let state = &self.nodes[index.0];
        let (attempts, started_at) = (state.attempts(), state.started_at());
        self.nodes[index.0] = NodeState::Ended(Ended { end, attempts, started_at, ended_at: now });
        self.compare(plan, index);
    }

    fn leave_gate(&mut self, plan: &Plan, index: NodeIndex) {
        if let NodeState::Gated { .. } = self.nodes[index.0] {
            let environment = plan.node(index).environment.as_ref();
            if let Some(target) = environment.and_then(|name| self.targets.get_mut(name)) {
                target.gated.remove(&index);
                target.unmet.remove(&index);
            }
        }
    }

    fn update(&mut self, index: NodeIndex, change: impl FnOnce(NodeState) -> NodeState) {
        let before = std::mem::replace(&mut self.nodes[index.0], NodeState::Pending { unmet: 0 });
        self.nodes[index.0] = change(before);
    }
}

/// The attempt that comes next. One that had to wait for what a rule asks has done nothing, and is
/// the same one when it begins anew.
fn next(state: &NodeState, gate: &Gate) -> Next {
    let (attempts, first_started_at) = (state.attempts(), state.started_at());
    match (state, gate) {
        (NodeState::Running(Attempt { number: 1, .. }), Gate::Unmet { .. }) => {
            Next { attempt: 1, first_started_at: None }
        }
        (NodeState::Running(_), Gate::Unmet { .. }) => Next { attempt: attempts, first_started_at },
        (_, _) => Next { attempt: attempts + 1, first_started_at },
    }
}
