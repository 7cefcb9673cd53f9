//! What can be said of the rules of an environment in `gennaker.yaml`.

use super::GlobText;
use schemars::JsonSchema;
use serde::Deserialize;

/// What must hold before a stage acts there, whatever a pipeline says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
pub struct RulesText {
    /// People say yes, once in a run.
    #[serde(default)]
    pub approval: Option<RuleApprovalText>,
    /// The branches of the source of which one leads to the run's commit. `*` stands for anything
    /// but `/`, `**` for anything.
    #[serde(default)]
    #[schemars(with = "Vec<GlobText>", length(min = 1), extend("examples" = [["main", "release/*"]]))]
    pub branches: Vec<String>,
    /// Environments in which the images of a deploy are recorded as good.
    #[serde(default)]
    #[schemars(length(min = 1), extend("examples" = [["staging"]]))]
    pub after: Vec<String>,
    /// Images that may be deployed and run there, as `registry/path`, or with a tag.
    #[serde(default)]
    #[schemars(
        with = "Vec<GlobText>",
        length(min = 1),
        extend("examples" = [["registry.example.com/shop/*"]])
    )]
    pub images: Vec<String>,
}

/// Who must say yes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleApprovalText {
    /// `user:NAME` and `group:NAME`.
    #[schemars(
        length(min = 1),
        inner(regex(pattern = "^(user|group):.+$")),
        extend("examples" = [["group:sre"]])
    )]
    pub approvers: Vec<String>,
    /// How many must say yes. One no is enough to reject.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub minimum: u32,
    /// Whether who started the run may not answer.
    #[serde(default = "yes")]
    pub exclude_triggerer: bool,
    /// What is asked.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    pub message: Option<String>,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}
