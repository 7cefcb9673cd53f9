//! The nodes of one matrix: how many may be under way, what one failure means to the others, and
//! how all of them together ended.

use super::{
    decide::{Decision, Spare},
    state::{MatrixState, NodeState, Recorded},
};
use crate::{
    event::{Entrance, Gate, StopCause},
    plan::{Cell, CellFailure, NodeIndex, Plan},
    status::StageStatus,
};
use std::collections::BTreeMap;

/// From the worst end to the best; a stage was skipped if all of its nodes were.
const WORST_FIRST: [StageStatus; 7] = [
    StageStatus::Failed,
    StageStatus::Rejected,
    StageStatus::RolledBack,
    StageStatus::Cancelled,
    StageStatus::Omitted,
    StageStatus::Succeeded,
    StageStatus::Skipped,
];

/// The state of every matrix of a plan, before anything has happened.
pub(super) fn matrices(plan: &Plan) -> BTreeMap<String, MatrixState> {
    let cells = plan.nodes().iter().filter_map(|node| node.matrix.as_ref());
    cells.map(|cell| (cell.stage.clone(), MatrixState::default())).collect()
}

/// What a node is to its matrix.
enum Part {
    None,
    Gated,
    UnderWay,
}

fn part(state: &NodeState) -> Part {
    match state {
        NodeState::Gated { gate: Gate::Parallel, .. } => Part::Gated,
        NodeState::Pending { .. }
        | NodeState::Gated {
            gate: Gate::When | Gate::Paused { before: Entrance::Gates }, ..
        }
        | NodeState::Ended(_) => Part::None,
        NodeState::Gated {
            gate:
                Gate::Rules
                | Gate::Asked { .. }
                | Gate::Frozen { .. }
                | Gate::Unmet { .. }
                | Gate::Target { .. }
                | Gate::Configuration
                | Gate::Paused { before: Entrance::Attempt },
            ..
        }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Stopping { .. } => Part::UnderWay,
    }
}

impl Recorded {
    pub(super) fn leave_matrix(&mut self, plan: &Plan, index: NodeIndex) {
        let part = part(&self.nodes[index.0]);
        let Some(matrix) = self.matrix_of(plan, index) else { return };
        match part {
            Part::None => {}
            Part::Gated => drop(matrix.gated.remove(&index)),
            Part::UnderWay => matrix.under_way -= 1,
        }
    }

    pub(super) fn enter_matrix(&mut self, plan: &Plan, index: NodeIndex) {
        let part = part(&self.nodes[index.0]);
        let Some(matrix) = self.matrix_of(plan, index) else { return };
        match part {
            Part::None => {}
            Part::Gated => drop(matrix.gated.insert(index)),
            Part::UnderWay => matrix.under_way += 1,
        }
    }

    fn matrix_of(&mut self, plan: &Plan, index: NodeIndex) -> Option<&mut MatrixState> {
        self.matrices.get_mut(&plan.node(index).matrix.as_ref()?.stage)
    }

    /// How all of these nodes together ended; nothing as long as one has not.
    pub(super) fn worst(&self, nodes: &[NodeIndex]) -> Option<StageStatus> {
        let mut ends = Vec::new();
        for index in nodes {
            match &self.nodes[index.0] {
                NodeState::Ended(ended) => ends.push(ended.end.status()),
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::Running(_)
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Stopping { .. } => return None,
            }
        }
        WORST_FIRST.into_iter().find(|status| ends.contains(status))
    }
}

impl Decision<'_> {
    /// Whether the node may be under way beside the others of its matrix; always, without one.
    pub(super) fn has_room(&self, index: NodeIndex) -> bool {
        let Some(Cell { stage, max_parallel: Some(most), .. }) = &self.node(index).matrix else {
            return true;
        };
        // One that was held before its first attempt is under way already.
        let others = |matrix: &MatrixState| match part(self.state(index)) {
            Part::UnderWay => matrix.under_way - 1,
            Part::None | Part::Gated => matrix.under_way,
        };
        self.execution.recorded.matrices.get(stage).is_none_or(|matrix| others(matrix) < *most)
    }

    /// A node has ended: the next ones that wait for their turn.
    pub(super) fn advance_matrix(&mut self, ended: NodeIndex) {
        let Some(Cell { stage, .. }) = self.node(ended).matrix.clone() else { return };
        while self.has_room(ended)
            && let Some(next) = self.execution.recorded.matrices[&stage].gated.first().copied()
        {
            self.pass_parallel(next);
        }
    }

    /// A node has failed, and that counts: stops the others, if its author wants that.
    pub(super) fn fail_fast(&mut self, failed: NodeIndex) {
        let stage = match &self.node(failed).matrix {
            Some(Cell { stage, on_failure: CellFailure::StopsOthers, .. }) => stage.clone(),
            Some(Cell { on_failure: CellFailure::LeavesOthers, .. }) | None => return,
        };
        let by = self.id(failed);
        for index in self.execution.plan.clone().graph().cells(&stage) {
            let cause = StopCause::FailFast { by: by.clone() };
            if *index != failed {
                self.stop_node(*index, (cause, Spare::Rollbacks));
            }
        }
    }
}
