//! Changing a mirror so that it stays whole: one at a time, tidied up after, and packed now and then.

use super::{
    error::GitError,
    leftovers,
    mirror::{Mirror, machine, whole},
};
use std::{fs, io, path::Path};
use tokio::{sync::MutexGuard, task::spawn_blocking};

/// Stands in a mirror while somebody changes it. Who finds it later knows that the change was not ended.
const UNDER_WAY: &str = "gennaker-under-way";

/// Each fetch leaves a pack. From so many on they are made one when there is time, and from so many on
/// before anything else, as every call opens all of them.
const PACKS: usize = 40;
const PACKS_AT_MOST: usize = 200;

/// What is reachable from no ref is kept for this long: runs may still read it.
const PRUNE: &str = "--prune=30.days.ago";

/// Whether there was something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    Done,
    NotYet,
}

impl Mirror {
    /// Packs what many fetches have brought. Most times it does nothing; it may take as long as a fetch,
    /// and meanwhile nothing is fetched. Reading goes on.
    pub async fn maintain(&self) -> Result<Upkeep, GitError> {
        self.changing(async || self.pack_beyond(PACKS).await).await
    }

    /// Before a fetch, for callers that never call [`Mirror::maintain`].
    pub(super) async fn pack_if_it_must_be(&self) -> Result<(), GitError> {
        self.pack_beyond(PACKS_AT_MOST).await.map(drop)
    }

    async fn pack_beyond(&self, limit: usize) -> Result<Upkeep, GitError> {
        if packs(&self.directory).map_err(|error| machine(&error))? <= limit {
            return Ok(Upkeep::NotYet);
        }
        let mut call = self.writing_call("gc", ["--quiet", PRUNE]);
        call.deadline = self.limits.fetch_deadline;
        whole(&self.run(call).await?)?;
        Ok(Upkeep::Done)
    }

    /// Does `change` while nobody else changes anything. If it fails, what is half-done is removed at
    /// once; if it is dropped, or the engine dies, whoever comes next removes it.
    pub(super) async fn changing<T>(
        &self,
        change: impl AsyncFnOnce() -> Result<T, GitError>,
    ) -> Result<T, GitError> {
        let _alone: MutexGuard<'_, ()> = self.writing.lock().await;
        let mark = self.directory.join(UNDER_WAY);
        if mark.exists() {
            self.clean().await?;
        }
        fs::write(&mark, "").map_err(|error| machine(&error))?;
        let changed = change().await;
        if changed.is_err() {
            self.clean().await?;
        }
        match fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(machine(&error)),
            Err(_) | Ok(()) => changed,
        }
    }

    async fn clean(&self) -> Result<(), GitError> {
        let directory = self.directory.clone();
        let cleaned = spawn_blocking(move || leftovers::clean(&directory)).await;
        cleaned.map_err(|error| machine(&error))?.map_err(|error| machine(&error))
    }
}

/// After an engine that was killed, before anybody else uses the mirror.
pub(super) fn recover(mirror: &Path) -> io::Result<()> {
    let mark = mirror.join(UNDER_WAY);
    if mark.exists() {
        leftovers::end_processes(mirror);
        leftovers::clean(mirror)?;
        fs::remove_file(mark)?;
    }
    Ok(())
}

fn packs(mirror: &Path) -> io::Result<usize> {
    let entries = fs::read_dir(mirror.join("objects/pack"))?;
    let is_pack = |it: &fs::DirEntry| it.file_name().to_string_lossy().ends_with(".pack");
    Ok(entries.flatten().filter(is_pack).count())
}
