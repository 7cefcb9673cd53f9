//! The stage types. Each is one file, or a file and its folder, and a line in [`registry`].

pub mod approval;
pub mod checks;
pub mod deploy;
mod ground;
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

pub use ground::Ground;

use engine_core::{Registry, latest::Latest, platform::Platform, stage::AnyStage};
use kubernetes::Clusters;

/// Every stage type that a pipeline may name, acting on these clusters, where nothing is restricted.
pub fn registry(clusters: &Clusters) -> Registry<dyn AnyStage> {
    registry_of(clusters, &Latest::default())
}

/// The same on a platform whose file restricts what may be done.
pub fn registry_of(clusters: &Clusters, platform: &Latest<Platform>) -> Registry<dyn AnyStage> {
    let ground = || Ground { clusters: clusters.clone(), platform: platform.clone() };
    Registry::<dyn AnyStage>::default()
        .with(approval::Approval { platform: platform.clone() })
        .with(checks::Checks)
        .with(deploy::Deploy { ground: ground() })
        .with(http::Http::on(platform.clone()))
        .with(job::Job { ground: ground() })
        .with(pipeline::Pipeline)
        .with(rollback::Rollback { ground: ground() })
        .with(set_variables::SetVariables)
        .with(wait::Wait)
        .with(wait_for_ready::WaitForReady { ground: ground() })
}
