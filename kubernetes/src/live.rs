//! An object as the cluster has it.

use crate::marks::{Marks, Ownership, Writer, is_kept};
use kube::api::DynamicObject;
use serde_json::Value;

/// What a read or a write brought back.
#[derive(Clone, Debug)]
pub struct Live {
    pub(crate) value: Value,
}

impl Live {
    pub(crate) fn new(object: DynamicObject) -> Live {
        // Whatever came in as JSON goes back to JSON.
        Live { value: serde_json::to_value(object).unwrap_or_default() }
    }

    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    pub(crate) fn version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// Nothing for kinds that do not count generations.
    pub fn generation(&self) -> Option<i64> {
        self.value.pointer("/metadata/generation").and_then(Value::as_i64)
    }

    /// Whether this very attempt has written it already.
    pub fn is_written_by(&self, writer: &Writer) -> bool {
        writer.wrote(&self.value)
    }

    pub fn ownership(&self, marks: &Marks) -> Ownership {
        marks.ownership(&self.value)
    }

    pub(crate) fn is_kept(&self) -> bool {
        is_kept(&self.value)
    }

    /// Whether a Job was made without being started.
    pub fn is_suspended(&self) -> bool {
        self.value.pointer("/spec/suspend").and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn is_going(&self) -> bool {
        self.value.pointer("/metadata/deletionTimestamp").is_some()
    }

    fn text(&self, place: &str) -> &str {
        self.value.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }
}
