//! Registries of images and charts, as a client sees them: which digest a reference has, which tags
//! a repository has, and what became of them since they were last looked at.
//!
//! Every call has a deadline, answers are cut at a size, credentials stay with the host that they
//! are for, and a host that does not answer is left alone for a while without slowing another.

mod answer;
mod challenge;
mod charts;
mod circuit;
mod digest;
mod error;
mod filter;
mod host;
mod index;
mod manifest;
mod origin;
mod poll;
mod polling;
mod resolve;
mod settings;
mod tags;

pub use charts::{ChartVersion, Charts};
pub use error::RegistryError;
pub use filter::{FilterError, TagFilter};
pub use manifest::{Kind, Manifest, Platform, PlatformError};
pub use poll::{Change, Digests, Finding, Found, TagCursor, TagPoll, Told, TooMany};
pub use polling::{Pace, Polled};
pub use settings::{Credentials, Others, Reveal, Settings, SettingsFault, Standing, Transport};
pub use tags::{Listing, PageCursor, TagPage, TagsFrom, Validators};

use crate::reference::Repository;
use host::{Call, Host};
use reqwest::Method;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// Of hosts that nobody declared, how many are remembered.
const MAX_OTHERS: usize = 1_024;
/// Of what a registry says of itself.
const GREETING_BYTES: usize = 64 * 1024;
const DOCKER_HUB: &str = "docker.io";

/// The registries that may be asked. Clones share connections, tokens and what is known of hosts
/// that do not answer.
#[derive(Clone, Default)]
pub struct Registries {
    shared: Arc<RwLock<Arc<Shared>>>,
}

#[derive(Default)]
struct Shared {
    declared: BTreeMap<String, Settings>,
    /// The names of those, to which registries may send for tokens.
    names: Arc<BTreeSet<String>>,
    others: Others,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

impl Registries {
    /// Those with settings, by host as references write it, with its port if it has one.
    pub fn new(
        declared: BTreeMap<String, Settings>,
        others: Others,
    ) -> Result<Registries, Vec<SettingsFault>> {
        let (mut kept, mut faults) = (BTreeMap::new(), Vec::new());
        for (host, settings) in declared {
            match Host::open(&name(&host), settings.clone(), Arc::default()) {
                Ok(_) => drop(kept.insert(name(&host), settings)),
                Err(error) => faults.push(SettingsFault { host, reason: error.to_string() }),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let names = Arc::new(kept.keys().cloned().collect());
        let hosts = Mutex::default();
        let shared = Arc::new(Shared { declared: kept, names, others, hosts });
        Ok(Registries { shared: Arc::new(RwLock::new(shared)) })
    }

    /// Knows what `other` knows from now on, and nothing else. Questions under way go on as they
    /// began.
    pub fn replace(&self, other: &Registries) {
        let shared = other.now();
        *self.shared.write().unwrap_or_else(PoisonError::into_inner) = shared;
    }

    fn now(&self) -> Arc<Shared> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is known of the registry of a repository.
    pub fn standing(&self, repository: &Repository) -> Standing {
        let shared = self.now();
        let declares = |host: &str| shared.declared.contains_key(&name(host));
        match repository.normal().registry {
            Some(host) if declares(&host) => Standing::Declared,
            Some(_) | None => Standing::Other,
        }
    }

    /// Whether it answers, and takes what it is shown; what there is in it is not asked.
    pub async fn greet(&self, written: &str) -> Result<(), RegistryError> {
        let call = Call {
            method: Method::GET,
            path: "v2/",
            what: "its greeting",
            repository: "",
            accept: "application/json",
            limit: GREETING_BYTES,
            known: None,
        };
        match self.host(written)?.ask(&call).await {
            // It has charts only, and speaks another language.
            Ok(_) | Err(RegistryError::Missing { .. } | RegistryError::TooLarge { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn host_of(&self, repository: &Repository) -> Result<Arc<Host>, RegistryError> {
        self.host(repository.normal().registry.as_deref().unwrap_or(DOCKER_HUB))
    }

    fn host(&self, written: &str) -> Result<Arc<Host>, RegistryError> {
        let (shared, name) = (self.now(), name(written));
        let mut hosts = shared.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(&name) {
            return Ok(host.clone());
        }
        let settings = match (shared.declared.get(&name), shared.others) {
            (Some(settings), _) => settings.clone(),
            (None, Others::Anonymous) => Settings::default(),
            (None, Others::Refused) => {
                let reason = "gennaker.yaml does not name it under `registries`".to_owned();
                return Err(RegistryError::Refused { host: name, reason });
            }
        };
        if hosts.len() >= MAX_OTHERS + shared.declared.len() {
            hosts.retain(|name, _| shared.declared.contains_key(name));
        }
        let host = Arc::new(Host::open(&name, settings, shared.names.clone())?);
        hosts.insert(name, host.clone());
        Ok(host)
    }
}

/// What a host is called here.
fn name(host: &str) -> String {
    match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" | DOCKER_HUB => DOCKER_HUB.to_owned(),
        other => other.to_owned(),
    }
}
