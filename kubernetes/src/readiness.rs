//! Whether what was applied is ready, and if not, in whose words: pure functions over objects.
//!
//! The base is kstatus (`Compute`, sigs.k8s.io/cli-utils `pkg/kstatus/status`); where it is too
//! lenient for a deployment the stricter rule is named at the kind.

mod daemon_set;
mod deployment;
mod fields;
pub mod job;
mod other;
mod pod;
mod related;
mod stateful_set;
mod world;

#[cfg(test)]
mod tests;

pub use related::{Scope, scopes};
pub use world::World;

use fields::Fields;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// An object as our own apply left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expectation {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// As it stands in paths: `deployments`.
    pub plural: String,
    pub namespace: Option<String>,
    pub name: String,
    pub uid: String,
    /// What the apply returned; nothing for kinds that do not count generations.
    pub generation: Option<i64>,
    /// Civil milliseconds at which applying began: older events are somebody else's.
    pub applied_at_ms: u64,
}

/// The verdict over a whole set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Assessment {
    Ready {
        warnings: Vec<String>,
    },
    Progressing {
        detail: String,
        /// Civil milliseconds at which to look again although nothing changed: a grace ends then.
        recheck_at_ms: Option<u64>,
    },
    Failed {
        faults: Vec<Fault>,
    },
}

/// Why an object will not become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `deployment web`.
    pub object: String,
    pub source: Source,
    /// The cluster's own word, such as `ImagePullBackOff`.
    pub reason: String,
    pub message: String,
}

/// Where in an object the fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Object,
    Pod { pod: String },
    Container { pod: String, container: String, image: String },
    InitContainer { pod: String, container: String, image: String },
}

/// The verdict over one object.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Ready,
    ReadyBut { warning: String },
    Waits { words: String, recheck_at_ms: Option<u64> },
    Fails { faults: Vec<Fault> },
}

/// Judges a set. `now_ms` are civil milliseconds.
pub fn assess(expectations: &[Expectation], world: &World, now_ms: u64) -> Assessment {
    let (mut warnings, mut waits, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let mut recheck_at_ms: Option<u64> = None;
    for expectation in expectations {
        match judge(expectation, world, now_ms) {
            Verdict::Ready => {}
            Verdict::ReadyBut { warning } => {
                warnings.push(format!("{}: {warning}", expectation.label()));
            }
            Verdict::Waits { words, recheck_at_ms: at } => {
                waits.push((expectation.label(), words));
                recheck_at_ms = [recheck_at_ms, at].into_iter().flatten().min();
            }
            Verdict::Fails { faults: found } => faults.extend(found),
        }
    }
    if !faults.is_empty() {
        return Assessment::Failed { faults };
    }
    if waits.is_empty() {
        return Assessment::Ready { warnings };
    }
    let detail = match (expectations, waits.as_slice()) {
        // Of one object nobody needs to be told which.
        ([_], [(_, words)]) => words.clone(),
        (_, waits) => summary(waits),
    };
    Assessment::Progressing { detail, recheck_at_ms }
}

/// What is waited for, objects that wait for the same told together.
fn summary(waits: &[(String, String)]) -> String {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (label, words) in waits {
        match grouped.iter_mut().find(|(known, _)| known == words) {
            Some((_, labels)) => labels.push(label),
            None => grouped.push((words, vec![label])),
        }
    }
    let told = grouped.into_iter().map(|(words, labels)| match labels.as_slice() {
        [_, _, _, ..] => format!("{} objects: {words}", labels.len()),
        few => format!("{}: {words}", few.join(", ")),
    });
    told.collect::<Vec<_>>().join("; ")
}

fn judge(expectation: &Expectation, world: &World, now_ms: u64) -> Verdict {
    if !world.is_current(&expectation.group, &expectation.kind) {
        return Verdict::waits("the cluster's state is being read");
    }
    let Some(object) = world.find(expectation) else {
        return Verdict::waits("not seen by the watch yet");
    };
    let fields = Fields(object);
    if fields.text("/metadata/uid") != Some(&expectation.uid) {
        let message = "somebody deleted it and created it anew".to_owned();
        return Verdict::fails(expectation, "Replaced", message);
    }
    if fields.text("/metadata/deletionTimestamp").is_some() {
        let message = "somebody deleted it".to_owned();
        return Verdict::fails(expectation, "Terminating", message);
    }
    if let Some(behind) = behind(expectation, &fields) {
        return Verdict::waits(behind);
    }
    let case = Case { expectation, fields, world, now_ms };
    match (expectation.group.as_str(), expectation.kind.as_str()) {
        ("apps", "Deployment") => deployment::judge(&case),
        ("apps", "ReplicaSet") => deployment::judge_replica_set(&case),
        ("apps", "StatefulSet") => stateful_set::judge(&case),
        ("apps", "DaemonSet") => daemon_set::judge(&case),
        ("", "Pod") => pod::judge(&case),
        ("batch", "Job") => other::job(&case),
        ("", "Service") => other::service(&case),
        ("", "PersistentVolumeClaim") => other::claim(&case),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => other::definition(&case),
        (_, _) => other::generic(&case),
    }
}

/// Whether what we see is older than what we applied, or its controller has not looked at it:
/// nothing else that it says counts before.
fn behind(expectation: &Expectation, fields: &Fields<'_>) -> Option<&'static str> {
    let generation = fields.number("/metadata/generation");
    if generation < expectation.generation {
        return Some("the watch has not seen our change yet");
    }
    let observed = fields.number("/status/observedGeneration");
    let reports = observed.is_some() || fields.counts_generations(expectation);
    (generation.is_some() && reports && observed != generation)
        .then_some("its controller has not seen our change yet")
}

/// One object with everything that a rule may look at.
struct Case<'a> {
    expectation: &'a Expectation,
    fields: Fields<'a>,
    world: &'a World,
    now_ms: u64,
}

impl Case<'_> {
    fn fault(&self, reason: &str, message: impl Into<String>) -> Fault {
        Fault {
            object: self.expectation.label(),
            source: Source::Object,
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    /// Fails with the words of the pods that keep the object from being ready, if they have any.
    fn waits_for_pods<'w>(&self, pods: impl Iterator<Item = &'w Value>, words: String) -> Verdict {
        let (mut faults, mut recheck_at_ms) = (Vec::new(), None);
        for pod in pods {
            match pod::trouble(&self.expectation.label(), pod, self.now_ms) {
                pod::Trouble::None => {}
                pod::Trouble::Fault(fault) => faults.push(fault),
                pod::Trouble::Soon { at_ms } => {
                    recheck_at_ms = [recheck_at_ms, Some(at_ms)].into_iter().flatten().min();
                }
            }
        }
        if faults.is_empty() {
            return Verdict::Waits { words, recheck_at_ms };
        }
        faults.dedup_by(|one, other| one.reason == other.reason && one.message == other.message);
        Verdict::Fails { faults }
    }
}

impl Verdict {
    fn waits(words: impl Into<String>) -> Verdict {
        Verdict::Waits { words: words.into(), recheck_at_ms: None }
    }

    fn fails(expectation: &Expectation, reason: &str, message: String) -> Verdict {
        let (object, reason) = (expectation.label(), reason.to_owned());
        Verdict::Fails { faults: vec![Fault { object, source: Source::Object, reason, message }] }
    }
}

impl Expectation {
    /// `deployment web`, as kubectl would say it.
    pub fn label(&self) -> String {
        format!("{} {}", self.kind.to_lowercase(), self.name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { object, source, reason, message } = self;
        write!(formatter, "{object}: ")?;
        match source {
            Source::Object => {}
            Source::Pod { pod } => write!(formatter, "pod {pod}: ")?,
            Source::Container { pod, container, image } => {
                write!(formatter, "pod {pod}, container {container}, image {image}: ")?;
            }
            Source::InitContainer { pod, container, image } => {
                write!(formatter, "pod {pod}, init container {container}, image {image}: ")?;
            }
        }
        match (reason.as_str(), message.as_str()) {
            ("", message) => formatter.write_str(message),
            (reason, "") => formatter.write_str(reason),
            (reason, message) => write!(formatter, "{reason}: {message}"),
        }
    }
}
