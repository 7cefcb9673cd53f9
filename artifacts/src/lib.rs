//! What is deployed: manifest files become objects, image references are told apart, the repositories
//! that all of it comes from are mirrored, and registries are asked what references stand for.
//!
//! Rendering and references are pure functions of their arguments. Only [`git`] reads a disk, starts
//! programs and speaks to a network, and [`registry`] to that, and only where their callers say.

pub mod addresses;
mod fault;
pub mod git;
mod images;
mod manifest;
mod reference;
pub mod registry;
mod render;

pub use fault::{Fault, Place};
pub use images::useful;
pub use manifest::{MAX_DEPTH, MAX_DOCUMENTS, MAX_FILE_BYTES, MAX_NODES};
pub use reference::{Reference, ReferenceError, Repository};
pub use render::{MAX_OBJECTS, Rendered, Source, render};
