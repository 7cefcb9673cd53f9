//! What an author may write, as the types that decode it and from which the schemas are made.

mod need;

pub(crate) use need::NeedText;

use super::Duration;
use crate::{
    admission::Strategy,
    plan::OnFailure,
    retry::{Backoff, Cause, Retry},
    stage::Condition,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
    /// matches a repository's full name or its last part. Expressions read them as `images.name`. Tags
    /// of registries that the platform knows become digests, once in a run.
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

/// A trigger without its type.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TriggerText {
    /// Asked of each event that it would start on, over `trigger`: nothing starts if it is false or
    /// cannot be told, and the inbox says why.
    #[schemars(example = &"trigger.branch.startsWith(\"release/\")")]
    pub(crate) when: Option<Condition>,
    /// What the run gets for the pipeline's parameters; `${{ trigger… }}` may stand in it.
    #[schemars(
        extend("x-expressions" = true),
        example = json!({"version": "${{ trigger.tag }}"})
    )]
    pub(crate) parameters: BTreeMap<String, Value>,
    /// Whether it starts anything.
    #[schemars(extend("default" = true), example = false)]
    pub(crate) enabled: bool,
}

impl Default for TriggerText {
    fn default() -> TriggerText {
        TriggerText { when: None, parameters: BTreeMap::new(), enabled: true }
    }
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
