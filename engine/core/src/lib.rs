//! The engine's decisions. Nothing here reads a clock, a disk, a network or a die: time and chance
//! are arguments.
//!
//! The invariant of everything in here: replaying a run's log gives the run's state.

pub mod admission;
pub mod catalogue;
pub mod clock;
pub mod delivery;
pub mod diagnostic;
pub mod event;
pub mod execution;
pub mod expression;
pub mod fact;
pub mod files;
pub mod freeze;
pub mod glob;
pub mod happening;
pub mod id;
pub mod language;
pub mod latest;
pub mod limits;
pub mod parameter;
pub mod person;
pub mod pipeline;
pub mod plan;
pub mod platform;
pub mod receiver;
pub mod registry;
pub mod repeat;
pub mod retention;
pub mod retry;
pub mod revision;
pub mod schedule;
mod secret;
pub mod stage;
pub mod status;
pub mod store;
pub mod template;
pub mod trigger;
pub mod view;
pub mod wording;

pub use execution::{Execution, Start};
pub use pipeline::Pipeline;
pub use plan::Plan;
pub use registry::{Registries, Registry};

use std::{future::Future, pin::Pin};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
