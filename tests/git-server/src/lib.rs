//! For tests: repositories made by `git`, and served on loopback over HTTP by `git http-backend`, or over
//! SSH by OpenSSH.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod bridge;
mod repository;
mod server;
mod ssh;
mod tls;

pub use repository::{Change, Repository};
pub use server::{Manners, Seen, Server};
pub use ssh::Ssh;
