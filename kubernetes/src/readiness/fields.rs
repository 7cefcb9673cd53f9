//! Reads fields of an object that may lack any of them.

use super::Expectation;
use serde_json::Value;

/// An object. Absent fields and fields of another type read as nothing.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

/// A condition, whatever its kind.
pub(super) struct Condition<'a> {
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    /// Civil milliseconds of its last transition.
    pub(super) since_ms: Option<u64>,
}

impl<'a> Fields<'a> {
    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer)?.as_str()
    }

    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        self.0.pointer(pointer)?.as_i64()
    }

    pub(super) fn flag(&self, pointer: &str) -> bool {
        self.0.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn list(&self, pointer: &str) -> &'a [Value] {
        self.0.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Civil milliseconds of an RFC 3339 instant.
    pub(super) fn instant_ms(&self, pointer: &str) -> Option<u64> {
        let timestamp: jiff::Timestamp = self.text(pointer)?.parse().ok()?;
        u64::try_from(timestamp.as_millisecond()).ok()
    }

    pub(super) fn condition(&self, kind: &str) -> Option<Condition<'a>> {
        let conditions = self.list("/status/conditions").iter().map(Fields);
        let condition = conditions.into_iter().find(|each| each.text("/type") == Some(kind))?;
        Some(Condition {
            status: condition.text("/status").unwrap_or_default(),
            reason: condition.text("/reason").unwrap_or_default(),
            message: condition.text("/message").unwrap_or_default(),
            since_ms: condition.instant_ms("/lastTransitionTime"),
        })
    }

    /// Whether the kind's controller always reports the generation it has seen, so that a status
    /// without one is a status that nobody has written yet.
    pub(super) fn counts_generations(&self, expectation: &Expectation) -> bool {
        let kind = expectation.kind.as_str();
        let workloads = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"];
        expectation.group == "apps" && workloads.contains(&kind)
    }

    /// The uid of the controller that owns the object.
    pub(super) fn controller_uid(&self) -> Option<&'a str> {
        let owners = self.list("/metadata/ownerReferences").iter().map(Fields);
        owners.into_iter().find(|owner| owner.flag("/controller"))?.text("/uid")
    }
}

impl Condition<'_> {
    pub(super) fn is_true(&self) -> bool {
        self.status == "True"
    }

    pub(super) fn is_false(&self) -> bool {
        self.status == "False"
    }
}
