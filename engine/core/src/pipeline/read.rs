//! Reads a file: tree, walk, then the stages and what they need.

use super::{Pipeline, needs, stages::Reader};
use crate::{
    Registry,
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    language::{Node, PipelineText, Schemas, Walk, read_tree},
    stage::AnyStage,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

impl Pipeline {
    /// Reads `file` against the stage types of `registry`. Never fails: what is wrong is kept with
    /// what could be read, and told by [`Pipeline::faults`] and by compiling.
    pub fn read(file: &SourceFile, registry: &Registry<dyn AnyStage>) -> Pipeline {
        let mut tree = read_tree(file);
        let Some(root) = tree.root.take() else {
            return unreadable(tree.faults);
        };
        let schemas = Schemas::of(registry);
        let walk = Walk::over(&schemas, &root);
        let text = decode(&root, &walk, |key| key != "stages");
        let mut reader =
            Reader { file, registry, schemas: &schemas, walk: &walk, faults: Vec::new() };
        let stages = root.entry("stages").map(|entry| reader.stages(&entry.value));
        let stages = stages.unwrap_or_default();
        let mut faults = reader.faults;
        needs::check(&stages, file, &mut faults);
        faults.extend(tree.faults);
        faults.extend(walk.faults);
        let text: PipelineText = text.unwrap_or_else(|error| {
            let message = format!("the file cannot be read: {error}");
            faults.push(Diagnostic::error(Code::E016, Span::at(root.span.start), message));
            PipelineText::default()
        });
        Pipeline {
            name: text.name,
            application: text.application,
            description: text.description,
            stages,
            faults: in_file_order(faults),
        }
    }
}

fn unreadable(faults: Vec<Diagnostic>) -> Pipeline {
    let faults = in_file_order(faults);
    Pipeline { name: None, application: None, description: None, stages: Vec::new(), faults }
}

/// Decodes those entries of a map that are `wanted` and sound. The walk has held them against the
/// schema of this very type, so an error is a fault of the schema.
pub(super) fn decode<T: DeserializeOwned>(
    node: &Node,
    walk: &Walk<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<T, serde_json::Error> {
    let sound: Map<String, Value> = node
        .entries()
        .iter()
        .filter(|entry| wanted(&entry.key.text) && walk.is_sound(&entry.value))
        .map(|entry| (entry.key.text.to_string(), entry.value.value()))
        .collect();
    serde_json::from_value(Value::Object(sound))
}
