//! What can be said of clusters and environments in `gennaker.yaml`.

use super::RulesText;
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
pub struct EnvironmentText {
    /// A name under `clusters`, or a context of the kubeconfig.
    #[schemars(length(min = 1))]
    pub cluster: String,
    /// `${{ application.name }}` may stand in it; without it, the environment's name.
    #[serde(default)]
    #[schemars(length(min = 1), extend("x-expressions" = true))]
    pub namespace: Option<String>,
    /// Other namespaces that objects of a deploy may name.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")))]
    pub namespaces: Vec<String>,
    /// Kinds outside of namespaces that deploys may apply: `ClusterRole`, or with their group
    /// `ClusterIssuer.cert-manager.io`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[A-Z][A-Za-z0-9]*(\\.[a-z0-9.-]+)?$")))]
    pub cluster_kinds: Vec<String>,
    /// The accounts that jobs, and the pods of what is deployed, may run as, beside `default`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")))]
    pub service_accounts: Vec<String>,
    /// The account in whose name every call for this environment is made.
    #[serde(default)]
    #[schemars(
        regex(pattern = "^system:serviceaccount:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?:[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
        extend("examples" = ["system:serviceaccount:shop:deployer"])
    )]
    pub impersonate: Option<String>,
    /// Whether users of the service are served from it; `environment.production` in expressions.
    #[serde(default)]
    pub production: bool,
    /// `environment.labels` in expressions.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What must hold before a stage acts there, whatever a pipeline says.
    #[serde(default)]
    pub rules: Option<RulesText>,
}
