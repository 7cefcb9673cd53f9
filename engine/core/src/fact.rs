//! Facts without a run, told on the stream `system`: what has arrived, what was refused at the door,
//! which configuration is in force.
//!
//! Stored formats: variants are only added, fields only with defaults.

mod refusal;

pub use refusal::{Refusal, RefusalReason};

use crate::{delivery::Door, id::DeliveryId};
use serde::{Deserialize, Serialize};

/// What has happened, in the past tense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fact {
    /// It is kept, and will be looked at.
    DeliveryArrived { delivery: DeliveryId, by: Door },
    /// It is known what became of it; so many runs were started.
    DeliveryDecided { delivery: DeliveryId, started: u32 },
    /// What was posted and left no delivery, gathered: at most one for each door and reason in a minute.
    PostsRefused(Refusal),
    /// The platform's file was read again, and is in force.
    ConfigurationTaken { file: String },
    /// It is at fault: what it said before stays in force.
    ConfigurationRefused { file: String, fault: String },
}
