//! What can be said in `gennaker.yaml` of where pipelines, images and happenings come from.

use super::GlobText;
use crate::language::Duration;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The name of a secret.
const SECRET: &str = "^[A-Z][A-Z0-9_]*$";
/// Where a repository is: `https`, `http` or `ssh`, without a password.
const GIT: &str = "^(https?://(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]{1,5})?/\
    |ssh://([A-Za-z0-9_][A-Za-z0-9._-]*@)?(\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9][A-Za-z0-9.-]*)(:[0-9]{1,5})?/\
    |[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:/?)\
    [A-Za-z0-9._~%+@][A-Za-z0-9._~%+@-]*(/[A-Za-z0-9._~%+@][A-Za-z0-9._~%+@-]*)*/?$";

/// A place where pipelines live, what it owns and where it may deploy. One of `git` and `directory`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceText {
    /// The address of a repository: `https://…`, `http://…`, `ssh://…` or `user@host:path`.
    #[schemars(
        regex(pattern = GIT),
        extend("examples" = ["https://git.example.com/shop/web.git", "git@git.example.com:shop/web.git"])
    )]
    pub(crate) git: Option<String>,
    /// A plain folder, relative to this file.
    #[schemars(length(min = 1))]
    pub(crate) directory: Option<String>,
    /// The branches that count: `*` stands for anything but `/`, `**` for anything. Pipelines of
    /// other branches are not looked at.
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    pub(crate) branches: Option<Vec<String>>,
    /// The applications that belong to it and to nobody else; without it, the last part of its
    /// address.
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    pub(crate) applications: Option<Vec<String>>,
    /// The environments that its pipelines may use; without it, none.
    #[serde(default)]
    #[schemars(with = "Vec<GlobText>")]
    pub(crate) environments: Vec<String>,
    /// Of its applications, for selectors.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// The secret with which it is read.
    #[schemars(regex(pattern = SECRET))]
    pub(crate) credentials: Option<String>,
    /// How often it is asked for news.
    pub(crate) poll: Option<Duration>,
    /// Where its pipelines are, from its root.
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    pub(crate) paths: Option<Vec<String>>,
    /// Whether it holds what concerns everybody, such as templates.
    #[serde(default)]
    pub(crate) platform: bool,
}

/// What holds for sources that do not say it themselves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SourceDefaultsText {
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
    pub(crate) branches: Vec<String>,
    /// Of repositories; folders need none.
    #[schemars(regex(pattern = SECRET))]
    pub(crate) credentials: Option<String>,
    pub(crate) poll: Duration,
    #[schemars(with = "Vec<GlobText>", length(min = 1))]
    pub(crate) paths: Vec<String>,
}

impl Default for SourceDefaultsText {
    fn default() -> SourceDefaultsText {
        SourceDefaultsText {
            branches: vec!["main".to_owned()],
            credentials: None,
            poll: minute(),
            paths: vec![".gennaker/*.yaml".to_owned()],
        }
    }
}

/// Who sends happenings to a URL of ours.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiverText {
    pub(crate) provider: Provider,
    /// The names of the secret that its requests are signed with or bear; of two, the new one and
    /// the old one.
    #[schemars(length(min = 1, max = 2), inner(regex(pattern = SECRET)), extend("uniqueItems" = true))]
    pub(crate) secrets: Vec<String>,
}

/// Who sends happenings, which says how they are verified and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Provider {
    Github,
    Gitlab,
    /// Bitbucket Cloud.
    Bitbucket,
    BitbucketDataCenter,
    Gitea,
    Forgejo,
    /// The registry of the CNCF, `registry:2` and `registry:3`.
    Distribution,
    DockerHub,
    Harbor,
    Quay,
    /// GitHub's registry.
    Ghcr,
    /// Amazon's, by EventBridge.
    Ecr,
    /// Azure's.
    Acr,
    /// Google's, by Pub/Sub.
    ArtifactRegistry,
    Jfrog,
}

impl Provider {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Provider::Github => "github",
            Provider::Gitlab => "gitlab",
            Provider::Bitbucket => "bitbucket",
            Provider::BitbucketDataCenter => "bitbucketDataCenter",
            Provider::Gitea => "gitea",
            Provider::Forgejo => "forgejo",
            Provider::Distribution => "distribution",
            Provider::DockerHub => "dockerHub",
            Provider::Harbor => "harbor",
            Provider::Quay => "quay",
            Provider::Ghcr => "ghcr",
            Provider::Ecr => "ecr",
            Provider::Acr => "acr",
            Provider::ArtifactRegistry => "artifactRegistry",
            Provider::Jfrog => "jfrog",
        }
    }
}

/// How a registry is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegistryText {
    /// The secret with which it is asked; without it, it is asked without.
    #[schemars(regex(pattern = SECRET))]
    pub(crate) credentials: Option<String>,
    /// A PEM file, relative to this one, of what else signs its certificate.
    #[schemars(length(min = 1))]
    pub(crate) certificate_authority: Option<String>,
    /// How often it is asked for news.
    #[serde(default = "minute")]
    pub(crate) poll: Duration,
}

pub(super) fn minute() -> Duration {
    Duration::of_seconds(60)
}
