//! What the engine is told of its surroundings.

use engine_core::plan::{Cluster, ClusterIdentity, Environments};

/// Environments of a cluster that nobody asked: every one is the namespace of its name.
pub(crate) fn unread() -> Environments {
    Environments::namespaces_of(Cluster {
        name: "default".to_owned(),
        context: String::new(),
        server: String::new(),
        identity: ClusterIdentity::Unread,
    })
}
