//! Opens and closes sources as the platform's file comes to name them and names them no more.

use super::{
    Folder, Ground, Repository, Sources, own,
    repository::{Opening, Replica},
};
use crate::platform::Found;
use anyhow::Context;
use artifacts::git::{Allowance, Capacity, Credentials, Git, Limits, Origin, RemoteUrl};
use engine_core::{
    catalogue::Catalogue,
    latest::Latest,
    platform::{KnownRegistry, Source, SourcePlace, repository_key},
};
use engine_runtime::{inbox::Edition, secrets::SecretSource};
use futures::StreamExt;
use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::{
    sync::{Notify, OnceCell},
    task::spawn_blocking,
};

/// Repositories that are opened at once.
const AT_ONCE: usize = 8;

/// The sources of an engine that stays, and how there come to be others.
pub(crate) struct Watched {
    state: PathBuf,
    ground: Arc<Ground>,
    git: OnceCell<Git>,
    current: Latest<Sources>,
    /// By their folder: a mirror is opened once, however often its source comes and goes.
    replicas: Mutex<HashMap<PathBuf, Weak<Replica>>>,
    /// What was said of registries last, and how often it was something else.
    registries: Mutex<(Vec<KnownRegistry>, u64)>,
}

impl Watched {
    /// Those of the platform in force. Speaks to no server.
    pub(crate) async fn open(
        state: &Path,
        ground: Arc<Ground>,
        kept: &dyn SecretSource,
    ) -> anyhow::Result<Watched> {
        let (state, current) = (state.to_owned(), Latest::new(Sources::default()));
        let (git, replicas, registries) = (OnceCell::new(), Mutex::default(), Mutex::default());
        let watched = Watched { state, ground, git, current, replicas, registries };
        let reach = watched.ground.reach.now();
        watched.take(watched.prepare(&reach.found, kept).await?).await;
        // A source that comes later begins anew, whatever is left of it from before.
        let repositories = watched.now().repositories.clone();
        let restored = repositories.iter().map(|it| it.restore());
        futures::stream::iter(restored).buffer_unordered(AT_ONCE).collect::<()>().await;
        Ok(watched)
    }

    pub(crate) fn now(&self) -> Arc<Sources> {
        self.current.now()
    }

    /// Tells when some repository was looked at for the first time.
    pub(crate) fn looked(&self) -> &Notify {
        &self.ground.looked
    }

    /// The sources of a platform that is not in force yet; without any, the folder in which the program
    /// was started, if it has pipelines. Nothing has changed if this fails, nor before they are taken.
    pub(crate) async fn prepare(
        &self,
        found: &Found,
        kept: &dyn SecretSource,
    ) -> anyhow::Result<Sources> {
        let (listed, before) = (found.platform.sources(), self.now());
        let mut sources = Sources::default();
        if listed.is_empty() {
            let started_in = Folder::started_in(self.ground.clone());
            sources.folders.extend(started_in.map(Arc::new));
            return Ok(sources);
        }
        for source in listed {
            match &source.place {
                SourcePlace::Directory { path } => {
                    let root = found.path(path);
                    let folder = Folder::new(source, root, self.ground.clone());
                    sources.folders.push(Arc::new(folder));
                }
                SourcePlace::Git { .. } => {
                    let name = source.name().to_owned();
                    let opened = self.repository(source, (&before, kept)).await;
                    let opened =
                        opened.with_context(|| format!("source {name} cannot be opened"))?;
                    sources.repositories.push(opened);
                }
            }
        }
        Ok(sources)
    }

    /// The same one where nothing is said of it that was not said before, with all that is known of it
    /// where it is the same repository.
    async fn repository(
        &self,
        source: Source,
        (before, kept): (&Sources, &dyn SecretSource),
    ) -> anyhow::Result<Arc<Repository>> {
        let origin = way(&source, kept)?;
        let key = repository_key(source.name());
        if let Some(before) = before.repositories.iter().find(|it| it.key() == key) {
            if (before.source(), before.way()) == (&source, &origin) {
                return Ok(before.clone());
            }
            before.judge(&origin)?;
            return Ok(Arc::new(before.renewed(source, origin)));
        }
        let replica = self.replica(&origin).await?;
        Ok(Arc::new(Repository::new((source, origin), replica, self.ground.clone())))
    }

    /// In a folder that is named by what the address means, so that another repository is another
    /// mirror.
    async fn replica(&self, origin: &Origin) -> anyhow::Result<Arc<Replica>> {
        let directory = self.state.join("repositories").join(origin.url.identity().folder());
        let known = || self.replicas.lock().unwrap_or_else(PoisonError::into_inner);
        let open = known().get(&directory).and_then(Weak::upgrade);
        if let Some(open) = open {
            open.judge(origin)?;
            return Ok(open);
        }
        let git = self.git.get_or_try_init(|| Git::find(Capacity::default())).await?.clone();
        let (origin, limits) = (origin.clone(), Limits::default());
        let opening = Opening { git, directory: directory.clone(), origin, limits };
        let replica = Arc::new(Replica::open(opening).await?);
        known().retain(|_, it| it.strong_count() > 0);
        known().insert(directory, Arc::downgrade(&replica));
        Ok(replica)
    }

    /// From here on these are the sources. What is none any more leaves the shelf, and what belongs to
    /// whom is judged again everywhere.
    pub(crate) async fn take(&self, sources: Sources) {
        let sources = Arc::new(sources);
        let before = self.now();
        self.current.replace(sources.clone());
        let stays =
            |it: &Arc<Repository>| sources.repositories.iter().any(|new| Arc::ptr_eq(it, new));
        before.repositories.iter().filter(|it| !stays(it)).for_each(|it| it.close());
        before.folders.iter().for_each(|it| it.close());
        for repository in &sources.repositories {
            if let Err(error) = repository.open() {
                tracing::error!(repository = repository.key(), %error, "it keeps its credentials");
            }
        }
        let names: BTreeSet<&Arc<str>> = sources.names().collect();
        let gone = before.names().filter(|it| !names.contains(it));
        let gone: Vec<Arc<str>> = gone.cloned().collect();
        self.ground
            .shelf
            .change(|shelf: &mut Catalogue| gone.iter().for_each(|it| shelf.remove(it)));
        self.look_at_folders().await;
        let repositories = sources.repositories.clone();
        tokio::spawn(async move {
            for repository in repositories {
                repository.shelve_again().await;
            }
        });
    }

    /// Another one as soon as anything else is said of any of them.
    pub(crate) fn edition_of_registries(&self, known: &[KnownRegistry]) -> Edition {
        let mut said = self.registries.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, edition) = &mut *said;
        if before != known {
            (*before, *edition) = (known.to_owned(), *edition + 1);
        }
        Edition(*edition)
    }

    /// Reads the folders again in which something has changed.
    pub(crate) async fn look_at_folders(&self) {
        for folder in self.now().folders.clone() {
            drop(spawn_blocking(move || folder.look()).await);
        }
    }
}

/// How a repository is reached, and what it is shown.
pub(crate) fn way(source: &Source, kept: &dyn SecretSource) -> anyhow::Result<Origin> {
    let SourcePlace::Git { url, credentials, .. } = &source.place else {
        anyhow::bail!("{} is no repository", source.name());
    };
    let credentials = match credentials {
        None => Credentials::None,
        Some(name) => Credentials::of_text(own(kept, name)?.expose()),
    };
    let url = RemoteUrl::parse(url, Allowance::Network)?;
    Ok(Origin { url, credentials, certificate_authority: None })
}
