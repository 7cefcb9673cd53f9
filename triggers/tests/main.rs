//! Receivers of webhooks, held against what their senders publish.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what a test's helper cannot do fails its test"
)]

mod payloads;
mod published;
mod request;
mod table;
mod vectors;
