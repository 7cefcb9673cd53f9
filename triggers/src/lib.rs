//! The trigger types and the providers of webhooks. Each is one file, or a file and its folder, and a
//! line in [`registry`] or [`receivers`].

pub mod chart;
pub mod cron;
pub mod git;
mod globs;
pub mod image;
pub mod manual;
pub mod pipeline;
pub mod receivers;
mod registries;
pub mod verify;
pub mod webhook;

pub use receivers::receivers;

use engine_core::{Registry, trigger::AnyTrigger};

/// Every trigger type that a pipeline may name.
pub fn registry() -> Registry<dyn AnyTrigger> {
    Registry::<dyn AnyTrigger>::default()
        .with(chart::Chart)
        .with(cron::Cron)
        .with(git::Git)
        .with(image::Image)
        .with(manual::Manual)
        .with(pipeline::Pipeline)
        .with(webhook::Webhook)
}
