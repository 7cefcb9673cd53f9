//! What stage types say of a configuration. They look into files for it, and cells of a matrix often
//! have one and the same: it is asked for once.

use super::{files::Pinned, stages::Compiler};
use crate::{
    pipeline::Action,
    stage::{AnyStage, Fault},
};
use serde_json::Value;

/// The last answers.
#[derive(Default)]
pub(super) struct Asked {
    judgement: Option<Judgement>,
    useful: Option<Use>,
}

/// Of which images a stage type last had a use.
struct Use {
    stage_type: String,
    config: Value,
    keys: Vec<String>,
}

/// What a stage type last said.
struct Judgement {
    stage_type: String,
    config: Value,
    found: Vec<Fault>,
}

impl Compiler<'_> {
    /// The images of the pipeline for which a configuration has a use, by their keys.
    pub(super) fn useful(
        &mut self,
        (implementation, action): (&dyn AnyStage, &Action),
        config: Value,
        pinned: &Pinned,
    ) -> Option<Vec<String>> {
        let stage_type = &action.stage_type;
        let is_same = |it: &&Use| it.stage_type == *stage_type && it.config == config;
        if let Some(known) = self.asked.useful.as_ref().filter(is_same) {
            return Some(known.keys.clone());
        }
        self.afford(pinned, action)?;
        let all: Vec<&str> = self.images.iter().map(|image| image.key.as_str()).collect();
        let keys = implementation.images(&config, self.files, &all);
        let stage_type = stage_type.clone();
        self.asked.useful = Some(Use { stage_type, config, keys: keys.clone() });
        Some(keys)
    }

    /// What a stage type says of a configuration. Cells of a matrix often have one and the same.
    pub(super) fn judged(
        &mut self,
        (implementation, action): (&dyn AnyStage, &Action),
        config: &Value,
        pinned: &Pinned,
    ) -> Option<Vec<Fault>> {
        let stage_type = &action.stage_type;
        let is_same = |it: &&Judgement| it.stage_type == *stage_type && it.config == *config;
        if let Some(known) = self.asked.judgement.as_ref().filter(is_same) {
            return Some(known.found.clone());
        }
        self.afford(pinned, action)?;
        let found = implementation.check(config, self.files);
        let (stage_type, config) = (stage_type.clone(), config.clone());
        self.asked.judgement = Some(Judgement { stage_type, config, found: found.clone() });
        Some(found)
    }
}
