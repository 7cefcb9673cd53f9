//! Secrets: named in files and plans, known only within the step that uses them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet, fmt};
use zeroize::Zeroizing;

/// The key of the map that stands for a text with secrets in a bound configuration. Nothing that
/// an author writes, and no value of an expression, may have it.
pub(crate) const KEY: &str = "$secretText";
/// Marks a place in a schema where secrets may stand: [`HERE`] or [`BELOW`].
pub(crate) const PLACE: &str = "x-secrets";
/// In this very text.
pub(crate) const HERE: &str = "here";
/// In this value, and in every text within it.
pub(crate) const BELOW: &str = "below";

/// The value of a secret. It is neither shown nor stored, and its memory is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// A text whose secrets are named. In a configuration it stands for a leaf in which
/// `${{ secrets.NAME }}` may stand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct SecretText(Vec<Part>);

/// Any value, in whose texts `${{ secrets.NAME }}` may stand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct SecretValue(Value);

/// A piece of a text with secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    Text(String),
    Secret(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(String),
    Marked(Marked),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marked {
    #[serde(rename = "$secretText")]
    parts: Vec<Part>,
}

impl From<Written> for SecretText {
    fn from(written: Written) -> SecretText {
        match written {
            Written::Plain(text) => SecretText(vec![Part::Text(text)]),
            Written::Marked(Marked { parts }) => SecretText(parts),
        }
    }
}

/// A text with secrets, as a bound configuration has it.
pub(crate) fn marked(parts: impl Iterator<Item = Part>) -> Value {
    let parts: Vec<Part> = parts.collect();
    json!({ KEY: parts })
}

/// Whether a value would be taken for a text with secrets, or has one within.
pub(crate) fn is_forged(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(is_forged),
        Value::Object(entries) => entries.iter().any(|(key, value)| key == KEY || is_forged(value)),
    }
}

impl Secret {
    pub fn new(value: String) -> Secret {
        Secret(Zeroizing::new(value))
    }

    /// The value itself, for where it is used and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl SecretText {
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, if it has no secret.
    pub fn plain(&self) -> Option<String> {
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Secret(_) => None,
        });
        texts.collect()
    }

    pub fn names(&self) -> BTreeSet<&str> {
        let names = self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Secret(name) => Some(name.as_str()),
        });
        names.collect()
    }

    /// The text with its secrets, each told by `find`.
    pub fn filled<E>(&self, find: &dyn Fn(&str) -> Result<Secret, E>) -> Result<Secret, E> {
        let mut text = Zeroizing::new(String::new());
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Secret(name) => text.push_str(find(name)?.expose()),
            }
        }
        Ok(Secret(text))
    }
}

impl SecretValue {
    pub fn names(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&self.0, &mut found);
        found
    }

    /// The value with its secrets, each told by `find`. Who holds it must not let it go anywhere
    /// but to where it is used.
    pub fn filled<E>(&self, find: &dyn Fn(&str) -> Result<Secret, E>) -> Result<Value, E> {
        filled(&self.0, find)
    }
}

fn text_of(value: &Value) -> Option<SecretText> {
    value.as_object().filter(|entries| entries.contains_key(KEY))?;
    // What has the key and is no such text has come from nowhere: it names no secret.
    SecretText::deserialize(value).ok()
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    if let Some(text) = text_of(value) {
        found.extend(text.names().into_iter().map(str::to_owned));
        return;
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(entries) => entries.values().for_each(|value| collect(value, found)),
    }
}

fn filled<E>(value: &Value, find: &dyn Fn(&str) -> Result<Secret, E>) -> Result<Value, E> {
    if let Some(text) = text_of(value) {
        return Ok(Value::String(text.filled(find)?.expose().to_owned()));
    }
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| filled(item, find)).collect::<Result<_, E>>()?)
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| Ok((key.clone(), filled(value, find)?));
            Value::Object(entries.iter().map(entry).collect::<Result<_, E>>()?)
        }
    })
}

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", PLACE: HERE })
    }
}

impl JsonSchema for SecretValue {
    fn schema_name() -> Cow<'static, str> {
        "SecretValue".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ PLACE: BELOW })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Result<Secret, ()> {
        if name == "TOKEN" { Ok(Secret::new("pw".to_owned())) } else { Err(()) }
    }

    #[test]
    fn a_value_is_filled_in_and_shown_nowhere() {
        let token = marked([Part::Text("b ".into()), Part::Secret("TOKEN".into())].into_iter());
        let value: SecretValue =
            serde_json::from_value(json!({"a": [token.clone(), 1, "${{ secrets.X }}"]})).unwrap();
        assert_eq!(value.filled(&find).unwrap(), json!({"a": ["b pw", 1, "${{ secrets.X }}"]}));
        assert_eq!(value.names(), BTreeSet::from(["TOKEN".to_owned()]));
        let text: SecretText = serde_json::from_value(token).unwrap();
        assert_eq!(text.filled(&find).unwrap().expose(), "b pw");
        assert_eq!((text.plain(), format!("{:?}", Secret::new("pw".into()))), (None, "***".into()));
        let unknown: SecretText =
            serde_json::from_value(marked([Part::Secret("Y".into())].into_iter())).unwrap();
        assert!(unknown.filled(&find).is_err());
    }
}
