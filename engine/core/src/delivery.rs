//! What arrives, as it is kept: the row behind every answer to "I pushed, and nothing happened".
//!
//! Stored formats.

mod about;

pub use about::{About, NotAbout};

use crate::{
    clock::Now,
    happening::Happening,
    id::{DeliveryId, RunId},
    person::Actor,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// By which way something came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "door")]
pub enum Door {
    /// A receiver of `gennaker.yaml`.
    Receiver { name: String },
    /// A pipeline's own address.
    Hook { application: String, name: String },
    /// We went and looked; `subject` is an [`crate::trigger::IndexKey`] in words.
    Poll { subject: String },
    /// A clock.
    Clock { subject: String },
    /// A run of ours has ended.
    Log,
    /// Somebody had an earlier one looked at again.
    Replay { of: DeliveryId },
    /// An address at which nothing listens; nothing is ever kept of it.
    Nowhere,
}

impl fmt::Display for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Door::Receiver { name } => write!(formatter, "receiver {name}"),
            Door::Hook { application, name } => write!(formatter, "hook {application}/{name}"),
            Door::Poll { subject } => write!(formatter, "poll {subject}"),
            Door::Clock { subject } => write!(formatter, "clock {subject}"),
            Door::Log => formatter.write_str("log"),
            Door::Replay { of } => write!(formatter, "replay of {of}"),
            Door::Nowhere => formatter.write_str("unknown addresses"),
        }
    }
}

/// Something that has arrived and was proven to be the sender's; nobody has looked at it yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    pub door: Door,
    /// Within its door, what it is known again by.
    pub key: String,
    /// Of the whole body: lower-case hexadecimal SHA-256.
    pub digest: String,
    pub at: Now,
    pub content: Content,
    /// The body, masked, cut and sealed.
    pub body: Option<Vec<u8>>,
}

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// What the sender calls it: `push`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub happenings: Vec<Happening>,
    /// What else stands in it, and why that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who has had it looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Actor>,
}

/// The answer to one arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Kept {
    New(DeliveryId),
    /// The same has come before.
    Repeated(DeliveryId),
    /// Its key was another body's: somebody sends two things under one name.
    Conflict(DeliveryId),
}

/// A delivery as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub door: Door,
    pub key: String,
    pub digest: String,
    pub at: Now,
    pub content: Content,
    pub state: State,
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not looked at yet, or a place outside has to be asked and does not answer: then that is said.
    Pending {
        waits_for: Option<String>,
    },
    Decided(Decision),
}

/// What became of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub at: Now,
    /// For each trigger to which it might have meant something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<Outcome>,
    /// Why it could mean nothing to any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Decision {
    /// The runs that it started.
    pub fn started(&self) -> u32 {
        let started = self.outcomes.iter().filter(|outcome| match outcome.end {
            OutcomeEnd::Started { .. } | OutcomeEnd::Invalid { told: Some(_), .. } => true,
            OutcomeEnd::Filtered { .. }
            | OutcomeEnd::Known { .. }
            | OutcomeEnd::Invalid { told: None, .. }
            | OutcomeEnd::Refused { .. } => false,
        });
        u32::try_from(started.count()).unwrap_or(u32::MAX)
    }
}

/// What a happening came to for one trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub application: String,
    pub pipeline: String,
    /// The trigger's place in its file, from 0.
    pub trigger: u32,
    #[serde(rename = "type")]
    pub trigger_type: String,
    #[serde(flatten)]
    pub end: OutcomeEnd,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "end")]
pub enum OutcomeEnd {
    Started {
        run: RunId,
        label: String,
    },
    /// A filter said no: `branches`, and what it was held against.
    Filtered {
        filter: String,
        value: String,
    },
    /// It is what was last accepted.
    Known {
        subject: String,
        value: String,
    },
    /// The file of that commit is broken; a run tells so where that commit was to be run.
    Invalid {
        faults: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        told: Option<Told>,
    },
    /// It may not start, or cannot.
    Refused {
        reason: String,
    },
}

/// The run that tells of a broken file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    pub run: RunId,
    pub label: String,
}

/// A decision, and what is to be remembered with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub id: DeliveryId,
    pub decision: Decision,
    pub marks: Vec<Mark>,
}

/// A value that is kept under a name: where a poll goes on, what a trigger has last accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub key: String,
    pub value: String,
}

/// What the keys of marks begin with that say what a trigger has last accepted. They are kept as long
/// as deliveries.
pub const ACCEPTED: &str = "accepted/";

/// Which deliveries to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    pub limit: Option<u32>,
    /// Only those that came before this one.
    pub before: Option<DeliveryId>,
}
