//! Where pipelines live: repositories as mirrors of their own, and plain folders. What they hold is
//! put on the shelf, from where triggers are asked. Which there are says the platform's file as it is.

mod entries;
mod folder;
mod matching;
mod opening;
mod outlines;
mod repository;
mod seen;

pub(crate) use folder::Folder;
pub(crate) use opening::{Watched, way};
pub(crate) use repository::{Freshness, Looked, Repository, Standing, Version};

use crate::{clusters::Reach, secrets};
use engine_core::{
    Registries,
    catalogue::Outline,
    language::published_schema,
    latest::Latest,
    platform::{Platform, Source},
    stage::Secret,
};
use engine_runtime::{
    inbox::Shelf,
    secrets::{SecretSource, Wanted},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// All of them, as the platform's file had them when it was last read.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) repositories: Vec<Arc<Repository>>,
    pub(crate) folders: Vec<Arc<Folder>>,
}

/// What sources are made of.
pub(crate) struct Ground {
    pub(crate) reach: Latest<Reach>,
    pub(crate) registries: Arc<Registries>,
    pub(crate) shelf: Shelf,
    /// Some repository was looked at for the first time, or tried.
    pub(crate) looked: Notify,
    /// The sources of a platform, which are asked for again and again.
    listed: Mutex<Option<Listed>>,
    facts: Mutex<Option<Facts>>,
}

/// A platform and its sources.
type Listed = (Arc<Platform>, Arc<Vec<Source>>);
/// A platform and what the outlines of files hang on.
type Facts = (Arc<Platform>, Arc<str>);

impl Ground {
    pub(crate) fn new(reach: Latest<Reach>, shelf: Shelf) -> Ground {
        let registries = Arc::new(reach.now().registry());
        let (listed, facts) = (Mutex::default(), Mutex::default());
        Ground { reach, registries, shelf, looked: Notify::new(), listed, facts }
    }

    /// A digest of all that decides what a file's outline says, beside the file: the release, the
    /// language that it reads, and what the platform's file says that files are checked by.
    fn facts(&self) -> Arc<str> {
        let platform = self.platform();
        let mut known = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, facts)) = &*known
            && Arc::ptr_eq(of, &platform)
        {
            return facts.clone();
        }
        let language = published_schema(&self.registries).to_string();
        let release = (env!("CARGO_PKG_VERSION"), Outline::FORMAT);
        let facts = format!("{release:?} {} {language}", platform.bearing());
        let facts: Arc<str> = Arc::from(hex::encode(Sha256::digest(facts)));
        *known = Some((platform, facts.clone()));
        facts
    }

    /// As it is in force.
    fn platform(&self) -> Arc<Platform> {
        self.reach.now().found.platform.clone()
    }

    /// The sources of the platform in force; the same ones as long as it says the same of them.
    fn listed(&self) -> Arc<Vec<Source>> {
        let platform = self.platform();
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, sources)) = &*listed
            && Arc::ptr_eq(of, &platform)
        {
            return sources.clone();
        }
        let sources = platform.sources();
        let sources = match listed.take() {
            Some((_, before)) if *before == sources => before,
            Some(_) | None => Arc::new(sources),
        };
        *listed = Some((platform, sources.clone()));
        sources
    }
}

impl Sources {
    /// The repository that has one of these names.
    pub(crate) fn repository(&self, names: &[&str]) -> Option<&Arc<Repository>> {
        self.repositories.iter().find(|it| names.contains(&it.key()))
    }

    pub(crate) fn of_name(&self, name: &str) -> Option<&Arc<Repository>> {
        self.repositories.iter().find(|it| &**it.name() == name)
    }

    pub(crate) fn folder(&self, name: &str) -> Option<&Arc<Folder>> {
        self.folders.iter().find(|it| &**it.name() == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let folders = self.folders.iter().map(|it| it.name());
        self.repositories.iter().map(|it| it.name()).chain(folders)
    }
}

/// A secret that the engine itself works with; no grant is asked for.
pub(crate) fn own(kept: &dyn SecretSource, name: &str) -> anyhow::Result<Secret> {
    let (name, application) = (name.to_owned(), String::new());
    let wanted = Wanted { name, application, environment: None };
    let secret = kept.find(&wanted)?;
    secrets::learn(&secret);
    Ok(secret)
}
