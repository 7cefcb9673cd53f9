//! What a target runs, and what is known of it.

use crate::{
    clock::Now,
    id::{BlobName, Resource, RunId},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One place where one application runs: the cluster's identity is part of it, so that a context
/// that was pointed at another cluster is another target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub application: String,
    pub environment: String,
    /// The uid of the cluster's `kube-system` namespace.
    pub cluster_uid: String,
}

impl Target {
    /// The name under which runs contend for this target.
    pub fn resource(&self) -> Resource {
        let Target { application, environment, cluster_uid } = self;
        Resource(format!("target:{application}/{environment}@{cluster_uid}"))
    }
}

/// A place in a group of runs of one application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    pub application: String,
    pub group: String,
}

impl Slot {
    /// The name under which runs contend for it.
    pub fn resource(&self) -> Resource {
        Resource(format!("group:{}/{}", self.application, self.group))
    }
}

/// One recorded change of one component of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// Counts up per target; one per (run, stage).
    pub number: u64,
    pub run: RunId,
    pub stage: String,
    pub at: Now,
    pub set: ComponentSet,
    pub proof: Proof,
}

/// The whole rendered set of one component, as it was or will be applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSet {
    pub component: String,
    pub content: BlobName,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    pub origin: Origin,
}

/// Where a set came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Origin {
    Deploy,
    /// The set of revision `of`, whose mark it keeps; going back marks the revision `left` as bad.
    Rollback {
        of: u64,
        left: u64,
    },
}

/// What is known of a component's set. It is proven when its run gives the target back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    Unproven,
    Good,
    Bad,
}

impl Proof {
    pub fn word(self) -> &'static str {
        match self {
            Proof::Unproven => "unproven",
            Proof::Good => "good",
            Proof::Bad => "bad",
        }
    }
}

/// The newest revision of a target that another run has recorded since `runs` last did; or, if they
/// never did, since they began. `revisions` are all of the target, oldest first.
pub fn newer<'a>(
    revisions: &'a [Revision],
    runs: &BTreeSet<RunId>,
    began: Now,
) -> Option<&'a Revision> {
    let newest = revisions.last()?;
    let is_ours = |revision: &Revision| runs.contains(&revision.run);
    let is_newer = match revisions.iter().any(is_ours) {
        true => !is_ours(newest),
        false => newest.at.elapsed > began.elapsed,
    };
    is_newer.then_some(newest)
}

/// Where a set is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// An earlier attempt has recorded the same: nothing is written.
    Reused,
    /// Under the number that this stage has already, for another component.
    Beside { number: u64 },
    /// Under the target's next number.
    Next,
}

/// One number per (run, stage), and a new one when a component's content changed. `earlier` are the
/// revisions of this target, run and stage, oldest first.
pub fn recording(earlier: &[Revision], set: &ComponentSet) -> Recording {
    let same = |revision: &&Revision| revision.set.component == set.component;
    let component = earlier.iter().rev().find(same);
    match (component, earlier.last()) {
        (Some(before), _) if before.set.content == set.content => Recording::Reused,
        (Some(before), Some(newest)) if before.number == newest.number => Recording::Next,
        (_, Some(newest)) => Recording::Beside { number: newest.number },
        (_, None) => Recording::Next,
    }
}
