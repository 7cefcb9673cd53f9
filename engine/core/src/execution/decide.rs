//! What an input means now: the facts that it states, and every consequence of them.

use super::{
    Execution,
    state::{Claim, NodeState, Phase},
};
use crate::{
    clock::Now,
    event::{Entrance, Event, Failure, Gate, RunStop, StopCause, Tolerance},
    plan::{Dependent, Effect, Node, NodeIndex, OnFailure},
    retry::Verdict,
    revision::Target,
    status::RunStatus,
};
use serde_json::Value;
use std::collections::VecDeque;

/// The stage type that goes back to an earlier revision.
const ROLLBACK: &str = "rollback";

/// One decision in the making: every event is folded in as it is found.
pub(super) struct Decision<'a> {
    pub(super) execution: &'a mut Execution,
    pub(super) now: Now,
    pub(super) events: Vec<Event>,
    ended: VecDeque<NodeIndex>,
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
        while let Some(index) = self.ended.pop_front() {
            self.advance_dependents(index);
            self.advance_matrix(index);
            self.give_back(index);
        }
        self.conclude();
        self.events
    }

    /// Starts the nodes that need nothing.
    pub(super) fn begin(&mut self) {
        for position in 0..self.execution.plan.nodes().len() {
            self.advance(NodeIndex(position));
        }
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
        let attempt = self.state(index).attempts();
        let verdict = match &self.execution.recorded.phase {
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
        let stage = self.id(index);
        match (self.node(index).on_failure, &self.execution.recorded.phase) {
            (OnFailure::Hold, Phase::Going | Phase::Paused(_)) => {
                self.emit(Event::StageHeld { stage, failure })
            }
            (OnFailure::Continue, _) => self.fail(index, (failure, Tolerance::Tolerated)),
            (OnFailure::Abort, Phase::Going | Phase::Paused(_)) => {
                self.fail_and_abort(index, failure)
            }
            (OnFailure::Fail, _)
            | (OnFailure::Abort | OnFailure::Hold, Phase::Stopping | Phase::Ended { .. }) => {
                self.fail(index, (failure, Tolerance::Counts));
            }
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
        let stop = match &cause {
            RunStop::Cancel { .. } => StopCause::Cancel,
            RunStop::Abort { by } => StopCause::Abort { by: by.clone() },
            RunStop::Timeout => StopCause::RunTimeout,
        };
        self.emit(Event::RunStopping { cause });
        for position in 0..self.execution.plan.nodes().len() {
            self.stop_node(NodeIndex(position), stop.clone());
        }
    }

    /// Stops a node that runs, and cancels one that has not started.
    pub(super) fn stop_node(&mut self, index: NodeIndex, cause: StopCause) {
        let is_rollback = self.node(index).stage_type == ROLLBACK;
        match (self.state(index), &cause) {
            (
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::BackingOff(_)
                | NodeState::Held(_),
                _,
            ) => self.cancelled(index, cause),
            // A way back is never left half-way for want of time, or for a neighbour.
            (NodeState::Running(_), StopCause::RunTimeout | StopCause::FailFast { .. })
                if is_rollback => {}
            (NodeState::Running(_), _) => self.stop_stage(index, cause),
            (NodeState::Stopping { .. } | NodeState::Ended(_), _) => {}
        }
    }

    pub(super) fn stop_stage(&mut self, index: NodeIndex, cause: StopCause) {
        let stage = self.id(index);
        self.emit(Event::StageStopping { stage, cause });
    }

    /// The target is this run's: everything that stood before it starts.
    pub(super) fn granted(&mut self, target: Target) {
        let environment = target.environment.clone();
        self.emit(Event::TargetGranted { target });
        let state = &self.execution.recorded.targets[&environment];
        for index in state.gated.clone() {
            self.begin_attempt(index, 1);
        }
    }

    /// Starts an attempt, after the expressions of its configuration if it has any.
    pub(super) fn begin_attempt(&mut self, index: NodeIndex, attempt: u32) {
        if self.execution.recorded.is_paused() {
            self.gate(index, Gate::Paused { before: Entrance::Attempt });
        } else if self.node(index).config.is_literal() {
            self.start(index, (attempt, None));
        } else {
            self.gate(index, Gate::Configuration);
        }
    }

    pub(super) fn start(&mut self, index: NodeIndex, (attempt, config): (u32, Option<Value>)) {
        if self.execution.recorded.is_paused() {
            return self.gate(index, Gate::Paused { before: Entrance::Attempt });
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

    /// It is its turn: on to its target.
    pub(super) fn pass_parallel(&mut self, index: NodeIndex) {
        let node = self.node(index);
        let (effect, environment) = (node.effect, node.environment.clone());
        let claimed = environment.and_then(|name| {
            let state = self.execution.recorded.targets.get(&name)?;
            Some((state.target.clone(), state.claim))
        });
        match (effect, claimed) {
            (Effect::Reads, _) | (Effect::Writes, None | Some((_, Claim::Held))) => {
                self.begin_attempt(index, 1);
            }
            (Effect::Writes, Some((target, Claim::Asked { .. } | Claim::Released))) => {
                self.gate(index, Gate::Target { target });
            }
            (Effect::Writes, Some((target, Claim::Unasked))) => {
                let keeps = self.keeps(index, &target);
                self.emit(Event::TargetAsked { target: target.clone(), keeps });
                self.gate(index, Gate::Target { target });
            }
        }
    }

    fn gate(&mut self, index: NodeIndex, gate: Gate) {
        let stage = self.id(index);
        self.emit(Event::StageGated { stage, gate });
    }

    /// The held targets that an unended stage names which is, or is downstream of, `waiting`.
    fn keeps(&self, waiting: NodeIndex, wanted: &Target) -> Vec<Target> {
        let targets = self.execution.recorded.targets.values();
        let held: Vec<&Target> = targets
            .filter(|state| state.claim == Claim::Held && state.target != *wanted)
            .map(|state| &state.target)
            .collect();
        if held.is_empty() {
            return Vec::new();
        }
        let downstream = self.execution.plan.graph().downstream(waiting);
        let named = |target: &Target| {
            downstream
                .iter()
                .any(|index| self.node(*index).environment.as_ref() == Some(&target.environment))
        };
        held.into_iter().filter(|target| named(target)).cloned().collect()
    }

    /// Gives a target back when the last stage that names it has ended.
    fn give_back(&mut self, ended: NodeIndex) {
        let environment = self.node(ended).environment.clone();
        let targets = &self.execution.recorded.targets;
        let Some(state) = environment.and_then(|name| targets.get(&name)) else { return };
        let over = state.unended == 0
            && match state.claim {
                Claim::Asked { .. } | Claim::Held => true,
                Claim::Unasked | Claim::Released => false,
            };
        if over {
            let (target, proof) = (state.target.clone(), state.proof);
            self.emit(Event::TargetReleased { target, proof });
        }
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
            Some(RunStop::Cancel { .. }) => RunStatus::Cancelled,
            Some(RunStop::Abort { .. } | RunStop::Timeout) => RunStatus::Failed,
            None if recorded.tally.failed > 0 => RunStatus::Failed,
            None if recorded.tally.rejected > 0 => RunStatus::Rejected,
            None => RunStatus::Succeeded,
        };
        let warnings = u32::try_from(recorded.tally.tolerated).unwrap_or(u32::MAX);
        self.emit(Event::RunEnded { status, warnings });
    }
}
