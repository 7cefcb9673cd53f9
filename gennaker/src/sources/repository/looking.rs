//! Whether what is told of a repository is so, and what is to be seen there.

use super::{Looked, REMEMBERED, Repository, State};
use artifacts::git::{
    Ancestry, ChangedPaths as Differing, GitError, ObjectId, RefKind, RefName, Resolved,
};
use engine_core::{
    happening::{Change, ChangedPaths, Git},
    platform::Leave,
};
use engine_runtime::inbox::Own;
use std::sync::Arc;

/// The most branches that a run remembers of its commit.
const BRANCHES: usize = 200;

impl Repository {
    /// Fetches, and looks whether what was told is so.
    pub(crate) async fn look(&self, told: &Git) -> Result<Looked, GitError> {
        let used = self.replica.mirror();
        match self.looked(told).await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.looked(told).await
            }
            done => done,
        }
    }

    async fn looked(&self, told: &Git) -> Result<Looked, GitError> {
        let mut state = self.memory.state.lock().await;
        let refs = self.look_now(&mut state).await?;
        let mut git = told.clone();
        git.repository.clone_from(&self.key);
        let (commit, branch) = match &told.change {
            Change::BranchDeleted { .. } | Change::TagDeleted { .. } => {
                return Ok(Looked::So(Box::new(git), Own::None));
            }
            Change::Push { branch, after, .. } => (after.clone(), Some(branch)),
            Change::Merge { branch, commit, .. } => (commit.clone(), Some(branch)),
            Change::Tag { tag, .. } => {
                let there = RefName::tag(tag).ok().and_then(|name| refs.get(&name));
                let Some(target) = there else {
                    return Ok(Looked::NotSo(format!("there is no tag {tag} any more")));
                };
                (target.commit.to_string(), None)
            }
        };
        if let Some(branch) = branch.filter(|it| self.source.branch(it) == Leave::Refused) {
            let reason = format!("branch {branch} is none of those of the source");
            return Ok(Looked::NotSo(reason));
        }
        let led = match branch {
            Some(branch) => self.led_to(branch, &commit).await?,
            None => self.reachable(&commit).await?,
        };
        let commit = match led {
            Ok(commit) => commit,
            Err(reason) => return Ok(Looked::NotSo(reason)),
        };
        if let Some(reason) = self.fill_in(&mut state, &mut git, &commit).await? {
            return Ok(Looked::NotSo(reason));
        }
        // What waits to begin may have lost its file.
        self.ground.shelf.changed();
        let holding = Arc::new(self.pushed(&state, (&git.paths, &commit)).await?);
        self.keep_news(&state).await;
        let own = Own::Of { source: self.name.clone(), holding };
        Ok(Looked::So(Box::new(git), own))
    }

    /// Fills in what is to be seen of `commit`; or says why it is not to be acted on.
    async fn fill_in(
        &self,
        state: &mut State,
        git: &mut Git,
        commit: &ObjectId,
    ) -> Result<Option<String>, GitError> {
        let made = self.replica.mirror().commit(commit).await?;
        match &mut git.change {
            Change::Push { branch, before, .. } => {
                if let Some(reason) = self.outrun(state, (branch, commit)).await? {
                    return Ok(Some(reason));
                }
                let was = self.before(state, (branch, commit), before.as_deref());
                git.paths = self.differing(was.as_ref(), commit).await?;
                *before = was.map(|it| it.to_string());
                let name = format!("refs/heads/{branch}");
                state.seen.refs.insert(name, commit.to_string());
            }
            Change::Tag { commit: at, .. } => {
                *at = Some(commit.to_string());
                git.paths = ChangedPaths::Everything;
            }
            Change::Merge { commit: at, .. } => {
                *at = commit.to_string();
                git.paths = self.differing(made.parents.first(), commit).await?;
            }
            Change::BranchDeleted { .. } | Change::TagDeleted { .. } => {}
        }
        git.author = Some(made.author.name);
        git.message = Some(made.message);
        Ok(None)
    }

    /// The commit, if some branch of the source leads to it.
    pub(super) async fn reachable(
        &self,
        commit: &str,
    ) -> Result<Result<ObjectId, String>, GitError> {
        let id = match self.whole(commit).await? {
            Ok(id) => id,
            Err(reason) => return Ok(Err(reason)),
        };
        match self.replica.mirror().containing(&id).await {
            Ok(names) if names.iter().any(|name| name.kind() == RefKind::Branch) => Ok(Ok(id)),
            Ok(_) | Err(GitError::NoSuchObject { .. }) => Ok(Err(gone(commit))),
            Err(error) => Err(error),
        }
    }

    /// The branches of the source that lead to a commit: the one that is meant, then the first by name.
    pub(super) async fn leading_to(
        &self,
        commit: &ObjectId,
        meant: &str,
    ) -> Result<Vec<String>, GitError> {
        let names = self.replica.mirror().containing(commit).await?;
        let branches = names.iter().filter(|name| name.kind() == RefKind::Branch);
        let branches = branches.map(|name| name.short().to_owned());
        let mut branches: Vec<String> =
            branches.filter(|it| self.source.branch(it) == Leave::Granted).collect();
        let meant = meant.strip_prefix("refs/heads/").unwrap_or(meant);
        branches.sort_by_key(|it| it != meant);
        branches.truncate(BRANCHES);
        Ok(branches)
    }

    /// The commit, if this branch leads to it.
    async fn led_to(
        &self,
        branch: &str,
        commit: &str,
    ) -> Result<Result<ObjectId, String>, GitError> {
        let Ok(name) = RefName::branch(branch) else {
            return Ok(Err(format!("{branch:?} is no name that a branch may have here")));
        };
        let id = match self.whole(commit).await? {
            Ok(id) => id,
            Err(reason) => return Ok(Err(reason)),
        };
        match self.replica.mirror().containing(&id).await {
            Ok(names) if names.contains(&name) => Ok(Ok(id)),
            Ok(names) if names.iter().any(|it| it.kind() == RefKind::Branch) => Ok(Err(format!(
                "branch {branch} does not lead to commit {commit}, or not any more"
            ))),
            Ok(_) | Err(GitError::NoSuchObject { .. }) => Ok(Err(gone(commit))),
            Err(error) => Err(error),
        }
    }

    /// The whole name of a commit, of which some hosts tell the first digits only.
    async fn whole(&self, commit: &str) -> Result<Result<ObjectId, String>, GitError> {
        if let Ok(id) = ObjectId::parse(commit) {
            return Ok(Ok(id));
        }
        Ok(match self.replica.mirror().resolve(commit).await? {
            Resolved::Commit(id) => Ok(id),
            Resolved::Ambiguous => Err(format!("more than one commit begins with {commit}")),
            Resolved::Nothing => Err(format!("no commit of the source begins with {commit:?}")),
        })
    }

    /// Why a push comes too late, if the branch was seen further on already.
    async fn outrun(
        &self,
        state: &State,
        (branch, commit): (&str, &ObjectId),
    ) -> Result<Option<String>, GitError> {
        let Some(seen) = state.seen.branch(branch) else { return Ok(None) };
        match self.replica.mirror().ancestry(commit, &seen).await {
            Ok(Ancestry::Ancestor) => Ok(Some(format!(
                "commit {commit} comes too late: {branch} was seen at {seen}, which follows it"
            ))),
            Ok(Ancestry::Same | Ancestry::NotAncestor) | Err(GitError::NoSuchObject { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What a branch stood at before: as it was seen here, else as it was told.
    fn before(
        &self,
        state: &mut State,
        (branch, commit): (&str, &ObjectId),
        told: Option<&str>,
    ) -> Option<ObjectId> {
        let key = (branch.to_owned(), commit.clone());
        if let Some((_, before)) = state.before.iter().find(|(of, _)| *of == key) {
            return before.clone();
        }
        let seen = state.seen.branch(branch).filter(|seen| seen != commit);
        let told = || told.and_then(|it| ObjectId::parse(it).ok()).filter(|it| !it.is_zero());
        let before = seen.or_else(told);
        if state.before.len() >= REMEMBERED {
            state.before.pop_front();
        }
        state.before.push_back((key, before.clone()));
        before
    }

    async fn differing(
        &self,
        before: Option<&ObjectId>,
        after: &ObjectId,
    ) -> Result<ChangedPaths, GitError> {
        let Some(before) = before else { return Ok(ChangedPaths::Everything) };
        match self.replica.mirror().changed_paths(before, after).await {
            Ok(Differing::These(paths)) => Ok(ChangedPaths::Those(paths.into_iter().collect())),
            Ok(Differing::TooMany { .. }) | Err(GitError::NoSuchObject { .. }) => {
                Ok(ChangedPaths::Everything)
            }
            Err(error) => Err(error),
        }
    }
}

fn gone(commit: &str) -> String {
    format!("no branch of the source leads to commit {commit}: it was forced away, or never there")
}
