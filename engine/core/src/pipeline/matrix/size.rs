//! How much a pipeline comes to once its matrices are spread out.

use super::{Cells, Spread};
use crate::{
    diagnostic::Diagnostic,
    limits::{EDGES, NODES, PLAN_BYTES},
    pipeline::{Config, Stage, more},
};

/// What stages come to once their matrices are spread out.
pub(super) struct Size {
    nodes: usize,
    bytes: usize,
    edges: usize,
}

impl Size {
    /// Of so many stages, none spread out.
    pub(super) fn of(stages: usize) -> Size {
        Size { nodes: stages, bytes: 0, edges: 0 }
    }

    /// Adds the cells of a stage, unless that is too much.
    pub(super) fn with(&mut self, stage: &Stage, cells: usize) -> Option<Diagnostic> {
        self.nodes += cells;
        let configs = stage.actions.iter().map(|action| match &action.config {
            Config::Sound(config) => config.weight(),
            Config::Faulty => 0,
        });
        let text = stage.description.as_ref().map_or(0, String::len);
        self.bytes += cells * (configs.sum::<usize>() + text);
        let help = "let a `pipeline` stage start another pipeline for some of the cells";
        let limit = (NODES, "stages with all cells");
        let bytes = || (PLAN_BYTES, "bytes of stages with all cells");
        more(self.nodes, limit, stage.span, help)
            .or_else(|| more(self.bytes, bytes(), stage.span, help))
    }

    /// Adds what a stage needs, unless that is too much.
    pub(super) fn needing(&mut self, stage: &Stage, spread: &Spread) -> Option<Diagnostic> {
        let edges =
            stage.needs.iter().map(|need| match (need.cells, spread.get(&need.need.stage)) {
                (Cells::All, Some(cells)) => cells.len(),
                (Cells::All, None) | (Cells::Same, _) => 1,
            });
        self.edges += edges.sum::<usize>();
        let help =
            "let one stage wait for all cells, and others for that one, or use `matrix: same`";
        more(self.edges, (EDGES, "needs with all cells"), stage.span, help)
    }
}
