//! The run's business with the targets on which its stages write.

use super::state::End;
use crate::{
    clock::Now,
    plan::{Effect, NodeIndex, Plan},
    revision::{Proof, Target},
};
use std::collections::{BTreeMap, BTreeSet};

/// The run's business with one target.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetState {
    pub target: Target,
    pub claim: Claim,
    /// What the run has said that it keeps while it waits for this one.
    pub keeps: Vec<Target>,
    /// Who takes it back from this run.
    pub preempted: Option<String>,
    /// From whom this run takes it back.
    pub taken_from: Vec<String>,
    /// Nodes that name the environment and have not ended.
    pub unended: usize,
    /// Nodes that stand before this gate.
    pub gated: BTreeSet<NodeIndex>,
    /// Nodes that wait for what a rule asks, with nothing done.
    pub unmet: BTreeSet<NodeIndex>,
    /// What the stages that ended there say of the sets they left.
    pub proof: Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Unasked,
    Asked { since: Now },
    Held,
    Released,
}

impl TargetState {
    /// A failure outweighs a cancel, and a cancel a success.
    pub fn weigh(&mut self, end: &End) {
        self.proof = match (self.proof, end.proof()) {
            (Proof::Bad, _) | (_, Proof::Bad) => Proof::Bad,
            (Proof::Unproven, _) | (_, Proof::Unproven) => Proof::Unproven,
            (Proof::Good, Proof::Good) => Proof::Good,
        };
    }
}

/// The targets on which some stage of `plan` writes.
pub(super) fn targets(plan: &Plan) -> BTreeMap<String, TargetState> {
    let writes = plan.nodes().iter().filter(|node| node.effect == Effect::Writes);
    let claimed = writes.filter_map(|node| Some((node.environment.clone()?, plan.target(node)?)));
    claimed
        .map(|(environment, target)| {
            let unended = plan.graph().in_environment(&environment).len();
            let (gated, unmet) = (BTreeSet::new(), BTreeSet::new());
            let claim = Claim::Unasked;
            let state = TargetState {
                target,
                claim,
                keeps: Vec::new(),
                preempted: None,
                taken_from: Vec::new(),
                unended,
                gated,
                unmet,
                proof: Proof::Good,
            };
            (environment, state)
        })
        .collect()
}
