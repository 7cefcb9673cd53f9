//! Which commit a person means, and what pipelines are there.

use super::Repository;
use artifacts::git::{GitError, ObjectId, RefKind, RefName, Refs};
use engine_core::{catalogue::Entry, platform::Leave, trigger::Commit};

/// What is meant, or why nothing is.
type Meant<T> = Result<Result<T, String>, GitError>;

enum Named {
    Branch(String, ObjectId),
    Tag(String, ObjectId),
    Nothing,
}

impl Repository {
    /// Asks the server, so that the newest commit of the default branch is the newest there is.
    pub(crate) async fn look_again(&self) -> Result<(), GitError> {
        let used = self.replica.mirror();
        match self.looked_again().await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.looked_again().await
            }
            done => done,
        }
    }

    async fn looked_again(&self) -> Result<(), GitError> {
        let mut state = self.memory.state.lock().await;
        self.look_now(&mut state).await.map(drop)
    }

    /// A branch of the source, a tag or a commit, with the pipelines that lie there. Of a commit that
    /// is known the server is not asked.
    pub(crate) async fn at(&self, reference: &str) -> Meant<(Commit, Vec<Entry>)> {
        let used = self.replica.mirror();
        match self.found_at(reference).await {
            Err(error) => {
                self.mend(error, &used).await?;
                self.found_at(reference).await
            }
            done => done,
        }
    }

    async fn found_at(&self, reference: &str) -> Meant<(Commit, Vec<Entry>)> {
        let (reference, commit) = match self.resolved(reference).await? {
            Ok(meant) => meant,
            Err(reason) => return Ok(Err(reason)),
        };
        let entries = self.entries_at(&commit).await?;
        let commit = commit.to_string();
        Ok(Ok((Commit::Of { reference, commit }, entries)))
    }

    async fn resolved(&self, reference: &str) -> Meant<(String, ObjectId)> {
        if is_commit(reference)
            && let Ok(meant) = self.commit(reference).await?
        {
            return Ok(Ok(meant));
        }
        let refs = {
            let _alone = self.memory.state.lock().await;
            self.caught_up().await?
        };
        match self.named(reference, &refs) {
            Named::Branch(name, commit) => Ok(Ok((name, commit))),
            Named::Tag(name, commit) => {
                let led = self.reachable(commit.as_str()).await?;
                Ok(led.map(|commit| (name, commit)))
            }
            Named::Nothing if is_commit(reference) => self.commit(reference).await,
            Named::Nothing => {
                let branches = self.branches().join(", ");
                Ok(Err(format!(
                    "the source has no branch, tag or commit {reference:?}: its branches are {branches}"
                )))
            }
        }
    }

    /// A commit by its digits, and a branch of the source that leads to it.
    async fn commit(&self, digits: &str) -> Meant<(String, ObjectId)> {
        let commit = match self.reachable(digits).await? {
            Ok(commit) => commit,
            Err(reason) => return Ok(Err(reason)),
        };
        let names = self.replica.mirror().containing(&commit).await?;
        let is_ours = |it: &&RefName| it.kind() == RefKind::Branch && self.is_wanted(it);
        Ok(match names.iter().find(is_ours) {
            Some(branch) => Ok((branch.as_str().to_owned(), commit)),
            None => Err(format!("no branch of the source leads to commit {digits}")),
        })
    }

    /// What a name stands for; a branch comes before a tag of the same name.
    fn named(&self, reference: &str, refs: &Refs) -> Named {
        let short = |prefix: &str| match reference.strip_prefix(prefix) {
            Some(short) => Some(short),
            None => (!reference.starts_with("refs/")).then_some(reference),
        };
        let target = |name: RefName| {
            let commit = refs.get(&name)?.commit.clone();
            Some((name.as_str().to_owned(), commit))
        };
        let branch = short("refs/heads/").filter(|it| self.source.branch(it) == Leave::Granted);
        let branch = branch.and_then(|it| target(RefName::branch(it).ok()?));
        if let Some((name, commit)) = branch {
            return Named::Branch(name, commit);
        }
        match short("refs/tags/").and_then(|it| target(RefName::tag(it).ok()?)) {
            Some((name, commit)) => Named::Tag(name, commit),
            None => Named::Nothing,
        }
    }
}

/// Whether these may be the first digits of a commit.
fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it))
}
