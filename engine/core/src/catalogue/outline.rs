//! What there is to know of a pipeline file without reading it: kept by the hash of its content.
//!
//! Stored formats; another release reads the files anew.

use super::Listening;
use crate::{
    Pipeline, Registries,
    diagnostic::{Diagnostic, Severity, SourceFile},
    template::Template,
    trigger::Home,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Faults that are kept of one file.
const FAULTS: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outline {
    pub name: Option<String>,
    /// Unless it is said, the name.
    pub application: Option<String>,
    pub description: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Shared with what listens: there are many of them.
    #[serde(with = "shared")]
    pub triggers: Vec<Arc<TriggerOutline>>,
    /// What is wrong with it by itself, each with its line: `E001 3:1 unknown key …`.
    pub faults: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerOutline {
    #[serde(rename = "type")]
    pub trigger_type: String,
    /// Its place in the file, from 0.
    pub number: u32,
    pub activity: Activity,
    pub config: Value,
    /// Bare CEL over `trigger` and `application`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Template>,
}

/// Whether a trigger starts anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Activity {
    Enabled,
    Disabled,
}

impl Outline {
    /// Another one as soon as the same file might come to another outline.
    pub const FORMAT: u32 = 1;

    pub fn of(file: &SourceFile, pipeline: &Pipeline) -> Outline {
        let faults = pipeline.faults().iter().filter(|it| it.severity == Severity::Error);
        Outline {
            name: pipeline.name().map(str::to_owned),
            application: pipeline.application().map(str::to_owned),
            description: pipeline.description().map(str::to_owned),
            labels: pipeline.labels().clone(),
            triggers: pipeline.trigger_outlines().into_iter().map(Arc::new).collect(),
            faults: faults.take(FAULTS).map(|fault| in_short(file, fault)).collect(),
        }
    }

    pub fn application(&self) -> &str {
        self.application.as_deref().or(self.name.as_deref()).unwrap_or_default()
    }

    /// Its triggers, ready to be asked; of a broken file those that could be read.
    pub fn listening(
        &self,
        registries: &Registries,
        repository: Option<&str>,
    ) -> Vec<Arc<Listening>> {
        let listening = |outline: &Arc<TriggerOutline>| {
            let home = Home {
                application: self.application().to_owned(),
                pipeline: self.name.clone().unwrap_or_default(),
                trigger: outline.number,
                repository: repository.map(str::to_owned),
            };
            let kind = registries.triggers.get(&outline.trigger_type)?;
            let matcher = kind.compile(&outline.config, &home).ok()?;
            Some(Arc::new(Listening { home, outline: outline.clone(), matcher }))
        };
        self.triggers.iter().filter_map(listening).collect()
    }
}

/// As lists of the things themselves.
mod shared {
    use super::TriggerOutline;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(
        triggers: &[Arc<TriggerOutline>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(triggers.iter().map(|trigger| &**trigger))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<TriggerOutline>>, D::Error> {
        let triggers = Vec::<TriggerOutline>::deserialize(deserializer)?;
        Ok(triggers.into_iter().map(Arc::new).collect())
    }
}

/// One line of a diagnostic.
pub(super) fn in_short(file: &SourceFile, fault: &Diagnostic) -> String {
    let at = file.position(fault.primary.span.start);
    format!("{} {}:{} {}", fault.code, at.line, at.column, fault.message)
}
