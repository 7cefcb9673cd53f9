//! Where pipelines live: repositories as mirrors of their own, and plain folders. What they hold is
//! put on the shelf, from where triggers are asked.

mod entries;
mod folder;
mod matching;
mod repository;
mod seen;

pub(crate) use folder::Folder;
pub(crate) use repository::{Looked, Repository, Version};
use repository::{Opening, Replica};

use crate::{clusters::Reach, secrets};
use anyhow::Context;
use artifacts::git::{Allowance, Capacity, Credentials, Git, Limits, Origin, RemoteUrl};
use engine_core::{
    Registries,
    latest::Latest,
    platform::{Platform, Source, SourcePlace},
    stage::Secret,
};
use engine_runtime::{
    inbox::Shelf,
    secrets::{SecretSource, Wanted},
};
use std::{path::Path, sync::Arc};

/// All of them.
pub(crate) struct Sources {
    pub(crate) repositories: Vec<Arc<Repository>>,
    pub(crate) folders: Vec<Arc<Folder>>,
}

/// What sources are made of.
pub(crate) struct Ground {
    pub(crate) reach: Latest<Reach>,
    pub(crate) registries: Arc<Registries>,
    pub(crate) shelf: Shelf,
}

impl Ground {
    /// As it is in force.
    fn platform(&self) -> Arc<Platform> {
        self.reach.now().found.platform.clone()
    }
}

impl Sources {
    /// Those of the platform's file; without any, the folder in which the program was started, if it
    /// has pipelines. Speaks to no server.
    pub(crate) async fn open(
        state: &Path,
        ground: &Arc<Ground>,
        kept: &dyn SecretSource,
    ) -> anyhow::Result<Sources> {
        let listed = ground.platform().sources();
        let mut sources = Sources { repositories: Vec::new(), folders: Vec::new() };
        if listed.is_empty() {
            sources.folders.extend(Folder::started_in(ground.clone()).map(Arc::new));
            return Ok(sources);
        }
        let mut git = None;
        for (place, source) in listed.into_iter().enumerate() {
            match &source.place {
                SourcePlace::Directory { path } => {
                    let root = ground.reach.now().found.path(path);
                    let folder = Folder::new((place, source), root, ground.clone());
                    sources.folders.push(Arc::new(folder));
                }
                SourcePlace::Git { .. } => {
                    let git = match &git {
                        Some(git) => git,
                        None => git.insert(Git::find(Capacity::default()).await?),
                    };
                    let replica = replica(git, state, (&source, kept)).await;
                    let replica = replica
                        .with_context(|| format!("source {} cannot be opened", source.name()))?;
                    let repository = Repository::new((place, source), replica, ground.clone());
                    sources.repositories.push(Arc::new(repository));
                }
            }
        }
        Ok(sources)
    }

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
}

/// In a folder that is named by what the address means, so that another repository is another mirror.
async fn replica(
    git: &Git,
    state: &Path,
    (source, kept): (&Source, &dyn SecretSource),
) -> anyhow::Result<Replica> {
    let SourcePlace::Git { url, credentials, .. } = &source.place else {
        anyhow::bail!("{} is no repository", source.name());
    };
    let credentials = match credentials {
        None => Credentials::None,
        Some(name) => Credentials::of_text(own(kept, name)?.expose()),
    };
    let url = RemoteUrl::parse(url, Allowance::Network)?;
    let directory = state.join("repositories").join(url.identity().folder());
    let origin = Origin { url, credentials, certificate_authority: None };
    let (git, limits) = (git.clone(), Limits::default());
    Ok(Replica::open(Opening { git, directory, origin, limits }).await?)
}

/// A secret that the engine itself works with; no grant is asked for.
pub(crate) fn own(kept: &dyn SecretSource, name: &str) -> anyhow::Result<Secret> {
    let (name, application) = (name.to_owned(), String::new());
    let wanted = Wanted { name, application, environment: None };
    let secret = kept.find(&wanted)?;
    secrets::learn(&secret);
    Ok(secret)
}
