//! What can be said of clusters and environments in `gennaker.yaml`.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

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
