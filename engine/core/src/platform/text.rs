//! What can be said in `gennaker.yaml`.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keys at the top that belong to a later version.
const LATER: [&str; 9] = [
    "database",
    "freezes",
    "include",
    "notifiers",
    "receivers",
    "registries",
    "retention",
    "sourceDefaults",
    "sources",
];

/// The platform's file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-later" = LATER))]
pub struct PlatformText {
    pub(crate) server: ServerText,
    /// Clusters by a name of their own.
    pub(crate) clusters: BTreeMap<String, ClusterText>,
    /// Where pipelines may act. Other environments are unknown.
    pub(crate) environments: BTreeMap<String, EnvironmentText>,
    pub(crate) people: PeopleText,
    /// Who may do what, where. Without it, whoever reaches the engine may do everything.
    #[schemars(length(min = 1))]
    pub(crate) roles: Option<Vec<RoleText>>,
    pub(crate) http: HttpText,
    pub(crate) secrets: SecretsText,
    /// How many runs an application may have.
    pub(crate) limits: LimitsText,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-later" = ["publicUrl"]))]
pub(crate) struct ServerText {
    /// A group whose members may talk to the engine by its socket, beside its own user.
    #[schemars(length(min = 1))]
    pub(crate) socket_group: Option<String>,
}

/// The way to a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterText {
    /// A file, relative to this one; without it, what kubectl would read.
    #[schemars(length(min = 1))]
    pub kubeconfig: Option<String>,
    /// A context of it; without it, its current one.
    #[schemars(length(min = 1))]
    pub context: Option<String>,
    /// For people and selectors.
    pub labels: BTreeMap<String, String>,
}

/// Where an environment is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-later" = ["namespaces", "clusterKinds", "serviceAccounts", "impersonate", "rules"]))]
pub struct EnvironmentText {
    /// A name under `clusters`, or a context of the kubeconfig.
    #[schemars(length(min = 1))]
    pub cluster: String,
    /// `${{ application.name }}` may stand in it; without it, the environment's name.
    #[serde(default)]
    #[schemars(length(min = 1), extend("x-expressions" = true))]
    pub namespace: Option<String>,
    /// Whether users of the service are served from it; `environment.production` in expressions.
    #[serde(default)]
    pub production: bool,
    /// `environment.labels` in expressions.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PeopleText {
    pub(crate) users: BTreeMap<String, UserText>,
    /// Names of users, by group.
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// By which names a person is known elsewhere.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UserText {
    pub(crate) email: Option<String>,
    pub(crate) slack: Option<String>,
    /// The login name on the engine's machine.
    pub(crate) unix: Option<String>,
    pub(crate) github: Option<String>,
    pub(crate) git_emails: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleText {
    pub(crate) role: RoleWord,
    /// `user:NAME` and `group:NAME`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(user|group):.+$")))]
    pub(crate) to: Vec<String>,
    #[serde(default = "anything")]
    #[schemars(length(min = 1))]
    pub(crate) environments: Vec<String>,
    #[serde(default = "anything")]
    #[schemars(length(min = 1))]
    pub(crate) applications: Vec<String>,
}

/// What a role lets people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RoleWord {
    /// Start runs, and say what is to become of them.
    Run,
    /// Answer approvals.
    Approve,
    /// Both.
    Admin,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HttpText {
    /// What pipelines may ask: a method and the beginning of a URL, `GET https://example.com/`.
    #[schemars(inner(regex(
        pattern = "^(GET|HEAD|POST|PUT|PATCH|DELETE) https?://[^/?#@ ]+/[^?# ]*$"
    )))]
    pub(crate) allow: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SecretsText {
    /// A folder with one file a secret, relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) directory: Option<String>,
    /// Who may use which; a secret that nothing grants is refused.
    pub(crate) grants: Vec<GrantText>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrantText {
    /// Names of secrets; `*` stands for anything.
    #[schemars(length(min = 1), inner(regex(pattern = "^[A-Z0-9_*]+$")))]
    pub(crate) names: Vec<String>,
    #[schemars(length(min = 1))]
    pub(crate) applications: Vec<String>,
    /// Of the stages that use it; a stage without one needs `*`.
    #[serde(default = "anything")]
    #[schemars(length(min = 1))]
    pub(crate) environments: Vec<String>,
}

/// How many runs an application may have: each for itself.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LimitsText {
    /// Runs that have begun and not ended; further ones are queued. A run that a stage waits for
    /// shares the place of its parent, and a person's way back needs none.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) runs_per_application: u32,
    /// Runs that are queued; further ones are refused.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) queued_per_application: u32,
}

impl Default for LimitsText {
    fn default() -> LimitsText {
        LimitsText { runs_per_application: 20, queued_per_application: 200 }
    }
}

fn anything() -> Vec<String> {
    vec!["*".to_owned()]
}
