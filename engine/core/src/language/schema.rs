//! The schemas against which a file is held, generated from the types that decode it.

use super::text::{PipelineText, StageText};
use crate::{
    Registry,
    parameter::ParameterText,
    platform::{IncludedText, PlatformText},
    stage::AnyStage,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Top-level keys that begin so are the author's own.
const OWN_KEYS: &str = "^x-";
pub(super) const STAGE: &str = "StageText";
/// Marks a place in which, and below which, text may hold `${{ }}`, or may not, if it is false.
pub(super) const EXPRESSIONS: &str = "x-expressions";

/// Lists the keys of a map that a later version has.
pub(super) const LATER: &str = "x-later";

/// The schema of a whole file.
pub(crate) struct Schemas {
    pub(crate) root: Value,
    pub(crate) definitions: Map<String, Value>,
}

impl Schemas {
    /// The schema of pipelines whose actions are the types in `registry`.
    pub(crate) fn of(registry: &Registry<dyn AnyStage>) -> Schemas {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut generator = settings.into_generator();
        let mut root = PipelineText::json_schema(&mut generator).to_value();
        let mut stage = StageText::json_schema(&mut generator).to_value();
        add_actions(&mut stage, registry, &mut generator);
        let parameter = generator.subschema_for::<ParameterText>().to_value();
        add_fixed_keys(&mut root, parameter);
        let mut definitions = generator.take_definitions(true);
        definitions.insert(STAGE.to_owned(), stage);
        Schemas { root, definitions }
    }

    /// The schema of the platform's file.
    pub(crate) fn platform() -> Schemas {
        Schemas::file_of::<PlatformText>()
    }

    /// The schema of a file that it includes.
    pub(crate) fn included() -> Schemas {
        Schemas::file_of::<IncludedText>()
    }

    fn file_of<T: JsonSchema>() -> Schemas {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut generator = settings.into_generator();
        let mut root = T::json_schema(&mut generator).to_value();
        root["properties"]["version"] = json!({ "const": 1 });
        root["required"] = json!(["version"]);
        root["patternProperties"] = json!({ OWN_KEYS: true });
        Schemas { root, definitions: generator.take_definitions(true) }
    }

    /// Whether stages know `key`: as a setting, or as an action.
    pub(crate) fn is_stage_key(&self, key: &str) -> bool {
        self.stage_key(key).is_some()
    }

    /// The schema of what stands under the key `key` of a stage.
    pub(super) fn stage_key(&self, key: &str) -> Option<&Value> {
        self.definitions.get(STAGE)?.get("properties")?.get(key)
    }
}

fn add_actions(
    stage: &mut Value,
    registry: &Registry<dyn AnyStage>,
    generator: &mut SchemaGenerator,
) {
    for name in registry.names() {
        if let Some(action) = registry.get(name) {
            stage["properties"][name] = action.schema(generator).to_value();
            stage["properties"][name][EXPRESSIONS] = json!(true);
        }
    }
}

fn add_fixed_keys(root: &mut Value, parameter: Value) {
    root["properties"]["version"] = json!({
        "const": 1,
        "description": "The version of the language.",
        "examples": [1],
    });
    root["properties"]["parameters"] = json!({
        "description": "Values that whoever starts a run may give, by id. Expressions read them \
            as `parameters.id`.",
        "examples": [{"tag": {"type": "string", "default": "v7"}}],
        "type": "object",
        "additionalProperties": parameter,
        "propertyNames": { "type": "string", "format": "gennaker-id" },
    });
    root["properties"]["stages"] = json!({
        "description": "What is to be done, by id. Stages are joined by `needs`.",
        "examples": [{"soak": {"wait": {"duration": "10m"}}}],
        "type": "object",
        "additionalProperties": { "$ref": format!("#/$defs/{STAGE}") },
        "propertyNames": { "type": "string", "format": "gennaker-id" },
        "minProperties": 1,
    });
    root["required"] = json!(["version", "name", "stages"]);
    root["patternProperties"] = json!({ OWN_KEYS: true });
}
