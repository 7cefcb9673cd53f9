//! The schemas against which a file is held, generated from the types that decode it.

use super::Duration;
use crate::{
    Registry,
    admission::Strategy,
    parameter::ParameterText,
    pipeline::Cells,
    plan::{Accepts, Need, OnFailure},
    platform::PlatformText,
    retry::{Backoff, Cause, Retry},
    stage::{AnyStage, Condition},
    status::StageStatus,
};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Top-level keys that begin so are the author's own.
const OWN_KEYS: &str = "^x-";
pub(super) const STAGE: &str = "StageText";
/// Marks a place in which, and below which, text may hold `${{ }}`, or may not, if it is false.
pub(super) const EXPRESSIONS: &str = "x-expressions";

/// Lists the keys of a map that a later version has.
pub(super) const LATER: &str = "x-later";

/// The top of a pipeline file, but for `version` and `stages`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PipelineText {
    /// What the pipeline is called; unique within its application.
    #[schemars(required, extend("format" = "gennaker-name"), example = &"checkout")]
    pub(crate) name: Option<String>,
    /// What is deployed. Unless it is said, the pipeline's name.
    #[schemars(extend("format" = "gennaker-name"), example = &"shop")]
    pub(crate) application: Option<String>,
    /// For people.
    #[schemars(
        example = &"Brings the shop to staging, and to production once somebody has said yes."
    )]
    pub(crate) description: Option<String>,
    /// For people and selectors; they grant nothing.
    #[schemars(example = json!({"team": "payments"}))]
    pub(crate) labels: BTreeMap<String, String>,
    /// Image references by name, known when a run starts: the default of every deploy. A name
    /// matches a repository's full name or its last part. Expressions read them as `images.name`.
    #[schemars(
        extend("x-expressions" = true),
        example = json!({"web": "registry.example.com/shop/web:v7"})
    )]
    pub(crate) images: BTreeMap<String, String>,
    /// Which runs may not be under way together: by default, those of one pipeline.
    #[schemars(example = json!({"strategy": "queue"}))]
    pub(crate) concurrency: Option<ConcurrencyText>,
    /// Other applications whose pipelines may start this one by a stage. Unless it is said, those
    /// that have a pipeline in this repository: the files of the same folder.
    #[schemars(length(min = 1, max = 100), example = json!(["payments"]))]
    pub(crate) callers: Option<Vec<NameText>>,
    /// What holds for every stage that does not say otherwise.
    #[schemars(example = json!({"onFailure": "hold"}))]
    pub(crate) defaults: DefaultsText,
    /// Of the whole run; it counts while a stage is running an attempt.
    #[schemars(extend("default" = "24h"), example = &"6h")]
    pub(crate) timeout: Option<Duration>,
}

/// The name of an application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "gennaker-name"))]
pub(crate) struct NameText(pub(crate) String);

/// A group of runs of one application, and what a newcomer means to the others.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConcurrencyText {
    /// Its name; the pipeline's, if it is not said.
    #[schemars(length(min = 1, max = 100), extend("x-expressions" = true), example = &"database")]
    pub(crate) group: Option<String>,
    /// How many runs of the group may be under way at once.
    #[schemars(range(min = 1, max = 1_000), extend("default" = 1), example = 2)]
    pub(crate) limit: Option<u32>,
    /// What becomes of a newcomer when the group is full.
    #[schemars(extend("default" = "supersede"), example = &"queue")]
    pub(crate) strategy: Option<Strategy>,
}

/// What holds for every stage that does not say otherwise.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DefaultsText {
    /// How long one attempt of a stage may take.
    #[schemars(example = &"30m")]
    pub(crate) timeout: Option<Duration>,
    /// Whether a stage is tried again.
    #[schemars(example = json!({"limit": 2}))]
    pub(crate) retry: Option<RetryText>,
    /// What a failure that stays after the last try means to the others.
    #[schemars(extend("default" = "fail"), example = &"hold")]
    pub(crate) on_failure: Option<OnFailure>,
}

/// A stage without its action.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StageText {
    /// What people see. Unless it is said, the id.
    #[schemars(example = &"Go live")]
    pub(crate) name: Option<String>,
    /// For people.
    #[schemars(example = &"The team's leads look at staging first.")]
    pub(crate) description: Option<String>,
    /// Stages that must have ended as is asked for before this one begins. A stage without any
    /// begins at once.
    #[schemars(extend("default" = []), example = json!(["first"]))]
    pub(crate) needs: Vec<NeedText>,
    /// Asked once, when its needs are met: the stage is skipped if it is false, and fails if it
    /// cannot be told.
    #[schemars(example = &"trigger.actor != \"mo\"")]
    pub(crate) when: Option<Condition>,
    /// Where it acts: cluster, namespace, rules. Whatever touches a cluster needs one.
    #[schemars(extend("x-expressions" = true), example = &"staging")]
    pub(crate) environment: Option<String>,
    /// How long one attempt may take; time spent waiting for people or in a pause does not count.
    /// Unless it is said, what the stage's type has as its default.
    #[schemars(example = &"30m")]
    pub(crate) timeout: Option<Duration>,
    /// Whether it is tried again.
    #[schemars(example = json!({"limit": 2, "causes": ["error"]}))]
    pub(crate) retry: Option<RetryText>,
    /// What a failure that stays after the last try means to the others.
    #[schemars(extend("default" = "fail"), example = &"hold")]
    pub(crate) on_failure: Option<OnFailure>,
    /// Runs the stage once for each combination of values; each node has an id such as `web[eu]`.
    #[schemars(example = json!({"axes": {"region": ["eu", "us"]}, "maxParallel": 1}))]
    pub(crate) matrix: Option<MatrixText>,
}

/// Runs a stage once for each combination of values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MatrixText {
    /// The values of each axis: a list, or one expression that comes to a list.
    #[schemars(
        length(min = 1),
        extend("x-expressions" = true),
        example = json!({"region": ["eu", "us"]})
    )]
    #[expect(dead_code, reason = "read from the tree, in the order of the file")]
    axes: BTreeMap<String, AxisText>,
    /// Cells beside the product; each names every axis.
    #[serde(default)]
    #[schemars(example = json!([{"region": "ap"}]))]
    pub(crate) include: Vec<BTreeMap<String, Value>>,
    /// Cells of the product to leave out: those with all of these values.
    #[serde(default)]
    #[schemars(example = json!([{"region": "us"}]))]
    pub(crate) exclude: Vec<BTreeMap<String, Value>>,
    /// How many may be under way at once.
    #[serde(default)]
    #[schemars(range(min = 1), example = 1)]
    pub(crate) max_parallel: Option<usize>,
    /// Whether one failure stops the others.
    #[serde(default = "fails_fast")]
    #[schemars(example = false)]
    pub(crate) fail_fast: bool,
}

fn fails_fast() -> bool {
    true
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum AxisText {
    Values(
        #[expect(dead_code, reason = "for the schema")]
        #[schemars(length(min = 1))]
        Vec<Value>,
    ),
    Expression(#[expect(dead_code, reason = "for the schema")] String),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum NeedText {
    Stage(String),
    Detailed(DetailedNeed),
}

/// A need that says which ends will do, or which nodes of a matrix are meant.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DetailedNeed {
    /// The id of the needed stage.
    #[schemars(example = &"first")]
    stage: String,
    /// How it must have ended: `any`, or a list of words, and then just these. Unless it is said:
    /// succeeded, skipped, or failed and tolerated.
    #[serde(default)]
    #[schemars(example = json!(["failed"]))]
    status: Option<StatusText>,
    /// Of another stage with the same axes: only the node with the same values.
    #[serde(default)]
    #[schemars(example = &"same")]
    matrix: Option<SameWord>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SameWord {
    Same,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StatusText {
    Any(AnyWord),
    These(#[schemars(length(min = 1))] Vec<EndWord>),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum AnyWord {
    Any,
}

/// How a stage can end.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum EndWord {
    Succeeded,
    Failed,
    RolledBack,
    Skipped,
    Omitted,
    Rejected,
    Cancelled,
}

/// Trying again after an attempt that did not succeed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct RetryText {
    /// How many further tries there are after the first.
    #[schemars(range(max = 100), example = 2)]
    limit: u32,
    /// How long to pause between tries.
    #[serde(default)]
    #[schemars(example = json!({"initial": "30s", "max": "10m"}))]
    backoff: BackoffText,
    /// What is worth another try: `error` (it could not reach or tell), `failure` (it said no),
    /// `timeout`.
    #[serde(default)]
    #[schemars(
        length(min = 1),
        extend("default" = ["error", "timeout"]),
        example = json!(["error", "failure"])
    )]
    causes: Option<Vec<CauseWord>>,
}

/// Pauses between tries, each longer than the one before.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct BackoffText {
    /// Before the second try.
    #[schemars(extend("default" = "10s"), example = &"30s")]
    initial: Option<Duration>,
    /// By how much each pause is longer than the one before.
    #[schemars(range(min = 1, max = 100), extend("default" = 2), example = 1.5)]
    factor: Option<f64>,
    /// No pause is longer.
    #[schemars(extend("default" = "5m"), example = &"10m")]
    max: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum CauseWord {
    Error,
    Failure,
    Timeout,
}

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
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let mut generator = settings.into_generator();
        let mut root = PlatformText::json_schema(&mut generator).to_value();
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

impl NeedText {
    pub(crate) fn need(&self) -> Need {
        match self {
            NeedText::Stage(stage) => Need::plain(stage),
            NeedText::Detailed(need) => Need {
                stage: need.stage.clone(),
                accepts: need.status.as_ref().map_or(Accepts::Plain, StatusText::accepts),
                of: None,
            },
        }
    }

    /// Which nodes of the needed stage are meant, if it has a matrix.
    pub(crate) fn cells(&self) -> Cells {
        match self {
            NeedText::Detailed(DetailedNeed { matrix: Some(SameWord::Same), .. }) => Cells::Same,
            NeedText::Stage(_) | NeedText::Detailed(DetailedNeed { matrix: None, .. }) => {
                Cells::All
            }
        }
    }
}

impl StatusText {
    fn accepts(&self) -> Accepts {
        Accepts::Statuses(match self {
            StatusText::Any(AnyWord::Any) => EndWord::ALL.map(EndWord::status).into(),
            StatusText::These(words) => words.iter().map(|word| word.status()).collect(),
        })
    }
}

impl EndWord {
    const ALL: [EndWord; 7] = [
        EndWord::Succeeded,
        EndWord::Failed,
        EndWord::Skipped,
        EndWord::Omitted,
        EndWord::RolledBack,
        EndWord::Rejected,
        EndWord::Cancelled,
    ];

    fn status(self) -> StageStatus {
        match self {
            EndWord::Succeeded => StageStatus::Succeeded,
            EndWord::Failed => StageStatus::Failed,
            EndWord::Skipped => StageStatus::Skipped,
            EndWord::Omitted => StageStatus::Omitted,
            EndWord::Rejected => StageStatus::Rejected,
            EndWord::RolledBack => StageStatus::RolledBack,
            EndWord::Cancelled => StageStatus::Cancelled,
        }
    }
}

impl RetryText {
    /// With the defaults for what is not written.
    pub(crate) fn retry(&self) -> Retry {
        let usual = Backoff::default();
        let backoff = Backoff {
            initial_ms: self.backoff.initial.map_or(usual.initial_ms, Duration::milliseconds),
            factor: self.backoff.factor.unwrap_or(usual.factor),
            max_ms: self.backoff.max.map_or(usual.max_ms, Duration::milliseconds),
        };
        let causes = match &self.causes {
            None => Retry::default().causes,
            Some(words) => words.iter().map(|word| word.cause()).collect(),
        };
        Retry { limit: self.limit, backoff, causes }
    }
}

impl CauseWord {
    fn cause(self) -> Cause {
        match self {
            CauseWord::Error => Cause::Error,
            CauseWord::Failure => Cause::Failure,
            CauseWord::Timeout => Cause::Timeout,
        }
    }
}
