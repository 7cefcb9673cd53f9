//! The one sentence that says why a stage stands where it stands.

use super::StageView;
use crate::{Execution, execution::state::NodeState, plan::Node};

/// More names than these make no sentence.
const NAMES: usize = 5;

impl Execution {
    /// What it waits for, else why it ended as it did, else what has to end before it.
    pub(super) fn why(&self, node: &Node, stage: &StageView) -> Option<String> {
        let waiting = stage.waiting.as_ref().map(|waiting| waiting.detail.clone());
        waiting.or_else(|| stage.reason.clone()).or_else(|| self.needs_words(node))
    }

    fn needs_words(&self, node: &Node) -> Option<String> {
        let graph = self.plan().graph();
        let NodeState::Pending { .. } = self.node_state(graph.index(&node.id)?) else {
            return None;
        };
        let has_ended = |stage: &str| {
            let state = graph.index(stage).map(|index| self.node_state(index));
            state.is_some_and(|state| state.status().has_ended())
        };
        let needed = node.needs.iter().map(|need| need.stage.as_str());
        let left: Vec<String> =
            needed.filter(|stage| !has_ended(stage)).map(|stage| format!("`{stage}`")).collect();
        match (left.len(), left.get(..NAMES)) {
            (0, _) => None,
            (count, Some(first)) if count > NAMES => {
                Some(format!("waits for {} and {} more", first.join(", "), count - NAMES))
            }
            (_, _) => Some(format!("waits for {}", left.join(", "))),
        }
    }
}
