//! The gate of freezes: what they hold waits, and is judged again when they open, when they may have
//! changed, and after a restart.

use super::{decide::Decision, inputs::cut};
use crate::{
    clock::{Civil, Moment},
    event::Gate,
    plan::NodeIndex,
    platform::LOOK_AGAIN_MS,
    stage::Wake,
};

impl Decision<'_> {
    /// What is told already is not recorded again.
    pub(super) fn frozen(&mut self, index: NodeIndex, (detail, opens): (String, Option<Civil>)) {
        let gate = Gate::Frozen { detail: cut(detail), opens };
        let again = Civil(self.now.civil.0.saturating_add(LOOK_AGAIN_MS));
        let at = opens.map_or(again, |opens| opens.min(again));
        let wake = Wake { at: Some(Moment::Civil(at)), objects: Vec::new() };
        self.execution.agenda.wait(index, (wake, String::new()));
        self.stay_at(index, gate);
    }
}

#[cfg(test)]
mod tests;
