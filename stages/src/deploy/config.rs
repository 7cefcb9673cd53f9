//! What `deploy` says.

use crate::release::{Pace, Pruning};
use engine_core::{
    files::{FileRequest, Step},
    stage::{Fault, FaultCode},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The component that is meant where none is named.
const MAIN: &str = "main";

/// Renders manifests, checks the whole set against the cluster, applies it and waits until it is
/// ready.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Manifest files, folders or globs, relative to the root; applied in this order within a kind.
    #[schemars(length(min = 1), example = ["k8s/"])]
    pub(super) manifests: Vec<String>,
    /// Image references by name: a name matches a repository's full name or its last part, and
    /// replaces the image of every container that it matches.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"web": "registry.example.com/shop/web:v7"}))]
    pub(super) images: BTreeMap<String, String>,
    /// The name of this set within the environment: a deploy replaces and prunes only its own
    /// component.
    #[serde(default = "main_component")]
    #[schemars(regex(pattern = r"^[a-z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$"), example = &"worker")]
    pub(super) component: String,
    /// Whether objects that the component had before and has no longer are deleted.
    #[serde(default)]
    #[schemars(example = false)]
    pub(super) prune: Pruning,
    /// Whether the stage ends only when everything is ready: `true`, `false`, or `{stableFor}` for
    /// what must also stay ready for some time.
    #[serde(default)]
    #[schemars(extend("default" = true), example = serde_json::json!({"stableFor": "1m"}))]
    pub(super) wait: Pace,
}

fn main_component() -> String {
    MAIN.to_owned()
}

impl Config {
    pub(super) fn requests(&self) -> Vec<FileRequest> {
        let patterns = self.manifests.iter().enumerate();
        patterns
            .map(|(index, pattern)| FileRequest { place: place(index), pattern: pattern.clone() })
            .collect()
    }

    /// What the schema tells too, for configurations that did not pass by it.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.manifests.is_empty() {
            faults
                .push(fault("manifests", "`manifests` is empty, and an empty set deploys nothing"));
        }
        if !is_component(&self.component) {
            let message = format!("`{}` is not a name of a component", self.component);
            faults.push(fault("component", &message));
        }
        faults
    }
}

/// Where the pattern `index` stands.
pub(super) fn place(index: usize) -> Vec<Step> {
    vec![Step::Key("manifests".to_owned()), Step::Index(index)]
}

fn fault(key: &str, message: &str) -> Fault {
    Fault {
        code: FaultCode::Value,
        place: vec![Step::Key(key.to_owned())],
        message: message.to_owned(),
        help: None,
    }
}

/// It becomes a label's value.
fn is_component(name: &str) -> bool {
    let bytes = name.as_bytes();
    name.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}
