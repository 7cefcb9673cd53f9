//! The engine's HTTP API: the one way in for whoever is not the engine's own process.

mod act;
mod body;
mod client;
mod connection;
mod door;
mod gate;
mod health;
mod library;
mod mail;
mod metrics;
mod openapi;
mod patient;
mod peer;
mod problem;
mod query;
mod repeat;
mod rollback;
mod routes;
mod service;
mod submission;

pub use client::{connect, connect_to, socket_in};
pub use door::{DoorError, Doors, Group, Ways};
pub use health::REFUSED;
pub use library::{Asked, At, Library};
pub use mail::{Address, Knock, Mailroom, NoMailroom, Post, Received, Replayed, Unread};
pub use openapi::document;
pub use peer::{Peer, user};
pub use repeat::{MovedOn, Repeat};
pub use rollback::{Back, RollBack};
pub use routes::{CataloguePage, DeliveryPage, Page, PipelinePage, RowPage, RunPage};
pub use submission::{Begun, Checked, NotBegun, Starter, Submission};

use engine_core::latest::Latest;
use engine_runtime::engine::Engine;
use std::sync::Arc;

/// How the platform's file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// There is none: nothing is restricted.
    None,
    InForce {
        file: String,
    },
    /// It has changed and is at fault, so what it said before is in force.
    Refused {
        file: String,
        fault: String,
    },
}

/// What requests are answered with.
#[derive(Clone)]
pub struct Api {
    pub engine: Arc<Engine>,
    pub starter: Arc<dyn Starter>,
    pub configuration: Latest<Configuration>,
    /// Takes what others post.
    pub mailroom: Arc<dyn Mailroom>,
    /// The program's.
    pub version: &'static str,
}
