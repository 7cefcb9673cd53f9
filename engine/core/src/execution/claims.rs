//! Asking for targets, being refused one, giving one back, and giving way to a person who wants it.

use super::{
    Execution,
    decide::{Decided, Decision, Spare},
    state::{Claim, NodeState, SlotState, TargetState},
};
use crate::{
    admission::Link,
    clock::Now,
    event::{Event, Failure, Gate, Rejected, StopCause},
    id::Resource,
    plan::NodeIndex,
    retry::Cause,
    revision::Target,
    wording,
};
use std::collections::BTreeSet;

/// The stage type by which images come to be good.
const DEPLOY: &str = "deploy";

impl Execution {
    /// The environments where nothing becomes good before this node has ended, as far as the run has a
    /// say in that: it holds them until one that comes after it has ended there, or deploys there then.
    pub fn kept_meanwhile(&self, index: NodeIndex) -> BTreeSet<String> {
        let own = self.plan.node(index).environment.as_ref();
        let later = self.plan.graph().downstream(index).into_iter();
        let later = later.filter(|later| *later != index).map(|later| self.plan.node(later));
        let named = later.filter_map(|node| Some((node, node.environment.as_ref()?)));
        let kept = named.filter(|(node, name)| {
            Some(*name) != own && (node.stage_type == DEPLOY || self.holds(name))
        });
        kept.map(|(_, name)| name.clone()).collect()
    }

    fn holds(&self, environment: &str) -> bool {
        let state = self.recorded.targets.get(environment);
        state.is_some_and(|state| state.claim == Claim::Held)
    }
}

impl Decision<'_> {
    /// Asks for the target before which a node will stand. Who asks already says again what it
    /// keeps, if this node keeps more.
    pub(super) fn ask(&mut self, index: NodeIndex, target: &Target) {
        let recorded = &self.execution.recorded;
        let Some(state) = recorded.targets.get(&target.environment) else { return };
        let keeps = self.keeps(index, target);
        let is_news = match state.claim {
            Claim::Asked { .. } => keeps.iter().any(|kept| !state.keeps.contains(kept)),
            Claim::Unasked | Claim::Held | Claim::Released => true,
        };
        if is_news {
            let before = state.keeps.iter().filter(|kept| !keeps.contains(kept)).cloned();
            let keeps = before.chain(keeps.iter().cloned()).collect();
            let standing = recorded.standing(1, self.execution.plan.rank());
            let (target, beside) = (target.clone(), self.beside());
            self.emit(Event::TargetAsked { target, keeps, beside, standing });
        }
    }

    /// The other targets that an unended stage names which is, or is downstream of, `waiting`.
    fn keeps(&self, waiting: NodeIndex, wanted: &Target) -> Vec<Target> {
        let targets = self.execution.recorded.targets.values();
        let others = targets.filter(|state| state.target != *wanted);
        let others: Vec<&TargetState> = others.collect();
        if others.is_empty() {
            return Vec::new();
        }
        let named = self.execution.plan.environments_downstream(waiting);
        let kept = others.into_iter().filter(|state| named.contains(&state.target.environment));
        kept.map(|state| state.target.clone()).collect()
    }

    /// What is kept to the end, whichever stage waits: the run's place in its group and among the
    /// runs of its application, and what waits for this run's end.
    fn beside(&self) -> Vec<Resource> {
        let recorded = &self.execution.recorded;
        let slot = recorded.slot.iter().map(|state| state.slot.resource());
        let room = recorded.slot.iter().filter_map(SlotState::room);
        slot.chain(room).chain(recorded.kept_for_it()).collect()
    }

    /// Who takes a node's target back, if somebody does.
    pub(super) fn preemptor(&self, index: NodeIndex) -> Option<String> {
        let environment = self.node(index).environment.as_ref()?;
        self.execution.recorded.targets.get(environment)?.preempted.clone()
    }

    /// The target is this run's: everything that stood before it starts.
    pub(super) fn granted(&mut self, target: Target) {
        let environment = target.environment.clone();
        self.emit(Event::TargetGranted { target });
        let state = &self.execution.recorded.targets[&environment];
        for index in state.gated.clone() {
            self.begin_attempt(index);
        }
    }

    /// Gives up, for now, each target where nothing of the run is under way and some of it waits for
    /// what a rule asks, however long that takes.
    pub(super) fn yield_targets(&mut self) {
        let targets = self.execution.recorded.targets.values();
        let waits = targets.filter(|state| state.claim == Claim::Held && !state.unmet.is_empty());
        let idle = waits.filter(|state| !self.is_at_work(&state.target.environment));
        let idle: Vec<Target> = idle.map(|state| state.target.clone()).collect();
        for target in idle {
            self.emit(Event::TargetYielded { target });
        }
    }

    /// Whether any stage there is past the gate of its target, or is judged once more behind it.
    fn is_at_work(&self, environment: &str) -> bool {
        let nodes = self.execution.plan.graph().in_environment(environment);
        nodes.iter().any(|index| match self.state(*index) {
            NodeState::Gated { gate: Gate::Rules | Gate::Configuration, .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => true,
            NodeState::Gated {
                gate:
                    Gate::When
                    | Gate::Asked { .. }
                    | Gate::Frozen { .. }
                    | Gate::Unmet { .. }
                    | Gate::Target { .. }
                    | Gate::Parallel
                    | Gate::Paused { .. },
                ..
            }
            | NodeState::Pending { .. }
            | NodeState::Ended(_) => false,
        })
    }

    /// Gives a target back when the last stage that names it has ended.
    pub(super) fn give_back(&mut self, ended: NodeIndex) {
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
}

/// Everything that stands before the target fails: to wait would be to wait for ever.
pub(super) fn refused(
    execution: &mut Execution,
    (target, ring): (Target, Vec<Link<String>>),
    now: Now,
) -> Decided {
    let state = execution.recorded.targets.get(&target.environment);
    let gated = match state.map(|state| (state.claim, &state.gated)) {
        Some((Claim::Asked { .. }, gated)) => gated.clone(),
        Some((Claim::Unasked | Claim::Held | Claim::Released, _)) | None => {
            return Err(Rejected::NotAsked { environment: target.environment });
        }
    };
    let because = wording::ring_words(&target.resource(), &ring);
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::TargetRefused { target, because: because.clone() });
    for index in gated {
        // What failed before it may have ended it too.
        if !is_gated(decision.state(index)) {
            continue;
        }
        let failure = Failure { cause: Cause::Failure, message: because.clone() };
        decision.failed(index, failure);
    }
    Ok(decision.finish())
}

fn is_gated(state: &NodeState) -> bool {
    match state {
        NodeState::Gated { .. } => true,
        NodeState::Pending { .. }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Stopping { .. }
        | NodeState::Ended(_) => false,
    }
}

/// A way back records whom it makes give way, as they record it too.
pub(super) fn takes_back(
    execution: &mut Execution,
    (target, from): (Target, Vec<String>),
    now: Now,
) -> Decided {
    if !execution.recorded.targets.contains_key(&target.environment) {
        return Err(Rejected::NotAsked { environment: target.environment });
    }
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::TargetTakenBack { target, from });
    Ok(decision.finish())
}

/// A person takes the target back: what is under way there ends, other branches go on.
pub(super) fn preempted(
    execution: &mut Execution,
    (target, by): (Target, String),
    now: Now,
) -> Decided {
    let state = execution.recorded.targets.get(&target.environment);
    match state.map(|state| state.claim) {
        Some(Claim::Held) => {}
        Some(Claim::Unasked | Claim::Asked { .. } | Claim::Released) | None => {
            return Err(Rejected::NotHeld { environment: target.environment });
        }
    }
    let plan = execution.plan.clone();
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::TargetPreempted { target: target.clone(), by: by.clone() });
    for index in plan.graph().in_environment(&target.environment) {
        let cause = StopCause::Preempted { by: by.clone() };
        decision.stop_node(*index, (cause, Spare::Rollbacks));
    }
    Ok(decision.finish())
}
