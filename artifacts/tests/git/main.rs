//! Mirrors of real repositories, made by `git` and served over HTTP on loopback by its own backend.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod bench;
mod following;
mod histories;
mod hostile;
mod interrupted;
mod names;
mod reading;
mod secrets;
mod upkeep;
