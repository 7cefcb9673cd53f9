//! The gate of the rules of an environment: judged by the platform's file of that moment, before each
//! attempt that acts there, whatever brought the stage there. What came of it is recorded.

use super::{
    Execution,
    decide::{Decided, Decision},
    inputs::{cut, land, stale},
    state::{End, Ended, NodeState, Work},
};
use crate::{
    clock::Now,
    event::{Call, Event, Failure, Gate},
    plan::{Effect, Node, NodeIndex},
    platform::{Case, Prior, Verdict},
    retry::Cause,
    stage::Wake,
};

/// The stage type in which people say yes.
const APPROVAL: &str = "approval";
/// Its output that says who did.
const BY: &str = "by";

/// Whether the rules of its environment are asked before a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guarded {
    No,
    Yes,
}

/// A stage acts on its environment if it writes there, or uses secrets that are granted there.
fn guarded(node: &Node) -> Guarded {
    let acts = match node.effect {
        Effect::Writes => true,
        Effect::Reads => !node.config.secrets().is_empty(),
    };
    match (&node.environment, acts) {
        (Some(_), true) => Guarded::Yes,
        (Some(_), false) | (None, _) => Guarded::No,
    }
}

impl Execution {
    /// What the rules are to judge, as long as `call` is the one under way.
    pub fn case(&self, call: Call) -> Option<Case> {
        if is_judged(self.node_state(call.node)) { self.case_of(call.node) } else { None }
    }

    /// What the rules would judge of a node that names an environment.
    pub fn case_of(&self, index: NodeIndex) -> Option<Case> {
        let (node, document) = (self.plan.node(index), self.plan.document());
        let environment = node.environment.clone()?;
        let answers = self.recorded.ruled.answers.get(&environment).cloned().unwrap_or_default();
        Some(Case {
            stage: node.id.clone(),
            stage_type: node.stage_type.clone(),
            place: self.plan.place(node).cloned(),
            environment,
            application: document.application.clone(),
            starter: self.recorded.actor.clone(),
            origin: document.origin.clone(),
            prior: self.prior(index),
            answers,
        })
    }

    /// The approvals upstream that have had their yes in this very run.
    fn prior(&self, index: NodeIndex) -> Vec<Prior> {
        let upstream = self.plan.upstream(index);
        let prior = |index: NodeIndex| {
            let node = self.plan.node(index);
            let by = match self.node_state(index) {
                NodeState::Ended(Ended {
                    end: End::Succeeded { outputs, work: Work::Own },
                    ..
                }) if node.stage_type == APPROVAL => outputs.get(BY)?.as_array()?,
                NodeState::Ended(_)
                | NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::Running(_)
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Stopping { .. } => return None,
            };
            let by = by.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
            Some(Prior { stage: node.id.clone(), by })
        };
        upstream.into_iter().filter_map(prior).collect()
    }
}

impl Decision<'_> {
    /// Takes a node to its next attempt, past the rules of where it acts.
    pub(super) fn begin_attempt(&mut self, index: NodeIndex) {
        match self.execution.recorded.is_paused() {
            true => self.stand_paused(index),
            false => self.approach(index),
        }
    }

    /// Before the rules, if it acts on an environment; else on to its target.
    pub(super) fn approach(&mut self, index: NodeIndex) {
        match guarded(self.node(index)) {
            Guarded::Yes => self.gate(index, Gate::Rules),
            Guarded::No => self.pass_rules(index),
        }
    }

    fn met(&mut self, index: NodeIndex, by: Vec<String>) {
        if self.execution.recorded.ruled.met.get(&index) != Some(&by) {
            let stage = self.id(index);
            self.emit(Event::RulesMet { stage, by });
        }
        self.pass_rules(index);
    }

    /// People are asked; what they are told already is not recorded again.
    fn asked(&mut self, index: NodeIndex, detail: String) {
        self.stay_at(index, Gate::Asked { detail: cut(detail) });
    }

    /// Has it stand before a gate; before one where it stands already, nothing is recorded again.
    pub(super) fn stay_at(&mut self, index: NodeIndex, gate: Gate) {
        match self.state(index) {
            NodeState::Gated { gate: before, .. } if *before == gate => {
                self.execution.refresh(index);
            }
            NodeState::Gated { .. }
            | NodeState::Pending { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_) => self.gate(index, gate),
        }
    }

    /// Whether the attempt under way has passed the rules, and may have to again.
    pub(super) fn is_ruled(&self, index: NodeIndex) -> bool {
        guarded(self.node(index)) == Guarded::Yes && self.state(index).undoes().is_none()
    }

    /// A step has found that what the rules want is not there yet: the attempt has done nothing, and
    /// passes all of its gates again when it begins anew.
    pub(super) fn unmet(&mut self, index: NodeIndex, (wake, detail): (Wake, String)) {
        let detail = cut(detail);
        self.execution.agenda.wait(index, (wake, detail.clone()));
        self.gate(index, Gate::Unmet { detail });
    }

    /// An answer to the rules was recorded: whatever is asked by those of the environment is judged
    /// anew, and a verdict that did not know it counts no more.
    pub(super) fn judge_anew(&mut self, index: NodeIndex) {
        let plan = self.execution.plan.clone();
        let Some(environment) = &plan.node(index).environment else { return };
        for index in plan.graph().in_environment(environment) {
            if is_judged(self.state(*index)) {
                self.execution.agenda.urge(*index);
                self.execution.refresh(*index);
            }
        }
    }
}

fn is_judged(state: &NodeState) -> bool {
    match state {
        NodeState::Gated {
            gate: Gate::Rules | Gate::Asked { .. } | Gate::Frozen { .. } | Gate::Unmet { .. },
            ..
        } => true,
        NodeState::Gated {
            gate:
                Gate::When
                | Gate::Target { .. }
                | Gate::Configuration
                | Gate::Parallel
                | Gate::Paused { .. },
            ..
        }
        | NodeState::Pending { .. }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Stopping { .. }
        | NodeState::Ended(_) => false,
    }
}

/// The rules have said what they say.
pub(super) fn judged(
    execution: &mut Execution,
    (call, verdict): (Call, Verdict),
    now: Now,
) -> Decided {
    land(execution, call)?;
    let index = call.node;
    if !is_judged(execution.node_state(index)) {
        return Err(stale(execution, call));
    }
    if execution.agenda.is_urged(index) {
        execution.refresh(index);
        return Ok(Vec::new());
    }
    let mut decision = Decision::new(execution, now);
    match verdict {
        Verdict::Unguarded => decision.pass_rules(index),
        Verdict::Met { by } => decision.met(index, by),
        Verdict::Asks { detail } => decision.asked(index, detail),
        Verdict::Rejected { because } => decision.reject(index, cut(because)),
        Verdict::Closed { because } => {
            let failure = Failure { cause: Cause::Failure, message: cut(because) };
            decision.failed(index, failure);
        }
        Verdict::Frozen { detail, opens } => decision.frozen(index, (detail, opens)),
    }
    Ok(decision.finish())
}

#[cfg(test)]
mod tests;
