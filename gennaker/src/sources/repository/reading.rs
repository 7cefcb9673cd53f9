//! Pipelines and what they name, read from the objects of a commit.

use super::{Repository, Version};
use crate::sources::matching;
use artifacts::git::{Blob, GitError, ObjectId, PathPattern};
use engine_core::{
    diagnostic::SourceFile,
    files::{File, FileRequest, Files, Found},
    id::BlobName,
    plan::Origin,
    trigger::Commit,
};
use std::{collections::BTreeMap, sync::Arc};

impl Repository {
    /// A pipeline file at the commit that a trigger means: its own, or the newest of the default branch
    /// at which the file was whole.
    pub(crate) async fn version(
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
                let state = self.state.lock().await;
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
        let origin = Origin { repository, reference, commit: id };
        let file = SourceFile::new(path.to_owned(), &content);
        Ok(Ok(Version { origin, commit, file }))
    }

    async fn file(&self, commit: &ObjectId, path: &str) -> Result<Option<Arc<[u8]>>, GitError> {
        let Ok(pattern) = PathPattern::parse(path) else { return Ok(None) };
        let tree = self.mirror.tree(commit, &[pattern]).await?;
        let Some(found) = tree.files.into_iter().find(|it| it.path == path) else {
            return Ok(None);
        };
        let mut blobs = self.mirror.blobs(std::slice::from_ref(&found.blob)).await?;
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
        let mut files = Files::default();
        if requests.is_empty() {
            return Ok(files);
        }
        let everything = PathPattern::parse("").into_iter().collect::<Vec<_>>();
        let tree = self.mirror.tree(commit, &everything).await?;
        let all: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
        let by_path: BTreeMap<&str, &ObjectId> =
            tree.files.iter().map(|file| (file.path.as_str(), &file.blob)).collect();
        let mut wanted = BTreeMap::new();
        for request in requests {
            let found = match matching::paths(&request.pattern, &all) {
                Ok(paths) => {
                    wanted.extend(paths.iter().filter_map(|path| {
                        Some((path.clone(), (*by_path.get(path.as_str())?).clone()))
                    }));
                    Found::Paths(paths)
                }
                Err(reason) => {
                    let is_refused = |it: &&artifacts::git::Refused| it.path == request.pattern;
                    let refused = tree.refused.iter().find(is_refused).map(|it| it.why.to_string());
                    Found::Nothing { reason: refused.unwrap_or(reason) }
                }
            };
            files.insert_answer(request.pattern.clone(), found);
        }
        let ids: Vec<ObjectId> = wanted.values().cloned().collect();
        let blobs = self.mirror.blobs(&ids).await?;
        for (path, id) in wanted {
            if let Some(Blob::Content(content)) = blobs.get(&id) {
                let (name, content) = (name(content), content.clone());
                files.insert_file(path, File { name, content });
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
        let tree = self.mirror.tree(commit, &self.patterns()).await?;
        let others: Vec<_> = tree.files.into_iter().filter(|file| file.path != path).collect();
        let ids: Vec<ObjectId> = others.iter().map(|file| file.blob.clone()).collect();
        let blobs = self.mirror.blobs(&ids).await?;
        let read = |file: artifacts::git::Entry| match blobs.get(&file.blob)? {
            Blob::Content(content) => Some(SourceFile::new(file.path, content)),
            Blob::TooLarge { .. } | Blob::Missing => None,
        };
        Ok(others.into_iter().filter_map(read).collect())
    }
}
