//! What the world outside says, once it is verified: the same whoever told it, and by which way.
//!
//! Stored formats.

mod git;

pub(crate) use git::short;
pub use git::{Change, ChangedPaths, Git, Origin};

use crate::{clock::Civil, id::RunId, status::RunStatus, wording::instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that has happened. What could not be read of what was told is left out, and confirmed
/// or found by whoever looks at the place itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Happening {
    Git(Git),
    Image(Image),
    Chart(Chart),
    Hook(Hook),
    Time(Time),
    Ended(Ended),
}

impl Happening {
    /// The same, where whatever is asked for has changed.
    #[must_use]
    pub fn of_everything(&self) -> Happening {
        match self {
            Happening::Git(git) => {
                Happening::Git(Git { paths: ChangedPaths::Everything, ..git.clone() })
            }
            Happening::Image(_)
            | Happening::Chart(_)
            | Happening::Hook(_)
            | Happening::Time(_)
            | Happening::Ended(_) => self.clone(),
        }
    }

    /// What has happened, in words.
    pub fn words(&self) -> String {
        match self {
            Happening::Git(git) => format!("{} of {}", git.change.words(), git.repository),
            Happening::Image(Image { repository, tag, digest, .. }) => match (tag, digest) {
                (Some(tag), _) => format!("image {repository}:{tag}"),
                (None, Some(digest)) => format!("image {repository}@{digest}"),
                (None, None) => format!("image {repository}"),
            },
            Happening::Chart(Chart { repository, name, version, .. }) => {
                format!("chart {name} {version} in {repository}")
            }
            Happening::Hook(Hook { application, name, .. }) => format!("hook {application}/{name}"),
            Happening::Time(time) => {
                format!("{} of {}", instant(time.scheduled_at), time.schedule)
            }
            Happening::Ended(Ended { label, status, .. }) => {
                format!("{label} has ended {}", status.word())
            }
        }
    }
}

/// An image was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// `host/path`, as references name it.
    pub repository: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// `sha256:…`; only a registry's own answer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it runs on; only a registry's own answer counts.
    #[serde(default)]
    pub platforms: Platforms,
    /// Whether the registry itself has said so.
    #[serde(default)]
    pub confirmation: Confirmation,
}

/// On what an image runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "known", content = "platforms")]
pub enum Platforms {
    /// Nobody has looked.
    #[default]
    Unread,
    /// Written `linux/amd64`, `linux/arm/v7`.
    Those(Vec<String>),
}

/// Whether what was told was looked at where it is said to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Confirmation {
    /// It is a hint.
    #[default]
    No,
    Yes,
}

/// A version of a chart was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// Where charts lie: a URL, or `oci://host/path`.
    pub repository: String,
    pub name: String,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(default)]
    pub confirmation: Confirmation,
}

/// Somebody who could prove it has posted to a pipeline's own address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    pub application: String,
    pub name: String,
    /// How it was proven, each as [`crate::trigger::Proof::words`]: of several triggers at one address
    /// each asks for its own.
    #[serde(default)]
    pub proofs: Vec<String>,
    /// JSON as it was sent; a form comes as a map of texts.
    pub payload: Value,
}

/// A moment of a schedule has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Time {
    pub application: String,
    pub pipeline: String,
    /// The trigger's place in its file, from 0.
    pub trigger: u32,
    /// The schedule and its zone as they were written: another schedule's moment is not this one's.
    pub schedule: String,
    pub scheduled_at: Civil,
    pub lateness: Lateness,
}

/// Whether the engine was there when the moment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Lateness {
    InTime,
    /// Nobody was there; so many moments, this one the last, went by.
    Missed {
        moments: u32,
    },
}

/// A run has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    pub run: RunId,
    /// `checkout#12`.
    pub label: String,
    pub application: String,
    pub pipeline: String,
    pub status: RunStatus,
    /// The runs it comes from, itself the last.
    pub ancestry: Vec<RunId>,
}
