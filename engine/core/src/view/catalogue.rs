//! A pipeline file as an engine that serves knows it: where it lies, and whether it starts runs.

use crate::catalogue::{Activity, Entry, Listening, Standing, TriggerOutline};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueItem {
    /// Empty, if the file does not say.
    pub application: String,
    /// Empty, if the file does not say.
    pub pipeline: String,
    /// The name of the source in which the file lies.
    pub source: String,
    pub path: String,
    pub triggers: Vec<CatalogueTrigger>,
    /// `good`; `superseded`, if the file is broken and an earlier version of it in force; or
    /// `refused`.
    pub standing: String,
    /// Why it is not good, each fault with its place: `E001 3:1 unknown key …`.
    pub faults: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogueTrigger {
    #[serde(rename = "type")]
    pub trigger_type: String,
    pub enabled: bool,
    /// What it looks at: `git:github.com/shop/checkout`. Nothing, while its file is refused.
    pub looks_at: Vec<String>,
}

impl CatalogueItem {
    pub fn new(entry: &Entry) -> CatalogueItem {
        let (standing, faults) = match &entry.standing {
            Standing::Good => ("good", Vec::new()),
            Standing::Superseded { faults } => ("superseded", faults.clone()),
            Standing::Refused { faults } | Standing::Broken { faults } => {
                ("refused", faults.clone())
            }
        };
        let trigger =
            |outline: &Arc<TriggerOutline>| CatalogueTrigger::new(outline, &entry.triggers);
        CatalogueItem {
            application: entry.application().to_owned(),
            pipeline: entry.pipeline().to_owned(),
            source: entry.source.to_string(),
            path: entry.path.clone(),
            triggers: entry.outline.triggers.iter().map(trigger).collect(),
            standing: standing.to_owned(),
            faults,
        }
    }
}

impl CatalogueTrigger {
    fn new(outline: &TriggerOutline, listening: &[Arc<Listening>]) -> CatalogueTrigger {
        let own = listening.iter().find(|it| it.home.trigger == outline.number);
        let keys = own.map(|it| it.matcher.keys()).unwrap_or_default();
        CatalogueTrigger {
            trigger_type: outline.trigger_type.clone(),
            enabled: outline.activity == Activity::Enabled,
            looks_at: keys.iter().map(ToString::to_string).collect(),
        }
    }
}
