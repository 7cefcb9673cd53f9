//! What an input means now: the facts that it states, and every consequence of them.

use super::{
    Execution,
    state::{Claim, NodeState, Phase},
    takeover::TakenOver,
};
use crate::{
    clock::Now,
    event::{Entrance, Event, Failure, Force, Gate, Rejected, RunStop, StopCause, Tolerance},
    plan::{Dependent, Effect, Node, NodeIndex, OnFailure},
    retry::Verdict,
    status::RunStatus,
    wording,
};
use serde_json::Value;
use std::collections::VecDeque;

/// The facts that an input comes to, or why it comes to none.
pub(super) type Decided = Result<Vec<Event>, Rejected>;

/// One decision in the making: every event is folded in as it is found.
pub(super) struct Decision<'a> {
    pub(super) execution: &'a mut Execution,
    pub(super) now: Now,
    pub(super) events: Vec<Event>,
    ended: VecDeque<NodeIndex>,
}

/// What is not stopped: a way back is never left half-way, unless a person insists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spare {
    Rollbacks,
    Nothing,
}

impl<'a> Decision<'a> {
    pub(super) fn new(execution: &'a mut Execution, now: Now) -> Decision<'a> {
        Decision { execution, now, events: Vec::new(), ended: VecDeque::new() }
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.execution.apply(&event, self.now);
        self.events.push(event);
    }

    /// Draws every consequence of the ends so far, until nothing more follows.
    pub(super) fn finish(mut self) -> Vec<Event> {
        loop {
            while let Some(index) = self.ended.pop_front() {
                self.advance_dependents(index);
                self.advance_matrix(index);
                self.give_back(index);
            }
            self.yield_targets();
            self.give_way();
            if self.ended.is_empty() {
                break;
            }
        }
        self.conclude();
        self.events
    }

    /// Starts the nodes that need nothing.
    pub(super) fn begin(&mut self) {
        let nodes = (0..self.execution.plan.nodes().len()).map(NodeIndex);
        let free = |index: &NodeIndex| *self.state(*index) == NodeState::Pending { unmet: 0 };
        // One may end at once: whoever needs it is looked at in its turn.
        let free: Vec<NodeIndex> = nodes.filter(free).collect();
        free.into_iter().for_each(|index| self.admit(index));
    }

    pub(super) fn id(&self, index: NodeIndex) -> String {
        self.node(index).id.clone()
    }

    pub(super) fn node(&self, index: NodeIndex) -> &Node {
        self.execution.plan.node(index)
    }

    pub(super) fn state(&self, index: NodeIndex) -> &NodeState {
        &self.execution.recorded.nodes[index.0]
    }

    /// Records the end of a node; its consequences follow in [`Decision::finish`].
    pub(super) fn end(&mut self, index: NodeIndex, event: Event) {
        self.emit(event);
        self.ended.push_back(index);
    }

    /// The attempt did not succeed: another, or the end.
    pub(super) fn attempt_failed(&mut self, index: NodeIndex, failure: Failure) {
        if self.preemptor(index).is_some() {
            return self.failed(index, failure);
        }
        let attempt = self.state(index).attempts();
        let verdict = match &self.execution.recorded.phase {
            _ if self.state(index).undoes().is_some() => Verdict::Over,
            Phase::Going | Phase::Paused(_) => self.node(index).retry.judge(attempt, failure.cause),
            Phase::Stopping | Phase::Ended { .. } => Verdict::Over,
        };
        match verdict {
            Verdict::Over => self.failed(index, failure),
            Verdict::Again { after } => {
                let (stage, retry_at) = (self.id(index), self.now.elapsed.plus(after));
                self.emit(Event::AttemptFailed { stage, failure, retry_at });
            }
        }
    }

    /// The last try is over: asks `onFailure`.
    pub(super) fn failed(&mut self, index: NodeIndex, failure: Failure) {
        // A way back that was let finish: nothing else of this run begins there.
        if let Some(by) = self.preemptor(index) {
            return self.cancelled(index, StopCause::Preempted { by });
        }
        if let Some(before) = self.state(index).undoes().cloned() {
            return self.rollback_failed(index, (before, failure));
        }
        let stage = self.id(index);
        match (self.node(index).on_failure, &self.execution.recorded.phase) {
            (OnFailure::Hold, Phase::Going | Phase::Paused(_)) => {
                self.emit(Event::StageHeld { stage, failure })
            }
            (OnFailure::Continue, _) => self.fail(index, (failure, Tolerance::Tolerated)),
            (OnFailure::Abort, Phase::Going | Phase::Paused(_)) => {
                self.fail_and_abort(index, failure)
            }
            (OnFailure::Rollback, Phase::Going | Phase::Paused(_)) => {
                self.roll_back(index, failure);
            }
            (OnFailure::Fail, _)
            | (
                OnFailure::Abort | OnFailure::Hold | OnFailure::Rollback,
                Phase::Stopping | Phase::Ended { .. },
            ) => self.fail(index, (failure, Tolerance::Counts)),
        }
    }

    pub(super) fn fail(&mut self, index: NodeIndex, (failure, tolerance): (Failure, Tolerance)) {
        let stage = self.id(index);
        self.end(index, Event::StageFailed { stage, failure, tolerance });
        match tolerance {
            Tolerance::Counts => self.fail_fast(index),
            Tolerance::Tolerated => {}
        }
    }

    pub(super) fn fail_and_abort(&mut self, index: NodeIndex, failure: Failure) {
        self.fail(index, (failure, Tolerance::Counts));
        let by = self.id(index);
        self.stop_run(RunStop::Abort { by });
    }

    pub(super) fn reject(&mut self, index: NodeIndex, because: String) {
        let stage = self.id(index);
        self.end(index, Event::StageRejected { stage, because });
    }

    /// Stops what runs and cancels what has not started. The one decision that looks at every
    /// node, at most twice in a run.
    pub(super) fn stop_run(&mut self, cause: RunStop) {
        let spare = match &cause {
            RunStop::Cancel { force: Force::Yes, .. } | RunStop::Poison { .. } => Spare::Nothing,
            RunStop::Cancel { force: Force::No, .. }
            | RunStop::Abort { .. }
            | RunStop::Timeout
            | RunStop::Superseded { .. }
            | RunStop::Withdrawn { .. }
            | RunStop::GroupFull { .. }
            | RunStop::Ring { .. }
            | RunStop::Parent { .. } => Spare::Rollbacks,
        };
        let stop = match &cause {
            RunStop::Cancel { .. } => StopCause::Cancel,
            RunStop::Abort { by } => StopCause::Abort { by: by.clone() },
            RunStop::Timeout => StopCause::RunTimeout,
            RunStop::Superseded { by } => StopCause::Superseded { by: by.clone() },
            RunStop::Withdrawn { because } => StopCause::Withdrawn { because: because.clone() },
            RunStop::Parent { by } => StopCause::Parent { by: by.clone() },
            RunStop::GroupFull { by } => {
                StopCause::NotAdmitted { because: wording::full_words(by) }
            }
            RunStop::Ring { because } => StopCause::NotAdmitted { because: because.clone() },
            RunStop::Poison { unclean_ends, by, .. } => {
                StopCause::Poison { unclean_ends: *unclean_ends, by: by.clone() }
            }
        };
        self.emit(Event::RunStopping { cause });
        for position in 0..self.execution.plan.nodes().len() {
            self.stop_node(NodeIndex(position), (stop.clone(), spare));
        }
    }

    /// Stops a node that runs, and cancels one that has not started.
    pub(super) fn stop_node(&mut self, index: NodeIndex, (cause, spare): (StopCause, Spare)) {
        let is_rollback = self.execution.is_rolling_back(index);
        match (self.state(index), spare) {
            (
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::BackingOff(_)
                | NodeState::Held(_),
                _,
            ) => self.cancelled(index, cause),
            (NodeState::Running(_), Spare::Rollbacks) if is_rollback => {}
            (NodeState::Running(_), _) => self.stop_stage(index, cause),
            (NodeState::Stopping { .. } | NodeState::Ended(_), _) => {}
        }
    }

    pub(super) fn stop_stage(&mut self, index: NodeIndex, cause: StopCause) {
        let stage = self.id(index);
        self.emit(Event::StageStopping { stage, cause });
    }

    /// Starts an attempt, after the expressions of its configuration if it has any.
    fn configure(&mut self, index: NodeIndex) {
        let attempt = self.state(index).attempts() + 1;
        if self.execution.recorded.is_paused() {
            self.stand_paused(index);
        } else if self.node(index).config.is_literal() {
            self.start(index, (attempt, None));
        } else {
            self.gate(index, Gate::Configuration);
        }
    }

    pub(super) fn stand_paused(&mut self, index: NodeIndex) {
        self.gate(index, Gate::Paused { before: Entrance::Attempt });
    }

    pub(super) fn start(&mut self, index: NodeIndex, (attempt, config): (u32, Option<Value>)) {
        if self.execution.recorded.is_paused() {
            return self.stand_paused(index);
        }
        let stage = self.id(index);
        self.emit(Event::AttemptStarted { stage, attempt, config });
    }

    fn cancelled(&mut self, index: NodeIndex, cause: StopCause) {
        let stage = self.id(index);
        self.end(index, Event::StageCancelled { stage, cause, left: None });
    }

    fn advance_dependents(&mut self, ended: NodeIndex) {
        let plan = self.execution.plan.clone();
        for Dependent { node, need } in plan.graph().dependents(ended) {
            let NodeState::Pending { unmet } = self.state(*node) else { continue };
            let all = &plan.node(*node).needs;
            // All needs are looked at once, when the last has ended: several may end together.
            let needs = if *unmet == 0 { all.as_slice() } else { &all[*need..=*need] };
            let broken = needs.iter().find_map(|need| self.refusal(need));
            match broken {
                Some(because) => {
                    let stage = self.id(*node);
                    self.end(*node, Event::StageOmitted { stage, because });
                }
                None => self.advance(*node),
            }
        }
    }

    /// Takes a node whose needs have all ended to its gates, and through them if they are open.
    fn advance(&mut self, index: NodeIndex) {
        if let NodeState::Pending { unmet: 0 } = self.state(index) {
            self.admit(index);
        }
    }

    /// Takes a node before the first of its gates.
    pub(super) fn admit(&mut self, index: NodeIndex) {
        if self.execution.recorded.is_paused() {
            return self.gate(index, Gate::Paused { before: Entrance::Gates });
        }
        match self.take_over(index) {
            TakenOver::Yes => return,
            TakenOver::No => {}
        }
        match self.node(index).when {
            Some(_) => self.gate(index, Gate::When),
            None => self.pass_when(index),
        }
    }

    /// Its `when` holds, or it has none: on to the others of its matrix.
    pub(super) fn pass_when(&mut self, index: NodeIndex) {
        match self.has_room(index) {
            true => self.pass_parallel(index),
            false => self.gate(index, Gate::Parallel),
        }
    }

    /// It is its turn: on to the rules of where it acts.
    pub(super) fn pass_parallel(&mut self, index: NodeIndex) {
        self.approach(index);
    }

    /// No rule stands against it: on to its target.
    pub(super) fn pass_rules(&mut self, index: NodeIndex) {
        // Whoever answers while the run is paused lets it take nothing; a resume judges anew.
        if self.execution.recorded.is_paused() {
            return self.stand_paused(index);
        }
        let node = self.node(index);
        let (effect, environment) = (node.effect, node.environment.clone());
        let claimed = environment.and_then(|name| {
            let state = self.execution.recorded.targets.get(&name)?;
            Some((state.target.clone(), state.claim))
        });
        match (effect, claimed) {
            (Effect::Reads, _) | (Effect::Writes, None | Some((_, Claim::Held))) => {
                self.configure(index);
            }
            (Effect::Writes, Some((target, Claim::Released))) => {
                self.gate(index, Gate::Target { target });
            }
            (Effect::Writes, Some((target, Claim::Unasked | Claim::Asked { .. }))) => {
                self.ask(index, &target);
                self.gate(index, Gate::Target { target });
            }
        }
    }

    pub(super) fn gate(&mut self, index: NodeIndex, gate: Gate) {
        let stage = self.id(index);
        self.emit(Event::StageGated { stage, gate });
    }

    fn conclude(&mut self) {
        let recorded = &self.execution.recorded;
        let ended = match recorded.phase {
            Phase::Ended { .. } => true,
            Phase::Going | Phase::Paused(_) | Phase::Stopping => false,
        };
        if ended || recorded.tally.ended < recorded.nodes.len() {
            return;
        }
        let status = match &recorded.stop {
            Some(
                RunStop::Cancel { .. }
                | RunStop::Superseded { .. }
                | RunStop::Withdrawn { .. }
                | RunStop::GroupFull { .. }
                | RunStop::Parent { .. },
            ) => RunStatus::Cancelled,
            Some(
                RunStop::Abort { .. }
                | RunStop::Timeout
                | RunStop::Ring { .. }
                | RunStop::Poison { .. },
            ) => RunStatus::Failed,
            None if self.execution.plan.document().broken.is_some() => RunStatus::Invalid,
            None if recorded.tally.failed > 0 => RunStatus::Failed,
            None if recorded.tally.rejected > 0 => RunStatus::Rejected,
            None if recorded.tally.rolled_back > 0 => RunStatus::RolledBack,
            None if recorded.tally.cancelled > 0 => RunStatus::Cancelled,
            None => RunStatus::Succeeded,
        };
        let warnings = u32::try_from(recorded.tally.tolerated).unwrap_or(u32::MAX);
        self.leave_group();
        self.tell_parent();
        self.emit(Event::RunEnded { status, warnings });
    }
}
