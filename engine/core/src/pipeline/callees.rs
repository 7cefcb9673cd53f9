//! The pipelines that the stages of a pipeline start.

use super::{Config, Pipeline};
use crate::{
    diagnostic::{SourceFile, Span},
    files::Step,
    language::{Content, read_tree},
};
use serde_json::Value;

/// The stage type that starts another pipeline.
const CALL: &str = "pipeline";

/// A pipeline that a stage starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callee {
    pub application: String,
    pub pipeline: String,
    /// The application of the pipeline that names it.
    pub caller: String,
    /// Where it is named.
    pub span: Span,
}

impl Callee {
    /// Under which name a plan keeps it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.application, self.pipeline)
    }
}

impl Pipeline {
    /// The application and the name of a file's pipeline. Nothing else of it is looked at.
    pub fn named(file: &SourceFile) -> Option<(String, String)> {
        let root = read_tree(file).root?;
        let text = |key| match &root.entry(key)?.value.content {
            Content::Scalar { text, .. } => Some(text.to_string()),
            Content::List(_) | Content::Map(_) | Content::Told => None,
        };
        let name = text("name")?;
        Some((text("application").unwrap_or_else(|| name.clone()), name))
    }

    /// What its stages start.
    pub fn callees(&self) -> Vec<Callee> {
        let mut callees: Vec<Callee> = Vec::new();
        let Some(caller) = self.application() else { return callees };
        let actions = self.stages.iter().flat_map(|stage| &stage.actions);
        for action in actions.filter(|action| action.stage_type == CALL) {
            let Config::Sound(config) = &action.config else { continue };
            let config = config.preview();
            let text = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
            let application = text("application").unwrap_or_else(|| caller.to_owned());
            if let Some(pipeline) = text("name") {
                let span = action.value_span(&[Step::Key("name".to_owned())]);
                let caller = caller.to_owned();
                callees.push(Callee { application, pipeline, caller, span });
            }
        }
        callees
    }
}
