//! The trigger types and the receivers of webhooks, held against what others compute and publish.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what a test's helper cannot do fails its test"
)]

mod cron;
mod hostile;
mod oracle;
mod payloads;
mod polls;
mod published;
mod registries;
mod request;
mod rows;
mod senders;
mod table;
mod vectors;
