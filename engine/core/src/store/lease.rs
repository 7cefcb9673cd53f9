//! Which engine process may write.

use super::StoreError;
use crate::id::Epoch;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The process that writes. One per store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    pub epoch: Epoch,
    pub owner: Candidate,
    /// Counts the renewals: who watches it stand still for the whole term may take over.
    pub renewals: u64,
    pub terms: LeaseTerms,
}

/// Who asks for the lease. Process ids mean something only within one boot and one pid namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    pub process_id: u32,
    /// As the kernel counts it, so that a reused process id is told apart.
    pub process_started: u64,
    pub pid_namespace: String,
    pub boot: String,
    /// Civil milliseconds and, beside it, the durable line; see [`crate::clock::Elapsed`].
    pub now: crate::clock::Now,
}

/// What the candidate may do about a lease that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takeover {
    /// Nothing: it wants a lease that is nobody's.
    No,
    /// Take it, if it still is this very one, renewals included: its process is known to be gone,
    /// or it was seen to stand still for a whole term.
    Of(Box<Lease>),
}

/// How long a lease stands without being renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseTerms {
    pub length: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// A living process writes here.
    #[error(
        "process {} already drives this state directory: stop it, or use another one with --state",
        holder.process_id
    )]
    Held { holder: Box<Candidate> },
    /// What runs keep here cannot be read with the key that was handed in.
    #[error(
        "what these runs keep was sealed with another key: put the `seal.key` that belongs to this \
         database into the state directory"
    )]
    OtherKey,
    #[error(transparent)]
    Store(#[from] StoreError),
}
