//! The checked graph: every stage type known, every file read, everything pinned.

mod broken;
mod callers;
pub mod compile;
pub mod graph;
mod node;
mod secrets;
mod way_back;

pub use broken::{Broken, BrokenFile};
pub use callers::Callers;
pub use compile::{Cluster, Environments, UnknownEnvironment};
pub use graph::{Dependent, Graph, GraphError, NodeIndex};
pub use node::{Accepts, Cell, CellFailure, Effect, Need, Node, OnFailure, OnTimeout, Timeout};
pub use secrets::SecretUse;
pub use way_back::{WayBack, WayBackError};

use crate::{
    admission::{Rank, Strategy},
    id::{BlobName, PlanHash},
    revision::{Slot, Target},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The stored form that this program writes and reads.
pub const FORMAT: u32 = 1;

/// The pipeline of a person's way back. No author's pipeline has this name.
pub const ROLLBACK_PIPELINE: &str = "rollback";

/// What a run executes. It is stored by the hash of its content and never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    document: Document,
    graph: Graph,
    /// Which nodes use which secrets.
    secrets: BTreeSet<SecretUse>,
}

/// The stored form of a plan. Only extended, by fields with defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub format: u32,
    pub application: String,
    pub pipeline: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whose stages may start it.
    #[serde(default, skip_serializing_if = "Callers::is_repository")]
    pub callers: Callers,
    /// The group of runs it belongs to; one runs beside all others without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// How long stages may run attempts, all in all.
    #[serde(default, skip_serializing_if = "Timeout::is_never")]
    pub timeout: Timeout,
    /// The values with which the run was started, defaults filled in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, Place>,
    /// The environments of which expressions read what is deployed there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: BTreeMap<String, Place>,
    /// The image references of the pipeline, as expressions read them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, Value>,
    /// What image references stand for, as far as that was asked before the run starts: by the
    /// reference as it was written, one with a digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resolved: BTreeMap<String, String>,
    /// The same, as an earlier run had recorded it that this one retries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub carried: BTreeMap<String, String>,
    /// In an order in which every node follows what it needs.
    pub nodes: Vec<Node>,
    /// The pipelines that stages start, and those that these start, by `application/name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub callees: BTreeMap<String, Called>,
    /// The file that it was made of; runs of earlier releases have not kept theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The commit that the file is of; a file that somebody handed in is of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What is wrong with the file, if no run can be made of it: then there are no nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// `host/path`, as [`crate::happening::Git::repository`].
    pub repository: String,
    /// The branch or tag by which it was found.
    #[serde(rename = "ref")]
    pub reference: String,
    pub commit: String,
    /// The branches of the source that led to it when the run began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<String>,
}

impl Document {
    /// The blobs that it names.
    pub fn files(&self) -> Vec<BlobName> {
        let of_nodes = self.nodes.iter().flat_map(|node| node.files.values());
        let of_called = |called: &'_ Called| -> Vec<BlobName> {
            called.files.values().chain([&called.source.content]).cloned().collect()
        };
        let called = self.callees.values().flat_map(of_called);
        let source = self.source.iter().map(|source| source.content.clone());
        let all: BTreeSet<BlobName> = of_nodes.cloned().chain(called).chain(source).collect();
        all.into_iter().collect()
    }
}

impl Origin {
    /// What expressions see as `source`.
    pub fn value(&self) -> Value {
        json!({"repository": self.repository, "ref": self.reference, "commit": self.commit})
    }
}

/// A pipeline file as it was when the run started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// How diagnostics name it.
    pub name: String,
    pub content: BlobName,
    /// The source in which it lay, if that is a plain folder: by the name that gennaker.yaml gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// A pipeline that stages start, as it was when the run started, with all that it may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Called {
    pub source: Source,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, BlobName>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patterns: BTreeMap<String, Vec<String>>,
}

/// How many runs of a group may be under way, and what a newcomer means to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Concurrency {
    pub group: String,
    pub limit: u32,
    pub strategy: Strategy,
}

/// Where an environment is. What is pinned here holds for the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub cluster: String,
    pub context: String,
    pub server: String,
    pub namespace: String,
    pub identity: ClusterIdentity,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub production: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Which cluster it is, whatever its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ClusterIdentity {
    /// The uid of `kube-system`, read when the run started.
    Pinned { uid: String },
    /// Not asked: the plan was made to be looked at. Such a plan is never run.
    Unread,
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the stored plan cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error(
        "the stored plan has format {found}, this program reads up to {FORMAT}: use a newer release"
    )]
    Newer { found: u32 },
    #[error("the stored plan is damaged: {0}")]
    Damaged(#[from] GraphError),
}

impl Plan {
    /// A plan over `document`, whose nodes may come in any order.
    pub fn new(mut document: Document) -> Result<Plan, GraphError> {
        document.nodes = graph::in_order(document.nodes)?;
        Plan::over(document)
    }

    fn over(document: Document) -> Result<Plan, GraphError> {
        let graph = Graph::of(&document.nodes)?;
        let secrets = secrets::of(&document.nodes);
        Ok(Plan { document, graph, secrets })
    }

    /// The same, with the file that it was made of.
    #[must_use]
    pub fn made_of(mut self, source: Source) -> Plan {
        self.document.source = Some(source);
        self
    }

    /// The same, of a file that lay in this folder of the platform's sources.
    #[must_use]
    pub fn lying_in(mut self, folder: Option<String>) -> Plan {
        if let Some(source) = &mut self.document.source {
            source.folder = folder;
        }
        self
    }

    /// The folder of the platform's sources in which its file lay, if it did.
    pub fn folder(&self) -> Option<&str> {
        self.document.source.as_ref()?.folder.as_deref()
    }

    /// The same, for a run in which image references stand for what they stood for in an earlier one.
    #[must_use]
    pub fn carrying(mut self, images: BTreeMap<String, String>) -> Plan {
        self.document.carried = images;
        self
    }

    /// What image references stand for before the run has recorded anything.
    pub(crate) fn images(&self) -> BTreeMap<String, String> {
        let Document { resolved, carried, .. } = &self.document;
        carried.iter().chain(resolved).map(|(name, image)| (name.clone(), image.clone())).collect()
    }

    /// The plan that [`Plan::store`] wrote.
    pub fn restore(stored: &str) -> Result<Plan, RestoreError> {
        let document: Document = serde_json::from_str(stored)?;
        if document.format > FORMAT {
            return Err(RestoreError::Newer { found: document.format });
        }
        Ok(Plan::over(document)?)
    }

    /// The stored form and its hash.
    pub fn store(&self) -> Result<(PlanHash, String), serde_json::Error> {
        let stored = serde_json::to_string(&self.document)?;
        let hash = PlanHash(hex::encode(Sha256::digest(stored.as_bytes())));
        Ok((hash, stored))
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn nodes(&self) -> &[Node] {
        &self.document.nodes
    }

    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.document.nodes[index.0]
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Whether its runs go before others, as a person's way back does.
    pub fn rank(&self) -> Rank {
        match self.document.pipeline.as_str() {
            ROLLBACK_PIPELINE => Rank::Rollback,
            _ => Rank::Ordinary,
        }
    }

    /// Everything that a node needs, however far away.
    pub fn upstream(&self, index: NodeIndex) -> BTreeSet<NodeIndex> {
        let (mut found, mut open) = (BTreeSet::new(), vec![index]);
        while let Some(index) = open.pop() {
            let needs = self.node(index).needs.iter();
            let needs = needs.filter_map(|need| self.graph.index(&need.stage));
            open.extend(needs.filter(|index| found.insert(*index)));
        }
        found
    }

    /// The environments that a node and everything downstream of it name.
    pub fn environments_downstream(&self, index: NodeIndex) -> BTreeSet<String> {
        let downstream = self.graph.downstream(index);
        downstream.iter().filter_map(|index| self.node(*index).environment.clone()).collect()
    }

    /// The place in its group for which a run of the plan asks.
    pub fn slot(&self) -> Option<Slot> {
        let Concurrency { group, .. } = self.document.concurrency.as_ref()?;
        Some(Slot { application: self.document.application.clone(), group: group.clone() })
    }

    /// The targets that a node and everything downstream of it name.
    pub fn targets_downstream(&self, index: NodeIndex) -> BTreeSet<Target> {
        let downstream = self.graph.downstream(index);
        downstream.iter().filter_map(|index| self.target(self.node(*index))).collect()
    }

    /// The same, with the pipelines that its stages start.
    #[must_use]
    pub fn calling(mut self, callees: BTreeMap<String, Called>) -> Plan {
        self.document.callees = callees;
        self
    }

    /// Where a node acts, if it names an environment.
    pub fn place(&self, node: &Node) -> Option<&Place> {
        self.document.environments.get(node.environment.as_deref()?)
    }

    /// The target on which a node acts, if it names an environment whose cluster is pinned.
    pub fn target(&self, node: &Node) -> Option<Target> {
        self.target_at(node.environment.as_deref()?, self.place(node)?)
    }

    /// The target whose state expressions read, if its cluster is pinned.
    pub(crate) fn observed(&self, environment: &str) -> Option<Target> {
        self.target_at(environment, self.document.observed.get(environment)?)
    }

    fn target_at(&self, environment: &str, place: &Place) -> Option<Target> {
        match &place.identity {
            ClusterIdentity::Unread => None,
            ClusterIdentity::Pinned { uid } => Some(Target {
                application: self.document.application.clone(),
                environment: environment.to_owned(),
                cluster_uid: uid.clone(),
            }),
        }
    }

    /// Every place whose cluster is to be pinned.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let Document { environments, observed, .. } = &self.document;
        environments.values().chain(observed.values())
    }
}
