//! One repository of pipelines: what it holds, what is new in it, whether what is told of it is so.

mod looking;
mod reading;
mod upkeep;

use super::{
    Ground,
    entries::{Found, Shelving},
    seen::{Good, Seen},
};
use artifacts::git::{
    Blob, GitError, ObjectId, PathPattern, RefChange, RefKind, RefName, RefPattern, Refs, Tree,
};
use engine_core::{
    catalogue::{Entry, Outline, Standing},
    diagnostic::SourceFile,
    happening::{Change, ChangedPaths, Git, Happening},
    plan::Origin,
    platform::{Leave, Platform, Source, SourcePlace, repository_key},
    trigger::{PollError, Polled, Rest},
};
use engine_runtime::inbox::Own;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Mutex as Turn;

/// Pushes whose earlier commit is remembered, so that looking again finds the same.
const REMEMBERED: usize = 256;
/// Outlines that are kept by the name of their content.
const OUTLINES: usize = 20_000;

pub(super) use upkeep::{Opening, Replica};

pub(crate) struct Repository {
    place: usize,
    source: Source,
    name: Arc<str>,
    key: String,
    replica: Replica,
    ground: Arc<Ground>,
    outlines: Mutex<HashMap<String, Arc<Outline>>>,
    state: Turn<State>,
}

#[derive(Default)]
struct State {
    seen: Seen,
    /// What a branch stood at before it was pushed to a commit.
    before: VecDeque<((String, ObjectId), Option<ObjectId>)>,
    default: Option<String>,
    /// By what its shelf was filled last.
    shelved: Option<(Arc<Platform>, ObjectId)>,
}

/// What is to be seen where something is said to have happened.
pub(crate) enum Looked {
    So(Box<Git>, Own),
    /// The fragment says why it is not, or is not ours to act on.
    NotSo(String),
}

/// A pipeline file at a commit.
pub(crate) struct Version {
    pub(crate) origin: Origin,
    pub(crate) commit: ObjectId,
    pub(crate) file: SourceFile,
}

impl Repository {
    pub(super) fn new(
        (place, source): (usize, Source),
        replica: Replica,
        ground: Arc<Ground>,
    ) -> Repository {
        let (name, key) = (Arc::from(source.name()), repository_key(source.name()));
        let (outlines, state) = (Mutex::default(), Turn::default());
        Repository { place, source, name, key, replica, ground, outlines, state }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How happenings name it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    fn shelving(&self) -> Shelving<'_> {
        Shelving {
            ground: &self.ground,
            place: Some(self.place),
            source: &self.source,
            name: &self.name,
            repository: Some(&self.key),
        }
    }

    /// Branches of the source, and all tags.
    fn wanted(&self) -> Vec<RefPattern> {
        let SourcePlace::Git { branches, .. } = &self.source.place else { return Vec::new() };
        let branches = branches.iter().filter_map(|it| RefPattern::parse(RefKind::Branch, it).ok());
        branches.chain(RefPattern::parse(RefKind::Tag, "**")).collect()
    }

    /// Asks what is new, and puts what it holds on the shelf.
    pub(crate) async fn poll(
        &self,
        cursor: Option<serde_json::Value>,
    ) -> Result<Polled, PollError> {
        let known: Option<Seen> = cursor.and_then(|cursor| serde_json::from_value(cursor).ok());
        let used = self.replica.mirror();
        let polled = match self.polled(known.as_ref()).await {
            Err(error) => match self.mend(error, &used).await {
                Ok(()) => self.polled(known.as_ref()).await,
                Err(error) => Err(error),
            },
            polled => polled,
        };
        self.replica.tend();
        polled.map_err(poll_error)
    }

    async fn polled(&self, known: Option<&Seen>) -> Result<Polled, GitError> {
        let mut state = self.state.lock().await;
        if let (Some(known), true) = (known, state.seen.refs.is_empty()) {
            state.seen = known.clone();
        }
        let refs = self.caught_up().await?;
        self.shelve(&mut state, &refs).await?;
        let mut happenings = Vec::new();
        if let Some(known) = known {
            for change in self.replica.mirror().changes(&known.objects(), &refs).await? {
                happenings.push(Happening::Git(self.told(&change, &refs)));
            }
        }
        state.seen.put_refs(&refs);
        let cursor = serde_json::to_value(&state.seen).unwrap_or_default();
        Ok(Polled { happenings, cursor, rest: Rest::None })
    }

    /// What the server has now of what the source wants; the mirror has the same then.
    async fn caught_up(&self) -> Result<Refs, GitError> {
        let mirror = self.replica.mirror();
        let there = mirror.remote_refs().await?.matching(&self.wanted());
        if there.objects() == mirror.refs().await?.objects() {
            return Ok(there);
        }
        Ok(mirror.catch_up(&there).await?.refs)
    }

    fn told(&self, change: &RefChange, refs: &Refs) -> Git {
        let name = change.name().short().to_owned();
        let change = match (change, change.name().kind()) {
            (RefChange::Created { at, .. }, RefKind::Branch) => {
                Change::Push { branch: name, before: None, after: at.to_string() }
            }
            (
                RefChange::Advanced { from, to, .. } | RefChange::Forced { from, to, .. },
                RefKind::Branch,
            ) => {
                let (before, after) = (Some(from.to_string()), to.to_string());
                Change::Push { branch: name, before, after }
            }
            (RefChange::Deleted { .. }, RefKind::Branch) => Change::BranchDeleted { branch: name },
            (RefChange::Deleted { .. }, RefKind::Tag) => Change::TagDeleted { tag: name },
            (
                RefChange::Created { .. } | RefChange::Advanced { .. } | RefChange::Forced { .. },
                RefKind::Tag,
            ) => {
                let target = RefName::tag(&name).ok();
                let target = target.and_then(|name| refs.get(&name));
                Change::Tag { tag: name, commit: target.map(|it| it.commit.to_string()) }
            }
        };
        Git {
            repository: self.key.clone(),
            aliases: Vec::new(),
            change,
            actor: None,
            author: None,
            message: None,
            paths: ChangedPaths::Unread,
        }
    }

    /// Puts the files of the default branch on the shelf; a broken one stays as it last was whole.
    async fn shelve(&self, state: &mut State, refs: &Refs) -> Result<(), GitError> {
        let platform = self.ground.platform();
        let Some(head) = self.default_head(state, refs).await? else {
            state.shelved = None;
            self.ground.shelf.change(|shelf| shelf.put(&self.name, Vec::new()));
            return Ok(());
        };
        let is_as_it_was =
            |(by, at): &(Arc<Platform>, ObjectId)| Arc::ptr_eq(by, &platform) && *at == head;
        if state.shelved.as_ref().is_some_and(is_as_it_was) {
            return Ok(());
        }
        let tree = self.replica.mirror().tree(&head, &self.patterns()).await?;
        let found = self.read(&tree).await?;
        let mut good = std::mem::take(&mut state.seen.good);
        let mut entries = Vec::new();
        for (path, blob, found) in found {
            let last = match good.remove(&path) {
                Some(last) => Some((self.outline_of(&path, &last).await, last)),
                None => None,
            };
            let in_force = last.as_ref().and_then(|(outline, _)| outline.clone());
            let entry = self.shelving().entry(&path, found, in_force);
            match (&entry.standing, blob, last) {
                (Standing::Good, Some(blob), _) => {
                    let (commit, blob) = (head.to_string(), blob.to_string());
                    state.seen.good.insert(path, Good { commit, blob });
                }
                (Standing::Superseded { .. }, _, Some((_, last))) => {
                    state.seen.good.insert(path, last);
                }
                (Standing::Good | Standing::Superseded { .. } | Standing::Refused { .. }, ..) => {}
            }
            entries.push(entry);
        }
        self.ground.shelf.change(|shelf| shelf.put(&self.name, entries));
        state.shelved = Some((platform, head));
        Ok(())
    }

    async fn default_head(
        &self,
        state: &mut State,
        refs: &Refs,
    ) -> Result<Option<ObjectId>, GitError> {
        if state.default.is_none() {
            let named =
                self.replica.mirror().default_branch().await?.map(|it| it.short().to_owned());
            let ours = named.filter(|it| self.source.branch(it) == Leave::Granted);
            state.default = ours.or_else(|| self.first_branch(refs));
        }
        let name = state.default.as_deref().and_then(|it| RefName::branch(it).ok());
        Ok(name.and_then(|name| refs.get(&name)).map(|it| it.commit.clone()))
    }

    /// The first that the source names, and is there.
    fn first_branch(&self, refs: &Refs) -> Option<String> {
        let SourcePlace::Git { branches, .. } = &self.source.place else { return None };
        let is_there =
            |it: &&String| RefName::branch(it).is_ok_and(|name| refs.get(&name).is_some());
        branches.iter().find(is_there).cloned()
    }

    fn patterns(&self) -> Vec<PathPattern> {
        self.source.paths.iter().filter_map(|path| PathPattern::parse(path).ok()).collect()
    }

    /// The outlines of a tree's files, each content read once.
    async fn read(&self, tree: &Tree) -> Result<Vec<(String, Option<ObjectId>, Found)>, GitError> {
        let known = |blob: &ObjectId| self.cached(blob.as_str());
        let unread = tree.files.iter().filter(|file| known(&file.blob).is_none());
        let unread: Vec<ObjectId> = unread.map(|file| file.blob.clone()).collect();
        let blobs = self.replica.mirror().blobs(&unread).await?;
        let mut found = Vec::new();
        for file in &tree.files {
            let outline = match (known(&file.blob), blobs.get(&file.blob)) {
                (Some(outline), _) => Found::Whole(outline),
                (None, Some(Blob::Content(content))) => {
                    Found::Whole(self.learn(&file.path, file.blob.as_str(), content))
                }
                (None, Some(Blob::TooLarge { bytes })) => {
                    Found::Unreadable(format!("E015 it has {bytes} bytes, which are too many"))
                }
                (None, Some(Blob::Missing) | None) => {
                    Found::Unreadable("E015 the server did not hand it out".to_owned())
                }
            };
            found.push((file.path.clone(), Some(file.blob.clone()), outline));
        }
        for refused in &tree.refused {
            let reason = Found::Unreadable(format!("E015 {}", refused.why));
            found.push((refused.path.clone(), None, reason));
        }
        Ok(found)
    }

    fn cached(&self, blob: &str) -> Option<Arc<Outline>> {
        self.outlines.lock().unwrap_or_else(PoisonError::into_inner).get(blob).cloned()
    }

    fn learn(&self, path: &str, blob: &str, content: &[u8]) -> Arc<Outline> {
        let outline = Arc::new(self.shelving().outline(path, content));
        let mut outlines = self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        if outlines.len() >= OUTLINES {
            outlines.clear();
        }
        outlines.insert(blob.to_owned(), outline.clone());
        outline
    }

    /// Of a version that was whole once.
    async fn outline_of(&self, path: &str, good: &Good) -> Option<Arc<Outline>> {
        if let Some(outline) = self.cached(&good.blob) {
            return Some(outline);
        }
        let id = ObjectId::parse(&good.blob).ok()?;
        let blobs = self.replica.mirror().blobs(std::slice::from_ref(&id)).await.ok()?;
        match blobs.get(&id)? {
            Blob::Content(content) => Some(self.learn(path, &good.blob, content)),
            Blob::TooLarge { .. } | Blob::Missing => None,
        }
    }

    /// The pipelines of a commit, as they are there.
    async fn entries_at(&self, commit: &ObjectId) -> Result<Vec<Entry>, GitError> {
        let tree = self.replica.mirror().tree(commit, &self.patterns()).await?;
        let found = self.read(&tree).await?.into_iter();
        let shelving = self.shelving();
        Ok(found.map(|(path, _, found)| shelving.entry(&path, found, None)).collect())
    }
}

fn poll_error(error: GitError) -> PollError {
    let reason = error.to_string();
    match error.may_pass() {
        true => PollError::Later { reason, after: None },
        false => PollError::Refused { reason },
    }
}
