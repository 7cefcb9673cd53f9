//! What a failed stage does with `onFailure: rollback`: its environment goes back to what was good
//! there, as one more attempt of the stage.

use super::{
    Execution,
    decide::Decision,
    state::{Attempt, Claim, NodeState, Part, Phase},
};
use crate::{
    event::{Call, Event, Failure, Tolerance},
    plan::{NodeIndex, Timeout},
    retry::Cause,
};
use serde_json::{Value, json};

/// The stage type that goes back to an earlier revision.
pub const ROLLBACK: &str = "rollback";
/// What that stage type allows itself.
const TIMEOUT: Timeout = Timeout::AfterMs(15 * 60 * 1_000);

/// Between a failure and what became of the way back.
const WAY_BACK: &str = "; the rollback failed: ";

/// What one call does.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation<'a> {
    pub stage_type: &'a str,
    /// Under which name its effects are marked: `smoke`, `smoke/rollback`.
    pub name: String,
    pub config: Value,
    pub attempt: &'a Attempt,
}

impl Execution {
    /// What a call does, as long as it is the one under way.
    pub fn operation(&self, call: Call) -> Option<Operation<'_>> {
        let attempt = self.attempt(call)?;
        let node = self.plan.node(call.node);
        Some(match &attempt.part {
            Part::Action => Operation {
                stage_type: &node.stage_type,
                name: node.id.clone(),
                config: attempt.config.clone().unwrap_or_else(|| node.config.rendered()),
                attempt,
            },
            Part::Rollback { .. } => Operation {
                stage_type: ROLLBACK,
                name: format!("{}/rollback", node.id),
                config: json!({"to": {"undo": self.recorded.id}}),
                attempt,
            },
        })
    }

    /// A node that takes its environment back just now.
    pub(super) fn rolling_back(&self) -> Option<NodeIndex> {
        let positions = 0..self.recorded.nodes.len();
        positions.map(NodeIndex).find(|index| self.is_rolling_back(*index))
    }

    pub(super) fn is_rolling_back(&self, index: NodeIndex) -> bool {
        match &self.recorded.nodes[index.0] {
            NodeState::Running(attempt) => match &attempt.part {
                Part::Rollback { .. } => true,
                Part::Action => self.plan.node(index).stage_type == ROLLBACK,
            },
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. }
            | NodeState::Ended(_) => false,
        }
    }
}

impl NodeState {
    /// The failure after which the attempt under way goes back.
    pub fn undoes(&self) -> Option<&Failure> {
        match self {
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => {
                match &attempt.part {
                    Part::Rollback { failure } => Some(failure),
                    Part::Action => None,
                }
            }
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => None,
        }
    }
}

impl Part {
    pub(super) fn timeout(&self, of_stage: Timeout) -> Timeout {
        match self {
            Part::Action => of_stage,
            Part::Rollback { .. } => TIMEOUT,
        }
    }
}

/// Whether a node may take its environment back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Its run does not hold the target, so it has changed nothing there that it could take back.
    Closed,
}

impl Execution {
    pub(super) fn way_back(&self, index: NodeIndex) -> Way {
        let environment = self.plan.node(index).environment.as_ref();
        match environment.and_then(|name| self.recorded.targets.get(name)) {
            Some(state) if state.claim == Claim::Held => Way::Open,
            Some(_) | None => Way::Closed,
        }
    }
}

impl Decision<'_> {
    /// Its last try is over, and its author wants the environment back.
    pub(super) fn roll_back(&mut self, index: NodeIndex, failure: Failure) {
        match self.execution.way_back(index) {
            Way::Closed => self.fail(index, (failure, Tolerance::Counts)),
            Way::Open => {
                let (stage, attempt) = (self.id(index), self.state(index).attempts() + 1);
                self.emit(Event::RollbackStarted { stage, attempt, failure });
                self.fail_fast(index);
            }
        }
    }

    /// A way back that failed is a person's to look at.
    pub(super) fn rollback_failed(
        &mut self,
        index: NodeIndex,
        (before, failure): (Failure, Failure),
    ) {
        // Of several ways back that failed, the last one is told.
        let first = before.message.split(WAY_BACK).next().unwrap_or_default();
        let message = format!("{first}{WAY_BACK}{}", failure.message);
        let failure = Failure { cause: Cause::Failure, message };
        match self.execution.recorded.phase {
            Phase::Going | Phase::Paused(_) => {
                let stage = self.id(index);
                self.emit(Event::StageHeld { stage, failure });
            }
            Phase::Stopping | Phase::Ended { .. } => {
                self.fail(index, (failure, Tolerance::Counts));
            }
        }
    }

    pub(super) fn rolled_back(&mut self, index: NodeIndex, failure: Failure) {
        let stage = self.id(index);
        self.end(index, Event::StageRolledBack { stage, failure });
    }
}
