//! What happens in a repository of sources.

use serde::{Deserialize, Serialize};

/// A ref has changed, or a request was merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Git {
    /// `host/path` without `.git`, in lower case where hosts are; the same for every way of naming it.
    pub repository: String,
    /// The same of its other addresses, where they differ: a host may speak HTTP and SSH under other
    /// ports and paths, and a source may be written by any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    pub change: Change,
    /// Who has pushed, or merged, as the host knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Of the commit, as its author wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What `git diff` says against what was seen before.
    #[serde(default)]
    pub paths: ChangedPaths,
}

/// Commits are whole hexadecimal ids, but for [`Change::Merge`] until it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Change {
    /// A branch stands at another commit. `before` is none if it is new.
    Push {
        branch: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<String>,
        after: String,
    },
    BranchDeleted {
        branch: String,
    },
    /// `commit` is what the tag comes to; none until the repository was asked.
    Tag {
        tag: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
    },
    TagDeleted {
        tag: String,
    },
    /// A request was merged into `branch`, which now stands at `commit` or after it. Bitbucket Cloud
    /// tells only the first 12 digits.
    Merge {
        branch: String,
        commit: String,
        number: u64,
        origin: Origin,
    },
}

/// Where what was merged came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    Repository,
    Fork,
}

/// Which files differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "known", content = "paths")]
pub enum ChangedPaths {
    /// Nobody has looked yet.
    #[default]
    Unread,
    /// There is nothing to compare with, or too many differ: whatever is asked for has changed.
    Everything,
    Those(Vec<String>),
}

/// Enough of a commit's id for people.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

impl Change {
    /// In words: `push to main`.
    pub fn words(&self) -> String {
        match self {
            Change::Push { branch, before: Some(_), after } => {
                format!("push to {branch} ({})", short(after))
            }
            Change::Push { branch, before: None, after } => {
                format!("new branch {branch} ({})", short(after))
            }
            Change::BranchDeleted { branch } => format!("branch {branch} deleted"),
            Change::Tag { tag, .. } => format!("tag {tag}"),
            Change::TagDeleted { tag } => format!("tag {tag} deleted"),
            Change::Merge { branch, number, .. } => {
                format!("request {number} merged into {branch}")
            }
        }
    }
}
