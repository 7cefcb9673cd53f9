//! The platform's own file, `gennaker.yaml`: where environments are, who people are and what they
//! may do, which secrets and hosts pipelines may use.

mod check;
mod confines;
mod database;
mod freezes;
mod panel;
mod people;
mod reading;
mod rules;
mod settings;
mod sources;
mod text;
mod variables;

pub use confines::{Confines, Destination, Within};
pub(crate) use freezes::LOOK_AGAIN_MS;
pub use panel::{Panel, Subject};
pub use people::{Approver, Right};
pub use reading::{FileFaults, Include, Wanted};
pub use rules::{Case, Prior, Verdict};
pub use settings::{Said, Setting};
pub use sources::{KnownRegistry, Owner, Receiver, Serves, Source, SourcePlace, repository_key};
pub use text::{ClusterText, EnvironmentText, Provider, RuleApprovalText, RulesText};
pub(crate) use text::{FreezeText, IncludedText, PlatformText};
pub use variables::Variable;

use crate::{
    Registries,
    admission::{Limit, Limits},
    glob::matches,
    language::{Schemas, closest, publish},
};
use std::{collections::BTreeMap, net::SocketAddr};

/// What the platform's file says, or that there is none.
#[derive(Clone, Debug, Default)]
pub enum Platform {
    /// Nothing is restricted.
    #[default]
    Open,
    File(Box<PlatformText>),
}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    Granted,
    Refused,
}

impl Platform {
    /// The schema of the file, for editors.
    pub fn schema() -> serde_json::Value {
        let told =
            ("https://gennaker.dev/schema/config/v1.json", "The platform's file of Gennaker");
        let mut schema = publish(Schemas::platform(), &Registries::default(), told);
        let place = |key: &str| serde_json::json!({"required": [key]});
        schema["definitions"]["Source"]["oneOf"] = [place("git"), place("directory")].into();
        schema
    }

    pub(crate) fn file(&self) -> Option<&PlatformText> {
        match self {
            Platform::Open => None,
            Platform::File(text) => Some(text),
        }
    }

    /// All of it that decides whether a pipeline's file by itself is at fault: other where any of that
    /// is other. To be compared within one release.
    pub fn bearing(&self) -> String {
        let said = self.file().map(|file| (&file.http, &file.people, &file.roles));
        format!("{said:?}")
    }

    /// The folder of secrets, as it is written.
    pub fn secrets_directory(&self) -> Option<&str> {
        self.file()?.secrets.directory.as_deref()
    }

    /// The address on which `serve` listens beside its socket.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.file()?.server.listen.as_ref()?.parse().ok()
    }

    /// The group whose members may use the socket.
    pub fn socket_group(&self) -> Option<&str> {
        self.file()?.server.socket_group.as_deref()
    }

    /// The clusters that have a name here, and those that environments name by context.
    pub fn clusters(&self) -> BTreeMap<String, ClusterText> {
        let Some(file) = self.file() else { return BTreeMap::new() };
        let named = file.environments.values().map(|it| &it.cluster);
        let context = |name: &String| {
            let known = file.clusters.get(name).cloned();
            let by_context = ClusterText { context: Some(name.clone()), ..ClusterText::default() };
            (name.clone(), known.unwrap_or(by_context))
        };
        named.map(context).collect()
    }

    /// The environments that have a name here, and whether users are served from them.
    pub fn environments(&self) -> impl Iterator<Item = (&str, bool)> {
        let named = self.file().into_iter().flat_map(|file| &file.environments);
        named.map(|(name, environment)| (name.as_str(), environment.production))
    }

    pub(crate) fn environment(&self, name: &str) -> Option<&EnvironmentText> {
        self.file()?.environments.get(name)
    }

    /// What was probably meant by the name of an environment.
    pub(crate) fn near_environment(&self, name: &str) -> String {
        let known = || self.file().into_iter().flat_map(|file| file.environments.keys());
        match closest(name, known().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<&str> = known().map(String::as_str).take(20).collect();
                format!(
                    "gennaker.yaml has {}",
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )
            }
        }
    }

    /// Whether a stage of `application` that acts on `environment`, if on any, may use a secret.
    pub fn secret(&self, name: &str, (application, environment): (&str, Option<&str>)) -> Leave {
        let Some(file) = self.file() else { return Leave::Granted };
        if file.own_secrets().contains(name) {
            return Leave::Refused;
        }
        let grants = file.secrets.grants.iter().any(|grant| {
            let on = |pattern: &String| match environment {
                Some(environment) => matches(pattern, environment),
                None => pattern == "*",
            };
            grant.names.iter().any(|pattern| matches(pattern, name))
                && grant.applications.iter().any(|pattern| matches(pattern, application))
                && grant.environments.iter().any(on)
        });
        if grants { Leave::Granted } else { Leave::Refused }
    }

    /// How many runs an application may have; any number, if there is no file.
    pub fn limits(&self) -> Limits {
        match self.file() {
            None => Limits::default(),
            Some(file) => Limits {
                running: Limit::AtMost(file.limits.runs_per_application),
                queued: Limit::AtMost(file.limits.queued_per_application),
            },
        }
    }

    /// The secrets that are granted by their whole name.
    pub fn granted_secrets(&self) -> Vec<&str> {
        let grants = self.file().into_iter().flat_map(|file| &file.secrets.grants);
        let names = grants.flat_map(|grant| grant.names.iter().map(String::as_str));
        names.filter(|name| !name.contains('*')).collect()
    }

    /// The cluster of each environment, and the namespace as it is written.
    pub fn places(&self) -> Vec<(String, String)> {
        let environments = self.file().into_iter().flat_map(|file| &file.environments);
        let place = |(name, environment): (&String, &EnvironmentText)| {
            let namespace = environment.namespace.clone().unwrap_or_else(|| name.clone());
            (environment.cluster.clone(), namespace)
        };
        environments.map(place).collect()
    }

    /// The requests that pipelines may send, as `METHOD URL-PREFIX`; all, if there is no file.
    pub fn requests(&self) -> Option<&[String]> {
        Some(self.file()?.http.allow.as_slice())
    }
}

#[cfg(test)]
mod tests;
