//! The stage types. Each is one file, or a file and its folder, and a line in [`registry`].

pub mod approval;
pub mod checks;
pub mod deploy;
mod ground;
pub mod http;
pub mod instant;
pub mod job;
mod pinning;
pub mod pipeline;
mod release;
pub mod rollback;
mod rules;
pub mod set_variables;
mod site;
pub mod wait;
pub mod wait_for_ready;

pub use ground::Ground;

use artifacts::registry::Registries;
use engine_core::{Registry, latest::Latest, platform::Platform, stage::AnyStage};
use kubernetes::Clusters;

/// Every stage type that a pipeline may name, acting on these clusters, where nothing is restricted.
pub fn registry(clusters: &Clusters) -> Registry<dyn AnyStage> {
    registry_of((clusters, &Registries::default()), &Latest::default())
}

/// The same on a platform whose file restricts what may be done, and says which registries are asked
/// what image references stand for.
pub fn registry_of(
    (clusters, registries): (&Clusters, &Registries),
    platform: &Latest<Platform>,
) -> Registry<dyn AnyStage> {
    let ground = || Ground { clusters: clusters.clone(), platform: platform.clone() };
    let registries = || registries.clone();
    Registry::<dyn AnyStage>::default()
        .with(approval::Approval { platform: platform.clone() })
        .with(checks::Checks)
        .with(deploy::Deploy { ground: ground(), registries: registries() })
        .with(http::Http::on(platform.clone()))
        .with(job::Job { ground: ground(), registries: registries() })
        .with(pipeline::Pipeline)
        .with(rollback::Rollback { ground: ground() })
        .with(set_variables::SetVariables)
        .with(wait::Wait)
        .with(wait_for_ready::WaitForReady { ground: ground() })
}
