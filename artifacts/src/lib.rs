//! What is deployed: manifest files become objects, and image references are told apart.
//!
//! Everything here is a pure function of its arguments; nothing reads a disk or a network.

mod fault;
mod images;
mod manifest;
mod reference;
mod render;

pub use fault::{Fault, Place};
pub use images::useful;
pub use manifest::{MAX_DEPTH, MAX_DOCUMENTS, MAX_FILE_BYTES, MAX_NODES};
pub use reference::{Reference, ReferenceError, Repository};
pub use render::{MAX_OBJECTS, Rendered, Source, render};
