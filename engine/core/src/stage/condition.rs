//! A condition in a stage's configuration: CEL as its author wrote it, true or false when a step
//! sees it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// The format under which schemas know conditions.
pub(crate) const FORMAT: &str = "gennaker-condition";

/// A text leaf that is one CEL expression, without `${{ }}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    Bound {
        holds: bool,
        /// The expression.
        condition: String,
        /// What it looked at: `parameters.count is 3`.
        saw: String,
    },
    /// Not evaluated: the file is only being looked at.
    Unbound(String),
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": FORMAT,
            "minLength": 1,
            "examples": ["stages.smoke.outputs.json.status == \"ok\""],
        })
    }
}
