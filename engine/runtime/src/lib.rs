//! The engine's effects: what drives runs, and where their logs are kept.

mod lease;
pub mod memory;
