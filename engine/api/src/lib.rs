//! The engine's HTTP API: the one way in for whoever is not the engine's own process.

mod door;
mod peer;
mod problem;
mod repeat;
mod routes;
mod submission;

pub use door::{Door, DoorError, Group, connect, socket_in};
pub use peer::{Peer, user};
pub use repeat::Repeat;
pub use submission::{Begun, NotBegun, Starter, Submission};

use engine_runtime::engine::Engine;
use std::sync::Arc;

/// What requests are answered with.
#[derive(Clone)]
pub struct Api {
    pub engine: Arc<Engine>,
    pub starter: Arc<dyn Starter>,
}
