//! One repository of pipelines: what it holds, what is new in it, whether what is told of it is so.

mod asked;
mod freshness;
mod keeping;
mod looking;
mod pushed;
mod reading;
mod standing;
mod upkeep;

use super::{
    Ground,
    entries::{Found, Said, Shelving},
    outlines::Outlines,
    seen::{Good, Seen},
};
use artifacts::git::{
    Blob, GitError, ObjectId, Origin as Way, PathPattern, RefChange, RefKind, RefName, Refs, Tree,
};
use engine_core::{
    catalogue::{self, Entry, Outline},
    diagnostic::SourceFile,
    glob,
    happening::{Change, ChangedPaths, Git, Happening},
    plan::Origin,
    platform::{Leave, Source, SourcePlace, repository_key},
    trigger::{PollError, Polled, Rest},
};
use engine_runtime::inbox::Own;
use keeping::{File, Lies};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Mutex as Turn;

/// Pushes whose earlier commit is remembered, so that looking again finds the same.
const REMEMBERED: usize = 256;

pub(crate) use freshness::Freshness;
pub(crate) use standing::Standing;
pub(super) use upkeep::{Opening, Replica};

/// One as the platform's file has it. If that comes to say something else of it, there is another one,
/// with the same mirror and memory.
pub(crate) struct Repository {
    source: Source,
    /// The way there, as it was said with it.
    way: Way,
    name: Arc<str>,
    key: String,
    edition: u64,
    replica: Arc<Replica>,
    ground: Arc<Ground>,
    memory: Arc<Memory>,
    /// Nothing of it comes to the shelf any more.
    closed: AtomicBool,
}

/// What is known of a repository, whatever is said of it.
#[derive(Default)]
struct Memory {
    found: Mutex<standing::Found>,
    outlines: Mutex<Outlines>,
    freshness: Mutex<Freshness>,
    state: Turn<State>,
}

/// Counts what was ever said of any, so that each is another one.
static EDITIONS: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct State {
    seen: Seen,
    /// What a branch stood at before it was pushed to a commit.
    before: VecDeque<((String, ObjectId), Option<ObjectId>)>,
    default: Option<String>,
    /// By what its shelf was filled last.
    shelved: Option<Shelved>,
    /// What was put there.
    files: Vec<File>,
    /// An earlier engine has seen it, and this one has not looked yet.
    is_of_before: bool,
    /// The cursor of its poll has been read.
    is_polled: bool,
    /// Counts polls.
    polls: u32,
}

impl State {
    /// Every so often it is asked again which branch is the default one.
    fn count_poll(&mut self) {
        self.polls = self.polls.wrapping_add(1);
        if self.polls.is_multiple_of(POLLS_A_DEFAULT) {
            self.default = None;
        }
    }
}

/// As many polls ask once which branch is the default one: that takes a call of its own.
const POLLS_A_DEFAULT: u32 = 4;

struct Shelved {
    edition: u64,
    listed: Arc<Vec<Source>>,
    facts: Arc<str>,
    head: ObjectId,
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
        (source, way): (Source, Way),
        replica: Arc<Replica>,
        ground: Arc<Ground>,
    ) -> Repository {
        let (name, key) = (Arc::from(source.name()), repository_key(source.name()));
        let (memory, closed) = (Arc::default(), AtomicBool::new(false));
        let edition = EDITIONS.fetch_add(1, Ordering::Relaxed);
        Repository { source, way, name, key, edition, replica, ground, memory, closed }
    }

    /// The same repository, of which something else is said now.
    pub(super) fn renewed(&self, source: Source, way: Way) -> Repository {
        let (replica, ground) = (self.replica.clone(), self.ground.clone());
        let memory = self.memory.clone();
        Repository { memory, ..Repository::new((source, way), replica, ground) }
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }

    /// Whether its server may be asked by such a way.
    pub(super) fn judge(&self, way: &Way) -> Result<(), GitError> {
        self.replica.judge(way)
    }

    /// From here on it is asked by its own way.
    pub(super) fn open(&self) -> Result<(), GitError> {
        self.replica.go_by(&self.way)
    }

    /// From here on nothing of it comes to the shelf.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn put(&self, entries: Vec<Entry>) {
        self.ground.shelf.change(|shelf| {
            if !self.closed.load(Ordering::Acquire) {
                shelf.put(&self.name, entries);
            }
        });
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

    /// Another one as soon as anything else is said of it.
    pub(crate) fn edition(&self) -> u64 {
        self.edition
    }

    fn shelving(&self) -> Shelving<'_> {
        Shelving {
            ground: &self.ground,
            source: &self.source,
            said: Said::There,
            name: &self.name,
            repository: Some(&self.key),
        }
    }

    /// Branches of the source, and all tags.
    fn is_wanted(&self, name: &RefName) -> bool {
        match name.kind() {
            RefKind::Branch => self.source.branch(name.short()) == Leave::Granted,
            RefKind::Tag => true,
        }
    }

    /// The patterns of its branches.
    fn branches(&self) -> &[String] {
        match &self.source.place {
            SourcePlace::Git { branches, .. } => branches,
            SourcePlace::Directory { .. } => &[],
        }
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
        polled.map_err(|error| {
            self.tried();
            poll_error(error)
        })
    }

    async fn polled(&self, known: Option<&Seen>) -> Result<Polled, GitError> {
        let mut state = self.memory.state.lock().await;
        if let (Some(known), true) = (known, state.seen.refs.is_empty()) {
            let good = std::mem::take(&mut state.seen.good);
            state.seen = known.clone();
            // What was kept with the mirror is as new as this, or newer.
            if state.shelved.is_some() {
                state.seen.good = good;
            }
        }
        if let (Some(known), false) = (known, state.is_polled) {
            // Who looked before the first poll may have known nothing of what was whole once.
            let had = |path: &String| state.seen.good.contains_key(path);
            let lost = known.good.iter().filter(|(path, _)| !had(path));
            let lost: Vec<_> = lost.map(|(path, good)| (path.clone(), good.clone())).collect();
            if !lost.is_empty() {
                state.seen.good.extend(lost);
                state.shelved = None;
            }
        }
        state.count_poll();
        let refs = self.look_now(&mut state).await?;
        state.is_polled = true;
        let mut happenings = Vec::new();
        if let Some(known) = known {
            let mut before = known.objects();
            before.retain(|name, _| self.is_wanted(name));
            for change in self.replica.mirror().changes(&before, &refs).await? {
                if !is_first_sight(known, &change) {
                    happenings.push(Happening::Git(self.told(&change, &refs)));
                }
            }
        }
        state.seen.put_refs(&refs);
        if known.is_some_and(|known| known.refs != state.seen.refs) {
            self.ground.shelf.changed();
        }
        state.seen.branches = self.branches().to_vec();
        let cursor = serde_json::to_value(&state.seen).unwrap_or_default();
        Ok(Polled { happenings, cursor, rest: Rest::None })
    }

    /// What the server has now of what the source wants; the mirror has the same then.
    async fn caught_up(&self) -> Result<Refs, GitError> {
        let mirror = self.replica.mirror();
        let there = mirror.remote_refs().await?.matching(|name| self.is_wanted(name));
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
        let (edition, listed, facts) = (self.edition, self.ground.listed(), self.ground.facts());
        if state.is_of_before || state.shelved.as_ref().is_some_and(|it| it.edition != edition) {
            state.default = None;
        }
        let Some(head) = self.default_head(state, refs).await? else {
            // It may have another name from now on.
            (state.shelved, state.default, state.is_of_before) = (None, None, false);
            self.put(Vec::new());
            return Ok(());
        };
        let is_as_it_was = |it: &Shelved| {
            it.edition == edition
                && Arc::ptr_eq(&it.listed, &listed)
                && it.facts == facts
                && it.head == head
        };
        if state.shelved.as_ref().is_some_and(is_as_it_was) {
            state.is_of_before = false;
            return Ok(());
        }
        let entries = self.entries(state, &head).await?;
        self.put(entries);
        state.shelved = Some(Shelved { edition, listed, facts, head });
        state.is_of_before = false;
        self.keep(state).await;
        Ok(())
    }

    /// What is at the head of the default branch, or was when it was last whole.
    async fn entries(&self, state: &mut State, head: &ObjectId) -> Result<Vec<Entry>, GitError> {
        let tree = self.replica.mirror().tree(head, &self.patterns()).await?;
        let found = self.read(&tree).await?;
        let mut good = std::mem::take(&mut state.seen.good);
        state.files = found.iter().map(|(path, blob, found)| lying(path, blob, found)).collect();
        let mut entries = Vec::new();
        for (path, blob, found) in found {
            let last = match good.remove(&path) {
                Some(last) => Some((self.outline_of(&path, &last).await, last)),
                None => None,
            };
            let in_force = last.as_ref().and_then(|(outline, _)| outline.clone());
            let entry = self.shelving().entry(&path, found, in_force);
            match (&entry.standing, blob, last) {
                (catalogue::Standing::Good, Some(blob), _) => {
                    let (commit, blob) = (head.to_string(), blob.to_string());
                    state.seen.good.insert(path, Good { commit, blob });
                }
                (catalogue::Standing::Superseded { .. }, _, Some((_, last))) => {
                    state.seen.good.insert(path, last);
                }
                (
                    catalogue::Standing::Good
                    | catalogue::Standing::Superseded { .. }
                    | catalogue::Standing::Refused { .. }
                    | catalogue::Standing::Broken { .. },
                    ..,
                ) => {}
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Judges what is on the shelf by the platform as it is now. What was never on it is left to the
    /// next look.
    pub(super) async fn shelve_again(self: &Arc<Self>) {
        let mut state = self.memory.state.lock().await;
        if state.shelved.is_none() || self.closed.load(Ordering::Acquire) {
            return;
        }
        if state.is_of_before {
            drop(state);
            return self.restore().await;
        }
        let shelved = async {
            let refs = self.replica.mirror().refs().await?;
            self.shelve(&mut state, &refs.matching(|name| self.is_wanted(name))).await
        };
        if let Err(error) = shelved.await {
            tracing::warn!(repository = self.key, %error, "it is judged again at the next look");
        }
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
        let is_there =
            |it: &&String| RefName::branch(it).is_ok_and(|name| refs.get(&name).is_some());
        self.branches().iter().find(is_there).cloned()
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
        self.outlines().get(blob, &self.ground.facts())
    }

    fn learn(&self, path: &str, blob: &str, content: &[u8]) -> Arc<Outline> {
        let facts = self.ground.facts();
        let outline = Arc::new(self.shelving().outline(path, content));
        tracing::debug!(repository = self.key, path, blob, "it is read");
        self.outlines().learn(blob, outline.clone(), &facts);
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

fn lying(path: &str, blob: &Option<ObjectId>, found: &Found) -> File {
    let lies = match (found, blob) {
        (Found::Whole(_), Some(blob)) => Lies::As { blob: blob.to_string() },
        (Found::Whole(_), None) => Lies::Unreadable { reason: "E015 it has no name".to_owned() },
        (Found::Unreadable(reason), _) => Lies::Unreadable { reason: reason.clone() },
    };
    File { path: path.to_owned(), lies }
}

/// Branches that the source did not have are no news when it comes to have them.
fn is_first_sight(known: &Seen, change: &RefChange) -> bool {
    let had = |branch: &str| known.branches.iter().any(|pattern| glob::matches(pattern, branch));
    match change {
        RefChange::Created { name, .. } if name.kind() == RefKind::Branch => {
            // Earlier releases have not kept them.
            !known.branches.is_empty() && !had(name.short())
        }
        RefChange::Created { .. }
        | RefChange::Advanced { .. }
        | RefChange::Forced { .. }
        | RefChange::Deleted { .. } => false,
    }
}

fn poll_error(error: GitError) -> PollError {
    let reason = error.to_string();
    match error.may_pass() {
        true => PollError::Later { reason, after: None },
        false => PollError::Refused { reason },
    }
}
