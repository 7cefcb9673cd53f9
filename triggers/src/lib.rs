//! The trigger types and the providers of webhooks. Each is one file, or a file and its folder, and a
//! line in [`registry`] or [`receivers`].

pub mod pipeline;

use engine_core::{Registry, receiver::AnyReceiver, trigger::AnyTrigger};

/// Every trigger type that a pipeline may name.
pub fn registry() -> Registry<dyn AnyTrigger> {
    Registry::<dyn AnyTrigger>::default().with(pipeline::Pipeline)
}

/// Every provider that a receiver may be of.
pub fn receivers() -> Registry<dyn AnyReceiver> {
    Registry::default()
}
