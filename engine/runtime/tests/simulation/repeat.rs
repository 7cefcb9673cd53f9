//! What a retry may take over from the run before it, told from the ends of that run alone.

use crate::oracle::Ends;
use engine_core::{
    plan::{Node, Plan},
    status::StageStatus,
};
use std::collections::BTreeSet;

/// A run beside the one that it retries, if it retries one.
#[derive(Default)]
pub(crate) struct Repeat {
    earlier: Option<Ends>,
    /// Stages that came out as before, after nothing but such stages.
    same: BTreeSet<String>,
    /// Those of them that were asked again.
    asked: BTreeSet<String>,
}

impl Repeat {
    pub(crate) fn of(earlier: Option<Ends>) -> Repeat {
        Repeat { earlier, ..Repeat::default() }
    }

    fn had(&self, node: &Node, status: StageStatus) -> bool {
        self.earlier.as_ref().is_some_and(|ends| ends[&node.id].0 == status)
    }

    fn follows_the_same(&self, node: &Node) -> bool {
        node.needs.iter().all(|need| self.same.contains(&need.stage))
    }

    fn is_left(&self, plan: &Plan, node: &Node) -> bool {
        let reads = plan.nodes().iter().filter(|other| {
            let stage = other.matrix.as_ref().map_or(&other.id, |cell| &cell.stage);
            node.reads.contains(stage)
        });
        let reads: Vec<&Node> = reads.collect();
        node.stage_type != "checks"
            && self.had(node, StageStatus::Succeeded)
            && self.follows_the_same(node)
            && reads.iter().all(|it| self.same.contains(&it.id) && !self.asked.contains(&it.id))
    }

    /// A stage starts, so it was not there to be taken over.
    pub(crate) fn starts(&self, plan: &Plan, node: &Node) {
        assert!(!self.is_left(plan, node), "{} is run again although nothing changed", node.id);
    }

    pub(crate) fn taken_over(&mut self, plan: &Plan, node: &Node) {
        assert!(self.is_left(plan, node), "{} is taken over although it may not be", node.id);
        self.same.insert(node.id.clone());
    }

    pub(crate) fn succeeded(&mut self, node: &Node) {
        if self.earlier.is_some() && node.stage_type == "checks" && self.follows_the_same(node) {
            self.same.insert(node.id.clone());
            self.asked.insert(node.id.clone());
        }
    }

    pub(crate) fn skipped(&mut self, node: &Node) {
        if self.had(node, StageStatus::Skipped) && self.follows_the_same(node) {
            self.same.insert(node.id.clone());
        }
    }
}
