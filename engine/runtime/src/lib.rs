//! The engine's effects: what drives runs, and where their logs are kept.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod lease;
pub mod memory;
