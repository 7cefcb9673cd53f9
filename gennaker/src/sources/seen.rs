//! Where a repository stood when it was last looked at: the cursor of its poll.

use artifacts::git::{ObjectId, RefName, Refs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Stored form; only extended, by fields with defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Seen {
    /// By full name, `refs/heads/main`: what it points to.
    pub(super) refs: BTreeMap<String, String>,
    /// The patterns of branches by which it was looked at then.
    pub(super) branches: Vec<String>,
    /// By path: the newest version of a file that was whole.
    pub(super) good: BTreeMap<String, Good>,
}

/// A version of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Good {
    pub(super) commit: String,
    pub(super) blob: String,
}

impl Seen {
    pub(super) fn objects(&self) -> BTreeMap<RefName, ObjectId> {
        let read = |(name, object): (&String, &String)| {
            Some((RefName::parse(name).ok()?, ObjectId::parse(object).ok()?))
        };
        self.refs.iter().filter_map(read).collect()
    }

    pub(super) fn put_refs(&mut self, refs: &Refs) {
        let told = refs.objects().into_iter();
        self.refs = told.map(|(name, id)| (name.to_string(), id.to_string())).collect();
    }

    pub(super) fn branch(&self, branch: &str) -> Option<ObjectId> {
        ObjectId::parse(self.refs.get(&format!("refs/heads/{branch}"))?).ok()
    }
}
