//! The schema of patterns, which lets a bad one be told as such, with its place.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Stands in for a text that is a pattern.
pub(super) struct GlobText;

impl JsonSchema for GlobText {
    fn schema_name() -> Cow<'static, str> {
        "Glob".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "gennaker-glob" })
    }
}
