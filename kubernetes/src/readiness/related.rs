//! Which kinds must be watched, and where, to judge a set.

use super::Expectation;
use std::collections::BTreeSet;

/// All objects of one kind in one namespace, or in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub namespace: Option<String>,
}

/// The kinds of the set, and what their rules look at beside them.
pub fn scopes(expectations: &[Expectation]) -> BTreeSet<Scope> {
    let own = expectations.iter().map(Scope::of);
    let beside = expectations.iter().flat_map(|expectation| {
        let kinds = beside(&expectation.group, &expectation.kind).iter();
        kinds.map(move |kind| kind.in_namespace(expectation.namespace.as_deref()))
    });
    own.chain(beside).collect()
}

/// A kind of Kubernetes itself: its group, version, name and plural, and whether it has namespaces.
struct Kind(&'static str, &'static str, &'static str, &'static str, Where);

enum Where {
    Namespace,
    Cluster,
}

const POD: Kind = Kind("", "v1", "Pod", "pods", Where::Namespace);
const EVENT: Kind = Kind("", "v1", "Event", "events", Where::Namespace);
const REPLICA_SET: Kind = Kind("apps", "v1", "ReplicaSet", "replicasets", Where::Namespace);
const STORAGE_CLASS: Kind =
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", Where::Cluster);

fn beside(group: &str, kind: &str) -> &'static [Kind] {
    match (group, kind) {
        ("apps", "Deployment") => &[REPLICA_SET, POD],
        ("apps", "ReplicaSet") => &[POD],
        ("apps", "StatefulSet" | "DaemonSet") | ("batch", "Job") => &[POD, EVENT],
        ("", "PersistentVolumeClaim") => &[STORAGE_CLASS],
        (_, _) => &[],
    }
}

impl Kind {
    fn in_namespace(&self, namespace: Option<&str>) -> Scope {
        let Kind(group, version, kind, plural, place) = self;
        Scope {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
            kind: (*kind).to_owned(),
            plural: (*plural).to_owned(),
            namespace: match place {
                Where::Namespace => namespace.map(str::to_owned),
                Where::Cluster => None,
            },
        }
    }
}

impl Scope {
    fn of(expectation: &Expectation) -> Scope {
        Scope {
            group: expectation.group.clone(),
            version: expectation.version.clone(),
            kind: expectation.kind.clone(),
            plural: expectation.plural.clone(),
            namespace: expectation.namespace.clone(),
        }
    }
}
