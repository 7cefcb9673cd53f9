//! The stage types. Each is one file, or a file and its folder, and a line in [`registry`].

pub mod instant;
pub mod wait;

use engine_core::{Registry, stage::AnyStage};

/// Every stage type that a pipeline may name.
pub fn registry() -> Registry<dyn AnyStage> {
    Registry::default().with(wait::Wait)
}
