//! The stage types. Each is one file, or a file and its folder, and a line in [`registry`].

pub mod approval;
pub mod checks;
pub mod deploy;
pub mod http;
pub mod instant;
pub mod job;
pub mod pipeline;
mod release;
pub mod rollback;
pub mod set_variables;
mod site;
pub mod wait;
pub mod wait_for_ready;

use engine_core::{Registry, stage::AnyStage};
use kubernetes::Clusters;

/// Every stage type that a pipeline may name, acting on these clusters.
pub fn registry(clusters: &Clusters) -> Registry<dyn AnyStage> {
    let clusters = || clusters.clone();
    Registry::default()
        .with(approval::Approval)
        .with(checks::Checks)
        .with(deploy::Deploy { clusters: clusters() })
        .with(http::Http::default())
        .with(job::Job { clusters: clusters() })
        .with(pipeline::Pipeline)
        .with(rollback::Rollback { clusters: clusters() })
        .with(set_variables::SetVariables)
        .with(wait::Wait)
        .with(wait_for_ready::WaitForReady { clusters: clusters() })
}
