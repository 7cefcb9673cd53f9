//! What may be done in an environment, whatever a pipeline says.

use super::Platform;
use crate::plan::Place;
use serde_json::Value;
use std::fmt;

/// The account that pods run as if nobody says otherwise.
const DEFAULT_ACCOUNT: &str = "default";
/// Where kinds that make pods say as whom these run, at whatever depth.
const ACCOUNT_KEYS: [&str; 2] = ["serviceAccountName", "serviceAccount"];

/// How an environment is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confines {
    /// There is no file.
    Open,
    Within(Within),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    environment: String,
    /// Its own first.
    namespaces: Vec<String>,
    /// `KIND`, or `KIND.GROUP`.
    cluster_kinds: Vec<String>,
    service_accounts: Vec<String>,
    impersonate: Option<String>,
}

/// Where an object goes, as its cluster has it.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    pub group: &'a str,
    pub kind: &'a str,
    /// Nothing for kinds outside of namespaces.
    pub namespace: Option<&'a str>,
}

impl Platform {
    /// The confines of an environment that is planned to be at `place`; or the sentence that says
    /// why it is not there any more.
    pub fn confines(
        &self,
        (environment, application): (&str, &str),
        place: &Place,
    ) -> Result<Confines, String> {
        let Some(file) = self.file() else { return Ok(Confines::Open) };
        let Some(text) = file.environments.get(environment) else {
            return Err(format!("gennaker.yaml has no environment `{environment}` any more"));
        };
        let namespace = text.namespace_for(environment, application);
        if (&text.cluster, &namespace) != (&place.cluster, &place.namespace) {
            return Err(format!(
                "environment `{environment}` was namespace {} of cluster `{}` when the run was \
                 planned, and is namespace {namespace} of cluster `{}` now: start a new run",
                place.namespace, place.cluster, text.cluster
            ));
        }
        let others = text.namespaces.iter().cloned();
        Ok(Confines::Within(Within {
            environment: environment.to_owned(),
            namespaces: std::iter::once(namespace).chain(others).collect(),
            cluster_kinds: text.cluster_kinds.clone(),
            service_accounts: text.service_accounts.clone(),
            impersonate: text.impersonate.clone(),
        }))
    }
}

impl Confines {
    /// The account in whose name calls are made, if it is not the engine's own.
    pub fn impersonated(&self) -> Option<&str> {
        match self {
            Confines::Open => None,
            Confines::Within(within) => within.impersonate.as_deref(),
        }
    }

    /// Why an object must not be written there, in every respect.
    pub fn objections(&self, object: &Value, to: Destination<'_>) -> Vec<String> {
        let Confines::Within(within) = self else { return Vec::new() };
        let mut all: Vec<String> = within.place(to).into_iter().collect();
        let mut accounts = Vec::new();
        if let Some(spec) = object.get("spec") {
            named_accounts(spec, &mut accounts);
        }
        all.extend(accounts.into_iter().filter_map(|account| within.account(account)));
        all.dedup();
        all
    }
}

impl Within {
    fn place(&self, to: Destination<'_>) -> Option<String> {
        let environment = &self.environment;
        match to.namespace {
            Some(namespace) if self.namespaces.iter().any(|it| it == namespace) => None,
            Some(namespace) => Some(format!(
                "namespace {namespace} is not open to environment `{environment}`: its \
                 `namespaces` in gennaker.yaml would have it"
            )),
            None if self.cluster_kinds.iter().any(|it| means(it, to)) => None,
            None => Some(format!(
                "{} is a kind outside of namespaces, and not open to environment \
                 `{environment}`: its `clusterKinds` in gennaker.yaml would have it",
                to.kind
            )),
        }
    }

    fn account(&self, account: &str) -> Option<String> {
        let is_known = |known: &String| known == account;
        if account == DEFAULT_ACCOUNT || self.service_accounts.iter().any(is_known) {
            return None;
        }
        let environment = &self.environment;
        Some(format!(
            "service account {account} is not open to environment `{environment}`: its \
             `serviceAccounts` in gennaker.yaml would have it"
        ))
    }
}

/// A line for people.
impl fmt::Display for Within {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |words: &[String]| match words {
            [] => "none".to_owned(),
            words => words.join(", "),
        };
        let accounts = [&[DEFAULT_ACCOUNT.to_owned()], self.service_accounts.as_slice()].concat();
        write!(
            formatter,
            "{}: objects go to {}; kinds outside of namespaces: {}; pods run as {}",
            self.environment,
            listed(&self.namespaces),
            listed(&self.cluster_kinds),
            listed(&accounts)
        )?;
        match &self.impersonate {
            Some(user) => write!(formatter, "; in the name of {user}"),
            None => Ok(()),
        }
    }
}

fn means(pattern: &str, to: Destination<'_>) -> bool {
    match pattern.split_once('.') {
        None => pattern == to.kind,
        Some(named) => named == (to.kind, to.group),
    }
}

/// The accounts that pods are to run as. Empty ones stand for the default.
fn named_accounts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(name) if ACCOUNT_KEYS.contains(&key.as_str()) => {
                        if !name.is_empty() {
                            found.push(name);
                        }
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                    Value::Array(_) | Value::Object(_) => named_accounts(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named_accounts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
