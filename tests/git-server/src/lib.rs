//! For tests: repositories made by `git`, and served over HTTP on loopback by `git http-backend`.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod bridge;
mod repository;
mod server;

pub use repository::{Change, Repository};
pub use server::{Manners, Seen, Server};
