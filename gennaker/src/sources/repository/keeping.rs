//! What is known of a repository, kept beside its mirror, so that an engine that starts has it at once
//! and reads nothing again. It is derived: it may be removed at any time, and what is damaged, or was
//! written by another release or for another platform, is as if it were not there.

use super::{Good, Repository, Shelved, State};
use crate::sources::{
    entries::Found,
    outlines::{News, Outlines},
};
use artifacts::git::ObjectId;
use engine_core::catalogue::{Entry, Outline};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard, PoisonError},
};
use tokio::task::spawn_blocking;

const FILE: &str = "gennaker-index";
/// A larger one is not read.
const BYTES: u64 = 64 * 1024 * 1024;

/// Not a stored format: another release does not read it.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// What all of it hangs on beside the repository's content.
    facts: String,
    /// What the platform's file says of the source, as far as it decides what is read.
    said: String,
    default: String,
    head: String,
    files: Vec<File>,
    good: BTreeMap<String, Good>,
    outlines: BTreeMap<String, Arc<Outline>>,
}

/// A file of the head of the default branch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) lies: Lies,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Lies {
    As { blob: String },
    Unreadable { reason: String },
}

impl Repository {
    pub(super) fn outlines(&self) -> MutexGuard<'_, Outlines> {
        self.memory.outlines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> PathBuf {
        self.replica.mirror().directory().join(FILE)
    }

    fn said(&self) -> String {
        format!("{:?}", (&self.name, self.branches(), &self.source.paths))
    }

    /// Puts on the shelf what an earlier engine has seen last, if nothing was put there since. Until it
    /// was looked at, nothing of it starts. Speaks to no server and starts no process.
    pub(in crate::sources) async fn restore(self: &Arc<Self>) {
        let mut state = self.memory.state.lock().await;
        let (edition, listed, facts) = (self.edition, self.ground.listed(), self.ground.facts());
        let is_as_it_was = |it: &Shelved| {
            it.edition == edition && Arc::ptr_eq(&it.listed, &listed) && it.facts == facts
        };
        match &state.shelved {
            Some(shelved) if !state.is_of_before || is_as_it_was(shelved) => return,
            Some(_) | None => {}
        }
        let this = self.clone();
        let read = spawn_blocking(move || {
            let kept = this.kept()?;
            let entries = this.entries_of(&kept);
            Some((kept, entries))
        });
        let Ok(Some((kept, entries))) = read.await else { return };
        let Ok(head) = ObjectId::parse(&kept.head) else { return };
        state.seen.good.extend(kept.good);
        state.default = Some(kept.default);
        state.files = kept.files;
        state.shelved = Some(self.shelved(head));
        state.is_of_before = true;
        self.put(entries);
    }

    fn shelved(&self, head: ObjectId) -> Shelved {
        let (listed, facts) = (self.ground.listed(), self.ground.facts());
        Shelved { edition: self.edition, listed, facts, head }
    }

    fn kept(&self) -> Option<Kept> {
        let path = self.index();
        let kept = match read(&path) {
            Ok(kept) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(index = %path.display(), %error, "it is made anew");
                return None;
            }
        };
        let is_whole = kept.files.iter().all(|file| match &file.lies {
            Lies::As { blob } => kept.outlines.contains_key(blob),
            Lies::Unreadable { .. } => true,
        });
        let is_ours = kept.facts == *self.ground.facts() && kept.said == self.said();
        (is_whole && is_ours).then_some(kept)
    }

    fn entries_of(&self, kept: &Kept) -> Vec<Entry> {
        let facts = self.ground.facts();
        let mut outlines = self.outlines();
        for (blob, outline) in &kept.outlines {
            outlines.learn(blob, outline.clone(), &facts);
        }
        outlines.told(&kept.outlines.keys().map(String::as_str).collect());
        drop(outlines);
        let entry = |file: &File| {
            let found = match &file.lies {
                Lies::As { blob } => Found::Whole(kept.outlines.get(blob)?.clone()),
                Lies::Unreadable { reason } => Found::Unreadable(reason.clone()),
            };
            let good = kept.good.get(&file.path);
            let good = good.and_then(|good| kept.outlines.get(&good.blob)).cloned();
            Some(self.shelving().entry(&file.path, found, good))
        };
        kept.files.iter().filter_map(entry).collect()
    }

    /// Writes down what is known, if there is anything new. Without it the next engine reads it all
    /// again, so an error is only told.
    pub(super) async fn keep(&self, state: &State) {
        let (Some(default), Some(shelved)) = (&state.default, &state.shelved) else { return };
        let blobs = state.files.iter().filter_map(|file| match &file.lies {
            Lies::As { blob } => Some(blob.as_str()),
            Lies::Unreadable { .. } => None,
        });
        let good = state.seen.good.values().map(|good| good.blob.as_str());
        let in_force: BTreeSet<&str> = blobs.chain(good).collect();
        let kept = Kept {
            facts: shelved.facts.to_string(),
            said: self.said(),
            default: default.clone(),
            head: shelved.head.to_string(),
            files: state.files.clone(),
            good: state.seen.good.clone(),
            outlines: self.outlines().told(&in_force),
        };
        let path = self.index();
        let written = spawn_blocking(move || write(&path, &kept)).await;
        let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Err(error) = written {
            tracing::warn!(repository = self.key, %error, "what is known of it cannot be kept");
        }
    }

    pub(super) async fn keep_news(&self, state: &State) {
        let news = self.outlines().news();
        match news {
            News::Some => self.keep(state).await,
            News::None => {}
        }
    }
}

/// A digest of the rest stands in the first line.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let body = serde_json::to_vec(kept)?;
    let mut content = format!("{}\n", hex::encode(Sha256::digest(&body))).into_bytes();
    content.extend(body);
    let beside = path.with_extension("new");
    fs::write(&beside, content)?;
    fs::rename(beside, path)
}

fn read(path: &Path) -> io::Result<Kept> {
    let bytes = fs::metadata(path)?.len();
    if bytes > BYTES {
        return Err(io::Error::other(format!("it has {bytes} bytes")));
    }
    let content = fs::read(path)?;
    let damaged = || io::Error::other("it is damaged");
    let end = content.iter().position(|it| *it == b'\n').ok_or_else(damaged)?;
    let (digest, body) = (content.get(..end), content.get(end + 1..));
    let (digest, body) = digest.zip(body).ok_or_else(damaged)?;
    if hex::encode(Sha256::digest(body)).as_bytes() != digest {
        return Err(damaged());
    }
    serde_json::from_slice(body).map_err(io::Error::other)
}
