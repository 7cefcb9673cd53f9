//! What can be said in `gennaker.yaml`.

mod freezes;
mod glob;
mod people;
mod places;
mod rules;
mod sources;

pub(crate) use freezes::{FreezeText, SelectorText};
use glob::GlobText;
pub(crate) use people::{PeopleText, RoleText, RoleWord, UserText};
pub use places::{ClusterText, EnvironmentText};
pub use rules::{RuleApprovalText, RulesText};
pub use sources::Provider;
pub(crate) use sources::{ReceiverText, RegistryText, SourceDefaultsText, SourceText};

use super::freezes::Freezes;
use crate::language::Duration;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keys at the top that belong to a later version.
const LATER: [&str; 1] = ["notifiers"];

/// The platform's file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-later" = LATER))]
pub struct PlatformText {
    pub(crate) server: ServerText,
    /// The file in which runs are kept, `sqlite:` and its path, relative to the state directory;
    /// without it `engine.sqlite` there.
    #[schemars(extend("examples" = ["sqlite:gennaker.db", "sqlite:/var/lib/gennaker/gennaker.db"]))]
    pub(crate) database: Option<String>,
    /// Clusters by a name of their own.
    pub(crate) clusters: BTreeMap<String, ClusterText>,
    /// Where pipelines may act. Other environments are unknown.
    pub(crate) environments: BTreeMap<String, EnvironmentText>,
    /// Where pipelines live, what each place owns and where it may deploy.
    pub(crate) sources: Vec<SourceText>,
    /// What holds for sources that do not say it themselves.
    pub(crate) source_defaults: SourceDefaultsText,
    /// Further files, relative to this one, that may say more of `sources`, `people`, `roles` and
    /// `secrets.grants`. `*` stands for anything but `/`, `**` for anything.
    #[schemars(with = "Vec<GlobText>", length(max = 100))]
    pub(crate) include: Vec<String>,
    /// Who may post happenings to `/receivers/NAME`, by that name.
    #[schemars(extend("propertyNames" = {
        "type": "string", "format": "gennaker-name", "title": "a receiver's name"
    }))]
    pub(crate) receivers: BTreeMap<String, ReceiverText>,
    /// Registries by their host, with a port if they have one.
    #[schemars(extend("propertyNames" = {
        "type": "string",
        "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$",
        "title": "a registry's host"
    }))]
    pub(crate) registries: BTreeMap<String, RegistryText>,
    pub(crate) people: PeopleText,
    /// Who may do what, where. Without it, whoever reaches the engine may do everything.
    #[schemars(length(min = 1))]
    pub(crate) roles: Option<Vec<RoleText>>,
    pub(crate) http: HttpText,
    pub(crate) secrets: SecretsText,
    /// How many runs an application may have.
    pub(crate) limits: LimitsText,
    /// How long things are kept.
    pub(crate) retention: RetentionText,
    /// Files of freezes, one each, relative to this one. `*` stands for anything but `/`, `**` for
    /// anything; a pattern that no file fits is refused.
    #[schemars(with = "Vec<GlobText>", length(max = 100), extend("examples" = [["freezes/*.yaml"]]))]
    pub(crate) freezes: Vec<String>,
    /// What those files say.
    #[serde(skip)]
    pub(crate) frozen: Freezes,
}

/// A file that the platform's file includes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IncludedText {
    pub(crate) sources: Vec<SourceText>,
    pub(crate) people: PeopleText,
    #[schemars(length(min = 1))]
    pub(crate) roles: Option<Vec<RoleText>>,
    pub(crate) secrets: IncludedSecretsText,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IncludedSecretsText {
    pub(crate) grants: Vec<GrantText>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServerText {
    /// The address on which `serve` listens, `127.0.0.1:7080`; without it, only on its socket.
    pub(crate) listen: Option<String>,
    /// Where people and senders of webhooks reach it, for links.
    #[schemars(
        regex(pattern = "^https?://[^/?#@\\s]+(/[^?#\\s]*)?$"),
        extend("examples" = ["https://cd.example.com"])
    )]
    pub(crate) public_url: Option<String>,
    /// A group whose members may talk to the engine by its socket, beside its own user.
    #[schemars(length(min = 1))]
    pub(crate) socket_group: Option<String>,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RetentionText {
    /// Runs that have ended, from their end on; at least a day. The newest of each target and pipeline
    /// are kept however old they are.
    pub(crate) runs: Duration,
    /// What arrived from outside, and what became of it.
    pub(crate) deliveries: Duration,
}

impl Default for RetentionText {
    fn default() -> RetentionText {
        let days = |days: u64| Duration::of_seconds(days * 86_400);
        RetentionText { runs: days(365), deliveries: days(30) }
    }
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
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
    pub(crate) applications: Vec<String>,
    /// Of the stages that use it; a stage without one needs `*`.
    #[serde(default = "anything")]
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
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
