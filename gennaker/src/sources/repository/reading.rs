//! Pipelines and what they name, read from the objects of a commit.

use super::{Repository, Version};
use crate::sources::matching;
use artifacts::git::{Blob, Entry, GitError, ObjectId, PathPattern, Refusal, Tree};
use engine_core::{
    diagnostic::SourceFile,
    files::{File, FileRequest, Files, Found},
    id::BlobName,
    plan::Origin,
    trigger::Commit,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Repository {
    /// A pipeline file at the commit that a trigger means: its own, or the newest of the default branch
    /// at which the file was whole.
    pub(crate) async fn version(
        &self,
        commit: &Commit,
        path: &str,
    ) -> Result<Result<Version, String>, GitError> {
        let used = self.replica.mirror();
        match self.version_of(commit, path).await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.version_of(commit, path).await
            }
            done => done,
        }
    }

    async fn version_of(
        &self,
        commit: &Commit,
        path: &str,
    ) -> Result<Result<Version, String>, GitError> {
        let meant = match commit {
            Commit::Of { reference, commit } => match self.reachable(commit).await? {
                Ok(id) => (reference.clone(), id),
                Err(reason) => return Ok(Err(reason)),
            },
            Commit::Default => {
                let state = self.memory.state.lock().await;
                let good = state.seen.good.get(path).map(|good| good.commit.clone());
                let good = good.and_then(|commit| ObjectId::parse(&commit).ok());
                match (state.default.clone(), good) {
                    (Some(branch), Some(id)) => (branch, id),
                    (_, _) => return Ok(Err(format!("{path} was never whole"))),
                }
            }
        };
        let (reference, commit) = meant;
        let Some(content) = self.file(&commit, path).await? else {
            return Ok(Err(format!("there is no {path} at {commit}")));
        };
        let (repository, id) = (self.key.clone(), commit.to_string());
        let branches = self.leading_to(&commit, &reference).await?;
        let origin = Origin { repository, reference, commit: id, branches };
        let file = SourceFile::new(path.to_owned(), &content);
        Ok(Ok(Version { origin, commit, file }))
    }

    async fn file(&self, commit: &ObjectId, path: &str) -> Result<Option<Arc<[u8]>>, GitError> {
        let Ok(pattern) = PathPattern::parse(path) else { return Ok(None) };
        let tree = self.replica.mirror().tree(commit, &[pattern]).await?;
        let Some(found) = tree.files.into_iter().find(|it| it.path == path) else {
            return Ok(None);
        };
        let mut blobs = self.replica.mirror().blobs(std::slice::from_ref(&found.blob)).await?;
        Ok(match blobs.remove(&found.blob) {
            Some(Blob::Content(content)) => Some(content),
            Some(Blob::TooLarge { .. } | Blob::Missing) | None => None,
        })
    }

    /// What a pipeline asks to read, from the objects of a commit.
    pub(crate) async fn files(
        &self,
        commit: &ObjectId,
        requests: &[FileRequest],
        name: &(dyn Fn(&[u8]) -> BlobName + Sync),
    ) -> Result<Files, GitError> {
        let used = self.replica.mirror();
        match self.requested(commit, requests, name).await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.requested(commit, requests, name).await
            }
            done => done,
        }
    }

    async fn requested(
        &self,
        commit: &ObjectId,
        requests: &[FileRequest],
        name: &(dyn Fn(&[u8]) -> BlobName + Sync),
    ) -> Result<Files, GitError> {
        let within = requests.iter().map(|request| matching::within(&request.pattern));
        let within: Vec<_> = within.filter_map(|it| PathPattern::parse(&it).ok()).collect();
        let tree = self.replica.mirror().tree(commit, &within).await?;
        let (mut files, mut wanted) = (Files::default(), BTreeMap::new());
        for request in requests {
            let found = match meant(&tree, &request.pattern) {
                Ok(entries) => {
                    let paths = entries.iter().map(|entry| entry.path.clone()).collect();
                    wanted.extend(entries.into_iter().map(|entry| (&entry.path, &entry.blob)));
                    Found::Paths(paths)
                }
                Err(reason) => Found::Nothing { reason },
            };
            files.insert_answer(request.pattern.clone(), found);
        }
        let ids: Vec<ObjectId> = wanted.values().map(|blob| (*blob).clone()).collect();
        let blobs = self.replica.mirror().blobs(&ids).await?;
        for (path, id) in wanted {
            if let Some(Blob::Content(content)) = blobs.get(id) {
                let (name, content) = (name(content), content.clone());
                files.insert_file(path.clone(), File { name, content });
            }
        }
        Ok(files)
    }

    /// The other pipeline files of a commit.
    pub(crate) async fn neighbours(
        &self,
        commit: &ObjectId,
        path: &str,
    ) -> Result<Vec<SourceFile>, GitError> {
        let used = self.replica.mirror();
        match self.others(commit, path).await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.others(commit, path).await
            }
            done => done,
        }
    }

    async fn others(&self, commit: &ObjectId, path: &str) -> Result<Vec<SourceFile>, GitError> {
        let tree = self.replica.mirror().tree(commit, &self.patterns()).await?;
        let others: Vec<_> = tree.files.into_iter().filter(|file| file.path != path).collect();
        let ids: Vec<ObjectId> = others.iter().map(|file| file.blob.clone()).collect();
        let blobs = self.replica.mirror().blobs(&ids).await?;
        let read = |file: Entry| match blobs.get(&file.blob)? {
            Blob::Content(content) => Some(SourceFile::new(file.path, content)),
            Blob::TooLarge { .. } | Blob::Missing => None,
        };
        Ok(others.into_iter().filter_map(read).collect())
    }
}

/// The files that a pattern means, or why it means none. One that is not handed out spoils them all:
/// what would be missing would be taken for removed.
fn meant<'a>(tree: &'a Tree, pattern: &str) -> Result<Vec<&'a Entry>, String> {
    let files: BTreeMap<&str, &Entry> =
        tree.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let refused: BTreeMap<&str, &Refusal> =
        tree.refused.iter().map(|it| (it.path.as_str(), &it.why)).collect();
    let all: BTreeSet<&str> = files.keys().chain(refused.keys()).copied().collect();
    let paths = matching::paths(pattern, &all.into_iter().collect::<Vec<_>>())?;
    let entry = |path: &String| match (files.get(path.as_str()), refused.get(path.as_str())) {
        (Some(entry), None) => Ok(*entry),
        (_, Some(why)) => Err(format!("{path} is not read: {why}")),
        (None, None) => Err(format!("there is no {path}")),
    };
    paths.iter().map(entry).collect()
}
