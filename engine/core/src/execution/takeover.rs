//! What a retry of an ended run takes over from it: the outputs of stages that had succeeded, as
//! long as nothing before them has changed. Approvals and checks are asked again.
//!
//! A stage is *unchanged* once it was taken over, or was asked again and said yes again, or was
//! skipped again, and all that it needs is unchanged too. A stage whose needs are met is taken over
//! if it had succeeded and everything that it needs and reads is unchanged. So a stage is never
//! taken over before what guards it was asked again, and runs once more if anything before it did.

use super::{
    Execution,
    decide::Decision,
    state::{End, Ended, NodeState, Recorded, Work},
};
use crate::{
    event::Event,
    id::RunId,
    plan::{Effect, Node, NodeIndex, Plan},
    repeat::{Left, NotRepeated, Offer, Repeated},
    status::RunStatus,
};
use std::collections::BTreeSet;

/// The stage types whose answer holds for one run only.
const ASKED_AGAIN: [&str; 2] = ["approval", "checks"];

fn is_asked_again(node: &Node) -> bool {
    ASKED_AGAIN.contains(&node.stage_type.as_str())
}

impl Execution {
    /// Whether there is anything in this run that could be done again.
    pub fn may_be_repeated(&self) -> Result<(), NotRepeated> {
        match self.broken_words() {
            Some(because) => Err(NotRepeated::Invalid { label: self.label(), because }),
            None => Ok(()),
        }
    }

    /// Whether a retry of this run makes sense.
    pub fn may_be_retried(&self) -> Result<(), NotRepeated> {
        self.may_be_repeated()?;
        let label = self.label();
        match self.recorded.status() {
            RunStatus::Succeeded => Err(NotRepeated::Succeeded { label }),
            status if !status.has_ended() => Err(NotRepeated::Unended { label, status }),
            _ended => Ok(()),
        }
    }

    /// What this run, which has ended, leaves to a run of `plan`: of stages that are the same there,
    /// at the same place, with the same files. What was written into the environments `gone` is not
    /// there any more, so it is written again.
    pub fn offers(&self, plan: &Plan, gone: &BTreeSet<String>) -> Vec<Offer> {
        let is_gone = |node: &&Node| {
            let environment = node.environment.as_ref();
            node.effect == Effect::Writes && environment.is_some_and(|name| gone.contains(name))
        };
        let left = plan.nodes().iter().filter(|node| !is_gone(node));
        left.filter_map(|node| self.offer(plan, node)).collect()
    }

    fn offer(&self, plan: &Plan, node: &Node) -> Option<Offer> {
        let index = self.plan.graph().index(&node.id)?;
        let before = self.plan.node(index);
        if before != node || self.plan.place(before) != plan.place(node) {
            return None;
        }
        let NodeState::Ended(ended) = self.node_state(index) else { return None };
        let ours = Repeated { run: self.recorded.id, number: self.recorded.number };
        let (from, left) = match &ended.end {
            End::Succeeded { .. } if is_asked_again(node) => return None,
            End::Succeeded { outputs, work } => {
                let from = match work {
                    Work::Own => ours,
                    Work::TakenOver { from } => *from,
                };
                (from, Left::Succeeded { outputs: outputs.clone() })
            }
            End::Skipped { .. } => (ours, Left::Skipped),
            End::Failed { .. }
            | End::Omitted { .. }
            | End::Rejected { .. }
            | End::RolledBack { .. }
            | End::Cancelled { .. } => return None,
        };
        Some(Offer { stage: node.id.clone(), from, left })
    }
}

impl Execution {
    /// The runs whose stages this one has taken over.
    pub fn taken_over_from(&self) -> BTreeSet<RunId> {
        let from = |state: &NodeState| match state {
            NodeState::Ended(Ended {
                end: End::Succeeded { work: Work::TakenOver { from }, .. },
                ..
            }) => Some(from.run),
            NodeState::Ended(_)
            | NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => None,
        };
        self.recorded.nodes.iter().filter_map(from).collect()
    }
}

impl Decision<'_> {
    /// Takes the node over, if an earlier run has left it and nothing before it has changed.
    pub(super) fn take_over(&mut self, index: NodeIndex) -> TakenOver {
        if !self.execution.may_take_over(index) {
            return TakenOver::No;
        }
        let Some(offer) = self.execution.recorded.offers.get(&index) else { return TakenOver::No };
        let (stage, from) = (self.id(index), offer.from);
        self.end(index, Event::StageTakenOver { stage, from });
        TakenOver::Yes
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum TakenOver {
    Yes,
    No,
}

impl Execution {
    fn may_take_over(&self, index: NodeIndex) -> bool {
        let Some(Offer { left: Left::Succeeded { .. }, .. }) = self.recorded.offers.get(&index)
        else {
            return false;
        };
        let node = self.plan.node(index);
        let graph = self.plan.graph();
        let read = |stage: &String| match graph.index(stage) {
            Some(index) => vec![index],
            None => graph.cells(stage).to_vec(),
        };
        self.recorded.needs_unchanged(&self.plan, node)
            && node.reads.iter().flat_map(read).all(|read| self.recorded.reads_alike(read))
    }
}

impl Recorded {
    /// The end of a stage that is taken over.
    pub(super) fn taken_over(&self, index: NodeIndex) -> Option<End> {
        let Offer { from, left, .. } = self.offers.get(&index)?;
        match left {
            Left::Succeeded { outputs } => {
                let work = Work::TakenOver { from: *from };
                Some(End::Succeeded { outputs: outputs.clone(), work })
            }
            Left::Skipped => None,
        }
    }

    /// A node has ended: notes whether it did as in the earlier run.
    pub(super) fn compare(&mut self, plan: &Plan, index: NodeIndex) {
        if self.offers.is_empty() {
            return;
        }
        let NodeState::Ended(ended) = &self.nodes[index.0] else { return };
        let node = plan.node(index);
        let alike = match (&ended.end, self.offers.get(&index).map(|offer| &offer.left)) {
            (End::Succeeded { work: Work::TakenOver { .. }, .. }, _)
            | (End::Skipped { .. }, Some(Left::Skipped)) => true,
            (End::Succeeded { work: Work::Own, .. }, _) => is_asked_again(node),
            (
                End::Skipped { .. }
                | End::Failed { .. }
                | End::Omitted { .. }
                | End::Rejected { .. }
                | End::RolledBack { .. }
                | End::Cancelled { .. },
                _,
            ) => false,
        };
        if alike && self.needs_unchanged(plan, node) {
            self.unchanged.insert(index);
        }
    }

    fn needs_unchanged(&self, plan: &Plan, node: &Node) -> bool {
        let index = |stage: &str| plan.graph().index(stage);
        let mut needs = node.needs.iter().map(|need| index(&need.stage));
        needs.all(|need| need.is_some_and(|need| self.unchanged.contains(&need)))
    }

    /// Whether what can be read of a node is what could be read of it in the earlier run: an answer
    /// that was asked for again may be another one.
    fn reads_alike(&self, index: NodeIndex) -> bool {
        let own = match &self.nodes[index.0] {
            NodeState::Ended(ended) => match &ended.end {
                End::Succeeded { work, .. } => *work == Work::Own,
                End::Skipped { .. }
                | End::Failed { .. }
                | End::Omitted { .. }
                | End::Rejected { .. }
                | End::RolledBack { .. }
                | End::Cancelled { .. } => false,
            },
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => true,
        };
        !own && self.unchanged.contains(&index)
    }
}
