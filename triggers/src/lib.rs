//! The trigger types and the providers of webhooks. Each is one file, or a file and its folder, and a
//! line in [`registry`] or [`receivers`].

pub mod pipeline;
pub mod receivers;
pub mod verify;

pub use receivers::receivers;

use engine_core::{Registry, trigger::AnyTrigger};

/// Every trigger type that a pipeline may name.
pub fn registry() -> Registry<dyn AnyTrigger> {
    Registry::<dyn AnyTrigger>::default().with(pipeline::Pipeline)
}
