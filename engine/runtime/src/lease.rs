//! Who may write: judging whether the holder of a lease is over.

use engine_core::store::{Lease, StoreError};

/// The answer to a writer whose lease is not the one that stands.
pub(crate) fn lost(standing: Option<&Lease>) -> StoreError {
    let holder = match standing {
        Some(lease) => format!("process {} has taken over", lease.owner.process_id),
        None => "it was given back".to_owned(),
    };
    StoreError::LeaseLost { holder }
}
