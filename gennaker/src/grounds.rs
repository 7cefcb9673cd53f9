//! The places that happenings speak of, as this process reaches them; and what a pipeline there needs
//! to become a run.

mod broken;
mod registries;
mod standing;

use crate::{
    callees::{self, Neighbours},
    sources::{Folder, Freshness, Looked, Repository, Version, Watched},
    submit::{Images, Of, Submitted, ready},
};
use engine_api::NotBegun;
use engine_core::{
    BoxFuture, Plan,
    catalogue::Entry,
    diagnostic::{self, SourceFile},
    event::Trigger,
    files::{FileRequest, Files},
    happening::{Git, Happening},
    pipeline::{Bindings, Missing},
    plan::Origin,
    trigger::{Commit, IndexKey, PollError, Polled, Proof},
};
use engine_runtime::{
    engine::NewRun,
    inbox::{
        Confirmed, Edition, Grounds, Interval, Later, Listing, Own, Pinned, Settling, Shelf,
        Stands, Subject, Unprepared, Wanted,
    },
    seal::Sealer,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{runtime::Handle, task::block_in_place, time::timeout};

pub(crate) struct Places {
    pub(crate) sources: Arc<Watched>,
    pub(crate) submitted: Arc<Submitted>,
    pub(crate) sealer: Sealer,
    /// What triggers look at.
    pub(crate) shelf: Shelf,
}

/// How long a decision waits for sources that nobody has looked at yet.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_FOR_ONE: Duration = Duration::from_secs(1);

/// Where the file of a pipeline lies, and as what.
enum Lies {
    AtCommit(Arc<Repository>, Box<Version>),
    InFolder(Arc<Folder>, SourceFile),
}

impl Grounds for Places {
    fn confirm<'a>(&'a self, happening: &'a Happening) -> BoxFuture<'a, Result<Confirmed, Later>> {
        Box::pin(async move {
            match happening {
                Happening::Git(git) => self.confirm_git(git).await,
                Happening::Image(image) => self.confirm_image(image).await,
                Happening::Chart(chart) => self.confirm_chart(chart).await,
                Happening::Hook(_) | Happening::Time(_) | Happening::Ended(_) => {
                    let happening = Box::new(happening.clone());
                    Ok(Confirmed::Yes { happening, own: Own::None })
                }
            }
        })
    }

    fn place(&self, happening: &Happening) -> IndexKey {
        let sources = self.sources.now();
        let repository = match happening {
            Happening::Git(git) => sources.repository(&names(git)),
            Happening::Image(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => None,
        };
        let key = |it: &Arc<Repository>| IndexKey::Git { repository: it.key().to_owned() };
        repository.map_or_else(|| IndexKey::of(happening), key)
    }

    fn subjects(&self) -> Vec<Subject> {
        let repository = |it: &Arc<Repository>| {
            let key = IndexKey::Git { repository: it.key().to_owned() };
            let interval = Duration::from_millis(it.source().poll.milliseconds());
            Subject { key, interval: Interval(interval), edition: Edition(it.edition()) }
        };
        let sources = self.sources.now();
        let mut subjects: Vec<Subject> = sources.repositories.iter().map(repository).collect();
        subjects.extend(self.in_registries());
        subjects
    }

    fn listing(&self) -> Listing {
        let (sources, shelf) = (self.sources.now(), self.shelf.read());
        let is_seen = |it: &Arc<Repository>| it.freshness() == Freshness::Seen;
        let are_seen = sources.repositories.iter().all(is_seen);
        match are_seen && sources.names().all(|name| shelf.has(name)) {
            true => Listing::Whole,
            false => Listing::Partial,
        }
    }

    fn refresh<'a>(&'a self, source: &'a str) -> BoxFuture<'a, Result<(), PollError>> {
        Box::pin(async move {
            let repository = self.sources.now().of_name(source).cloned();
            match repository {
                Some(repository) => repository.refresh().await,
                // A folder, which is read when the engine starts.
                None => Ok(()),
            }
        })
    }

    fn settling(&self) -> Settling {
        let unseen = |it: &Arc<Repository>| it.freshness() == Freshness::Unseen;
        match self.sources.now().repositories.iter().any(unseen) {
            true => Settling::UnderWay,
            false => Settling::Done,
        }
    }

    fn settled(&self) -> BoxFuture<'_, Vec<Arc<str>>> {
        Box::pin(async move {
            let wait = async {
                loop {
                    let looked = self.sources.looked();
                    let news = looked.notified();
                    if self.settling() == Settling::Done {
                        return;
                    }
                    // Also where sources have gone meanwhile.
                    drop(timeout(PATIENCE_FOR_ONE, news).await);
                }
            };
            drop(timeout(PATIENCE, wait).await);
            let sources = self.sources.now();
            let unseen = sources.repositories.iter().filter(|it| it.freshness() != Freshness::Seen);
            unseen.map(|it| it.name().clone()).collect()
        })
    }

    fn poll<'a>(
        &'a self,
        subject: &'a Subject,
        cursor: Option<serde_json::Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(async move {
            let gone =
                || PollError::Refused { reason: format!("{} is asked by nobody", subject.key) };
            match &subject.key {
                IndexKey::Git { repository } => {
                    let sources = self.sources.now();
                    let found = sources.repository(&[repository.as_str()]);
                    found.ok_or_else(gone)?.poll(cursor).await
                }
                key @ (IndexKey::Image { .. } | IndexKey::Chart { .. }) => {
                    self.poll_registry(key, cursor).await
                }
                IndexKey::Hook { .. } | IndexKey::Time { .. } | IndexKey::Ended { .. } => {
                    Err(gone())
                }
            }
        })
    }

    fn stands<'a>(&'a self, pinned: &'a Pinned) -> BoxFuture<'a, Stands> {
        Box::pin(self.standing(pinned))
    }

    fn prepare<'a>(&'a self, wanted: Wanted) -> BoxFuture<'a, Result<NewRun, Unprepared>> {
        Box::pin(self.prepared_or_broken(wanted))
    }
}

impl Places {
    async fn confirm_git(&self, git: &Git) -> Result<Confirmed, Later> {
        let sources = self.sources.now();
        let Some(repository) = sources.repository(&names(git)) else {
            let reason = "no source is this repository: gennaker.yaml lists them".to_owned();
            return Ok(Confirmed::No { reason });
        };
        match repository.look(git).await {
            Ok(Looked::So(git, own)) => {
                let happening = Box::new(Happening::Git(*git));
                Ok(Confirmed::Yes { happening, own })
            }
            Ok(Looked::NotSo(reason)) => Ok(Confirmed::No { reason }),
            Err(error) if error.may_pass() => Err(Later { reason: error.to_string(), after: None }),
            Err(error) => Ok(Confirmed::No { reason: error.to_string() }),
        }
    }

    pub(crate) async fn prepared(&self, wanted: &Wanted) -> Result<NewRun, Unprepared> {
        let lies = self.lies(&wanted.entry, &wanted.commit).await?;
        let source = lies.file();
        let bindings = Bindings {
            parameters: wanted.parameters.clone(),
            actor: wanted.actor.name.clone(),
            trigger: wanted.trigger.clone(),
            missing: Missing::Refused,
            origin: lies.origin(),
        };
        let requests = self.submitted.requests(source, &bindings);
        let files = self.files(&lies, &requests).await?;
        let of = lies.of();
        // What may not be is told before any cluster is asked who it is.
        let unasked = self.submitted.unasked((source, &files), &bindings, of);
        let unasked = unasked.map_err(unprepared)?;
        unproven(&unasked, wanted)?;
        let made_of = ((source, &files), &bindings);
        let plan = self.submitted.asked(unasked, made_of, (Images::Asked, of)).await;
        let plan = plan.map_err(unprepared)?;
        let called = self.called(&lies).await?;
        let ready = ready(&self.sealer, (plan, &files), (source, Vec::new()));
        let ready = ready.coming(of).calling(callees::kept(&self.sealer, called));
        Ok(NewRun {
            plan: ready.plan,
            trigger: wanted.trigger.clone(),
            actor: wanted.actor.clone(),
            ancestry: wanted.ancestry.clone(),
            parent: None,
            offers: Vec::new(),
            files: ready.files,
            key: Some(wanted.key.clone()),
        })
    }

    async fn lies(&self, entry: &Entry, commit: &Commit) -> Result<Lies, Unprepared> {
        let sources = self.sources.now();
        if let Some(repository) = sources.of_name(&entry.source) {
            let version = repository.version(commit, &entry.path).await.map_err(of_git)?;
            let version = version.map_err(|reason| Unprepared::Refused { reason })?;
            return Ok(Lies::AtCommit(repository.clone(), Box::new(version)));
        }
        let gone =
            || Unprepared::Refused { reason: format!("{} is no source any more", entry.source) };
        let folder = sources.folder(&entry.source).ok_or_else(gone)?;
        let file = folder.file(&entry.path).map_err(|reason| Unprepared::Refused { reason })?;
        Ok(Lies::InFolder(folder.clone(), file))
    }

    async fn files(&self, lies: &Lies, requests: &[FileRequest]) -> Result<Files, Unprepared> {
        let name = |content: &[u8]| self.sealer.name(content);
        match lies {
            Lies::AtCommit(repository, version) => {
                repository.files(&version.commit, requests, &name).await.map_err(of_git)
            }
            Lies::InFolder(folder, _) => Ok(block_in_place(|| folder.read(requests, &name))),
        }
    }

    /// The pipelines that its stages start, from where it lies itself.
    async fn called(&self, lies: &Lies) -> Result<BTreeMap<String, callees::Beside>, Unprepared> {
        if self.submitted.read(lies.file()).callees().is_empty() {
            return Ok(BTreeMap::new());
        }
        let (file, neighbours) = match lies {
            Lies::AtCommit(repository, version) => {
                let path = version.file.path();
                let others = repository.neighbours(&version.commit, path).await.map_err(of_git)?;
                (&version.file, others)
            }
            Lies::InFolder(folder, file) => (file, folder.neighbours(file.path())),
        };
        let read = |requests: &[FileRequest]| {
            // Reading is quick: the objects are on this machine.
            let files = block_in_place(|| Handle::current().block_on(self.files(lies, requests)));
            files.unwrap_or_default()
        };
        let sources = || neighbours.clone();
        let registry = self.submitted.reach.now().registry();
        let neighbours = Neighbours { registry: &registry, sources: &sources, read: &read };
        callees::closure(file, &neighbours).map_err(|faults| {
            let told = diagnostic::json(file, &faults);
            let told = told.iter().filter_map(|fault| serde_json::to_value(fault).ok());
            Unprepared::Invalid { faults: in_short(&told.collect::<Vec<_>>()) }
        })
    }
}

/// What a repository is called by whoever tells of it.
fn names(git: &Git) -> Vec<&str> {
    let aliases = git.aliases.iter().map(String::as_str);
    std::iter::once(git.repository.as_str()).chain(aliases).collect()
}

impl Lies {
    fn file(&self) -> &SourceFile {
        match self {
            Lies::AtCommit(_, version) => &version.file,
            Lies::InFolder(_, file) => file,
        }
    }

    /// Its source, if the platform's file is to say what that may do.
    fn of(&self) -> Of<'_> {
        match self {
            Lies::AtCommit(repository, _) => Of::Source(repository.name()),
            Lies::InFolder(folder, _) if folder.is_listed() => Of::Folder(folder.name()),
            Lies::InFolder(..) => Of::Anybody,
        }
    }

    fn origin(&self) -> Option<Origin> {
        match self {
            Lies::AtCommit(_, version) => Some(version.origin.clone()),
            Lies::InFolder(..) => None,
        }
    }
}

/// What nobody has proven never reaches a production environment.
fn unproven(plan: &Plan, wanted: &Wanted) -> Result<(), Unprepared> {
    let Trigger::Event(fired) = &wanted.trigger else { return Ok(()) };
    let fired = wanted.entry.triggers.iter().find(|it| it.home.trigger == fired.number);
    let door = fired.and_then(|listening| listening.matcher.door());
    let is_open = door.is_some_and(|door| door.proof == Proof::None);
    let production = plan.document().environments.iter().find(|(_, place)| place.production);
    match (is_open, production) {
        (true, Some((name, _))) => Err(Unprepared::Refused {
            reason: format!(
                "{name} is a production environment, and whoever posts here proves nothing \
                 (`verify: none`): name a scheme and a secret"
            ),
        }),
        (true, None) | (false, _) => Ok(()),
    }
}

fn of_git(error: artifacts::git::GitError) -> Unprepared {
    let reason = error.to_string();
    match error.may_pass() {
        true => Unprepared::Later(Later { reason, after: None }),
        false => Unprepared::Refused { reason },
    }
}

fn unprepared(error: NotBegun) -> Unprepared {
    match error {
        // The file is as it should be; whoever keeps gennaker.yaml may come to give it what it names.
        NotBegun::Invalid { diagnostics } if diagnostics.iter().all(is_ungranted) => {
            Unprepared::Refused { reason: in_short(&diagnostics).join("; ") }
        }
        NotBegun::Invalid { diagnostics } => Unprepared::Invalid { faults: in_short(&diagnostics) },
        NotBegun::Refused { reason } | NotBegun::Full { reason } => Unprepared::Refused { reason },
        NotBegun::Unavailable { reason } => Unprepared::Later(Later { reason, after: None }),
    }
}

fn is_ungranted(diagnostic: &serde_json::Value) -> bool {
    diagnostic["code"] == "E019" || diagnostic["severity"] == "warning"
}

/// Each in a line: its code, where it is, what it says.
fn in_short(diagnostics: &[serde_json::Value]) -> Vec<String> {
    const MOST: usize = 20;
    let told = |fault: &serde_json::Value| {
        let text = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
        let help = fault["help"].as_str().map(|help| format!(" ({help})")).unwrap_or_default();
        let (line, column) = (&fault["line"], &fault["column"]);
        format!("{} {line}:{column} {}{help}", text("code"), text("message"))
    };
    diagnostics.iter().take(MOST).map(told).collect()
}
