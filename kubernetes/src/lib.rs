//! Clusters: client, apply, readiness. No engine types.

pub mod readiness;
pub mod watch;
