//! Whether a pipeline file is still where a run came from.

use super::Repository;
use artifacts::git::{GitError, ObjectId, PathPattern};
use std::{collections::HashMap, sync::PoisonError};

/// Files that are remembered.
const REMEMBERED: usize = 1_000;

/// By branch and path: what was there, and at which head.
pub(super) type Found = HashMap<(String, String), (ObjectId, Standing)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is there, or the branch was not seen.
    There,
    Removed {
        by: ObjectId,
    },
}

impl Repository {
    /// What became of a file of a branch, as that was seen last.
    pub(crate) async fn standing(&self, branch: &str, path: &str) -> Result<Standing, GitError> {
        let seen = self.memory.state.lock().await.seen.branch(branch);
        let Some(head) = seen else { return Ok(Standing::There) };
        let key = (branch.to_owned(), path.to_owned());
        let known = || self.memory.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, standing)) = known().get(&key)
            && *at == head
        {
            return Ok(standing.clone());
        }
        let standing = self.looked_for(&head, path).await?;
        let mut known = known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, (head, standing.clone()));
        Ok(standing)
    }

    async fn looked_for(&self, head: &ObjectId, path: &str) -> Result<Standing, GitError> {
        let Ok(pattern) = PathPattern::parse(path) else { return Ok(Standing::There) };
        let mirror = self.replica.mirror();
        let tree = mirror.tree(head, &[pattern]).await?;
        let files = tree.files.iter().map(|it| &it.path);
        if files.chain(tree.refused.iter().map(|it| &it.path)).any(|it| it == path) {
            return Ok(Standing::There);
        }
        let by = mirror.last_to_change(path, head).await?;
        Ok(Standing::Removed { by: by.unwrap_or_else(|| head.clone()) })
    }
}
