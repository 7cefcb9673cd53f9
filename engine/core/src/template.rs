//! A stage's configuration as a plan stores it: a value whose text leaves are lists of segments.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// A configuration value. It is never parsed again: what a segment holds is data for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Template {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Vec<Segment>),
    List(Vec<Template>),
    Map(BTreeMap<String, Template>),
}

/// A piece of a text leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Segment {
    Text(String),
}

impl Template {
    /// A value without expressions, as segments.
    pub fn literal(value: &Value) -> Template {
        match value {
            Value::Null => Template::Null,
            Value::Bool(flag) => Template::Boolean(*flag),
            Value::Number(number) => Template::Number(number.clone()),
            Value::String(text) => Template::Text(vec![Segment::Text(text.clone())]),
            Value::Array(items) => Template::List(items.iter().map(Template::literal).collect()),
            Value::Object(entries) => Template::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Template::literal(value)))
                    .collect(),
            ),
        }
    }

    /// The value that a stage type decodes.
    pub fn render(&self) -> Value {
        match self {
            Template::Null => Value::Null,
            Template::Boolean(flag) => Value::Bool(*flag),
            Template::Number(number) => Value::Number(number.clone()),
            Template::Text(segments) => Value::String(segments.iter().map(Segment::text).collect()),
            Template::List(items) => Value::Array(items.iter().map(Template::render).collect()),
            Template::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.render()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

impl Segment {
    fn text(&self) -> &str {
        match self {
            Segment::Text(text) => text,
        }
    }
}
