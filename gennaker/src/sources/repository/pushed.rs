//! The pipelines of a commit that was pushed. A broken one is asked as it was whole last: what it would have
//! started then is a run that is invalid.

use super::{Repository, State};
use crate::sources::entries::Last;
use artifacts::git::{GitError, ObjectId};
use engine_core::{catalogue::Holding, happening::ChangedPaths, plan::Origin};
use std::collections::HashSet;

/// The files that a push has brought.
enum Brought<'a> {
    All,
    These(HashSet<&'a str>),
}

impl Brought<'_> {
    fn of(paths: &ChangedPaths) -> Brought<'_> {
        match paths {
            ChangedPaths::Everything => Brought::All,
            ChangedPaths::Those(paths) => {
                Brought::These(paths.iter().map(String::as_str).collect())
            }
            ChangedPaths::Unread => Brought::These(HashSet::new()),
        }
    }

    fn has(&self, path: &str) -> bool {
        match self {
            Brought::All => true,
            Brought::These(paths) => paths.contains(path),
        }
    }
}

impl Repository {
    /// The pipelines of a commit, as they are there. One that is broken, and is among the `paths` that were
    /// changed, has the triggers that it had when it was whole last, too.
    pub(super) async fn pushed(
        &self,
        state: &State,
        (paths, commit): (&ChangedPaths, &ObjectId),
    ) -> Result<Holding, GitError> {
        let tree = self.replica.mirror().tree(commit, &self.patterns()).await?;
        let (brought, shelving) = (Brought::of(paths), self.shelving());
        let mut entries = Vec::new();
        for (path, _, found) in self.read(&tree).await? {
            let entry = match found.is_broken() && brought.has(&path) {
                true => shelving.broken(&path, found, &self.last(state, &path).await),
                false => shelving.entry(&path, found, None),
            };
            entries.push(entry);
        }
        Ok(Holding::at_commit(entries))
    }

    /// As what a file was whole last on the default branch.
    async fn last(&self, state: &State, path: &str) -> Last {
        let outline = match state.seen.good.get(path) {
            Some(good) => self.outline_of(path, good).await,
            None => None,
        };
        match outline {
            Some(outline) => Last::Was(outline),
            None => Last::Never { default_branch: state.default.clone() },
        }
    }

    /// A commit of the source as a run keeps it, or why it is none.
    pub(crate) async fn origin(
        &self,
        reference: &str,
        commit: &str,
    ) -> Result<Result<Origin, String>, GitError> {
        let id = match self.reachable(commit).await? {
            Ok(id) => id,
            Err(reason) => return Ok(Err(reason)),
        };
        let branches = self.leading_to(&id, reference).await?;
        let (repository, reference) = (self.key.clone(), reference.to_owned());
        Ok(Ok(Origin { repository, reference, commit: id.to_string(), branches }))
    }

    /// The commit that led to what a file is at another one.
    pub(crate) async fn last_to_change(
        &self,
        path: &str,
        commit: &str,
    ) -> Result<Option<String>, GitError> {
        let Ok(id) = ObjectId::parse(commit) else { return Ok(None) };
        let by = self.replica.mirror().last_to_change(path, &id).await?;
        Ok(by.map(|it| it.to_string()))
    }
}
