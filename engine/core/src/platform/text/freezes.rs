//! What a freeze says: where nothing may be changed, and when.

use super::GlobText;
use crate::freeze::{Kind, WindowText};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Keys that belong to a later version.
const LATER: [&str; 2] = ["onStart", "override"];

/// A file of one freeze. What it holds waits, and goes on by itself when the freeze is over; what has
/// begun when it begins is finished, and the next attempt waits.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-later" = LATER))]
pub(crate) struct FreezeText {
    /// What tells it from other files.
    #[serde(rename = "kind")]
    _kind: KindWord,
    /// Its name, which whoever waits is told.
    #[schemars(extend("format" = "gennaker-name", "examples" = ["year-end"]))]
    pub(crate) name: String,
    /// Whether nothing may be changed within its windows (`deny`), or only within those of the freezes
    /// that `allow`.
    #[serde(rename = "type")]
    pub(crate) effect: Kind,
    /// What it concerns; without it, everything.
    #[serde(default)]
    pub(crate) scope: ScopeText,
    #[schemars(length(min = 1, max = 50))]
    pub(crate) windows: Vec<WindowText>,
    /// The stage types that it holds.
    #[serde(default = "changing")]
    #[schemars(length(min = 1), extend("uniqueItems" = true, "default" = ["deploy", "canary", "job"]))]
    pub(crate) applies_to: Vec<HeldWord>,
    /// What people are told beside when it ends.
    #[schemars(length(min = 1, max = 500), extend("examples" = ["Year-end change freeze, ask #sre."]))]
    pub(crate) message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum KindWord {
    Freeze,
}

/// Stage types that change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum HeldWord {
    Deploy,
    Canary,
    Job,
}

impl HeldWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            HeldWord::Deploy => "deploy",
            HeldWord::Canary => "canary",
            HeldWord::Job => "job",
        }
    }
}

fn changing() -> Vec<HeldWord> {
    vec![HeldWord::Deploy, HeldWord::Canary, HeldWord::Job]
}

/// Environments of applications: those that fit every key, and of each key any entry.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ScopeText {
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    environments: Option<Vec<String>>,
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    applications: Option<Vec<String>>,
    /// Labels that an environment has in gennaker.yaml, all of these.
    environment_labels: BTreeMap<String, String>,
    /// Labels that the source of an application has in gennaker.yaml, all of these.
    application_labels: BTreeMap<String, String>,
    /// What it does not concern all the same. Without any key, nothing.
    pub(crate) exclude: SelectorText,
}

/// The same keys, by which something is left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct SelectorText {
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    pub(crate) environments: Option<Vec<String>>,
    #[schemars(with = "Option<Vec<GlobText>>", length(min = 1))]
    pub(crate) applications: Option<Vec<String>>,
    /// Labels that an environment has in gennaker.yaml, all of these.
    pub(crate) environment_labels: BTreeMap<String, String>,
    /// Labels that the source of an application has in gennaker.yaml, all of these.
    pub(crate) application_labels: BTreeMap<String, String>,
}

impl ScopeText {
    pub(crate) fn of(&self) -> SelectorText {
        SelectorText {
            environments: self.environments.clone(),
            applications: self.applications.clone(),
            environment_labels: self.environment_labels.clone(),
            application_labels: self.application_labels.clone(),
        }
    }
}
