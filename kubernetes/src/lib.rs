//! Clusters: client, apply, readiness. No engine types.

mod apply;
mod breaker;
mod cluster;
mod discovery;
mod error;
pub mod examination;
pub mod kubeconfig;
mod live;
mod location;
pub mod logs;
pub mod marks;
mod namespace;
mod once;
mod order;
mod prune;
pub mod readiness;
mod rehearsal;
mod replicas;
mod search;
pub mod watch;

pub use apply::{Deletion, Found};
pub use cluster::{Cluster, Clusters};
pub use error::{ClusterError, FieldConflict};
pub use live::Live;
pub use location::{Located, Location};
pub use marks::{Marks, Ownership};
pub use namespace::NamespaceState;
pub use order::{groundwork, sort};
pub use prune::{Pruning, pruning};
pub use rehearsal::{Candidate, Refusal, RehearsalError, Rehearsed, objection};
pub use search::SearchError;

/// Under which name the cluster keeps what we wrote.
pub const FIELD_MANAGER: &str = "gennaker";
