//! The engine's effects: what drives runs, and where their logs are kept.

pub mod children;
pub mod clock;
mod committer;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod driver;
pub mod engine;
pub mod evaluator;
mod guard;
pub mod inbox;
pub mod lease;
pub mod mask;
pub mod memory;
pub mod objects;
pub mod process;
mod provings;
pub mod reader;
pub mod retention;
pub mod seal;
pub mod secrets;
mod services;
pub mod sqlite;
mod supervisor;
mod teller;
