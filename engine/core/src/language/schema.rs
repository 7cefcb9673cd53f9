//! The schemas against which a file is held, generated from the types that decode it.

use super::text::{PipelineText, StageText, TriggerText};
use crate::{
    Registries, Registry,
    limits::TRIGGERS,
    parameter::ParameterText,
    platform::{FreezeText, IncludedText, PlatformText},
    stage::AnyStage,
    trigger::AnyTrigger,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Top-level keys that begin so are the author's own.
const OWN_KEYS: &str = "^x-";
pub(super) const STAGE: &str = "StageText";
pub(super) const TRIGGER: &str = "TriggerText";
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
    /// The schema of pipelines whose actions and triggers are the types in `registries`.
    pub(crate) fn of(registries: &Registries) -> Schemas {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut generator = settings.into_generator();
        let mut root = PipelineText::json_schema(&mut generator).to_value();
        let mut stage = StageText::json_schema(&mut generator).to_value();
        add_actions(&mut stage, &registries.stages, &mut generator);
        let mut trigger = TriggerText::json_schema(&mut generator).to_value();
        add_triggers(&mut trigger, &registries.triggers, &mut generator);
        let parameter = generator.subschema_for::<ParameterText>().to_value();
        add_fixed_keys(&mut root, parameter);
        let mut definitions = generator.take_definitions(true);
        definitions.insert(STAGE.to_owned(), stage);
        definitions.insert(TRIGGER.to_owned(), trigger);
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

    /// The schema of a file of a freeze.
    pub(crate) fn freeze() -> Schemas {
        Schemas::file_of::<FreezeText>()
    }

    fn file_of<T: JsonSchema>() -> Schemas {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut generator = settings.into_generator();
        let mut root = T::json_schema(&mut generator).to_value();
        root["properties"]["version"] = json!({ "const": 1 });
        let required = root.get_mut("required").and_then(Value::as_array_mut);
        match required {
            Some(required) => required.insert(0, json!("version")),
            None => root["required"] = json!(["version"]),
        }
        root["patternProperties"] = json!({ OWN_KEYS: true });
        Schemas { root, definitions: generator.take_definitions(true) }
    }

    /// Whether stages know `key`: as a setting, or as an action.
    pub(crate) fn is_stage_key(&self, key: &str) -> bool {
        self.stage_key(key).is_some()
    }

    /// Whether triggers know `key`: as a setting, or as a type.
    pub(crate) fn is_trigger_key(&self, key: &str) -> bool {
        let properties = || self.definitions.get(TRIGGER)?.get("properties")?.get(key);
        properties().is_some()
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

/// A trigger's own keys have no expressions.
fn add_triggers(
    trigger: &mut Value,
    registry: &Registry<dyn AnyTrigger>,
    generator: &mut SchemaGenerator,
) {
    for name in registry.names() {
        if let Some(kind) = registry.get(name) {
            trigger["properties"][name] = kind.schema(generator).to_value();
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
    root["properties"]["triggers"] = json!({
        "description": "What starts the pipeline, beside people.",
        "examples": [[{"git": {"branches": ["main"]}}]],
        "type": "array",
        "items": { "$ref": format!("#/$defs/{TRIGGER}") },
        "minItems": 1,
        "maxItems": TRIGGERS,
    });
    root["required"] = json!(["version", "name", "stages"]);
    root["patternProperties"] = json!({ OWN_KEYS: true });
}
