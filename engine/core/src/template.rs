//! A stage's configuration as a plan stores it: a value whose text leaves are lists of segments.

mod binding;
#[cfg(test)]
mod tests;

pub use binding::{BindError, Readiness};

use crate::{
    expression::{Piece, SourceFault, Use, pieces},
    files::Step,
    secret,
};
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
    /// Its value takes its place; alone in its leaf it keeps its type.
    Expression(String),
    /// Alone in its leaf: whether it holds, and what it looked at. See [`crate::stage::Condition`].
    Condition(String),
    /// The name of a secret, whose value is known to nothing but a step. See
    /// [`crate::stage::SecretText`].
    Secret(String),
}

/// The names that expressions see, and their values.
pub type Scope = Map<String, Value>;

/// An expression in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    pub place: Vec<Step>,
    pub usage: Use,
    pub source: &'a str,
}

/// A secret in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedSecret<'a> {
    pub place: Vec<Step>,
    pub name: &'a str,
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

    /// A text leaf as it was written, `${{ }}` and all.
    pub fn text(written: &str) -> Result<Template, SourceFault> {
        let segment = |piece| match piece {
            Piece::Text(text) => Segment::Text(text),
            Piece::Expression(source) => Segment::Expression(source),
            Piece::Secret(name) => Segment::Secret(name),
        };
        Ok(Template::Text(pieces(written)?.into_iter().map(segment).collect()))
    }

    /// The value as people read it: where an expression stands, its own text stands.
    pub fn preview(&self) -> Value {
        self.with_leaves(&|segments| Value::String(segments.iter().map(Segment::shown).collect()))
    }

    /// The value as a stage type decodes it: secrets by name, and what has yet to be evaluated as
    /// its own text.
    pub fn rendered(&self) -> Value {
        self.with_leaves(&|segments| match segments.iter().any(Segment::is_secret) {
            false => Value::String(segments.iter().map(Segment::shown).collect()),
            true => secret::marked(segments.iter().map(Segment::part)),
        })
    }

    fn with_leaves(&self, leaf: &dyn Fn(&[Segment]) -> Value) -> Value {
        match self {
            Template::Null => Value::Null,
            Template::Boolean(flag) => Value::Bool(*flag),
            Template::Number(number) => Value::Number(number.clone()),
            Template::Text(segments) => leaf(segments),
            Template::List(items) => {
                Value::Array(items.iter().map(|item| item.with_leaves(leaf)).collect())
            }
            Template::Map(entries) => {
                let entry =
                    |(key, value): (&String, &Template)| (key.clone(), value.with_leaves(leaf));
                Value::Object(entries.iter().map(entry).collect())
            }
        }
    }

    /// The rendered value without what has yet to be evaluated.
    pub fn closed(&self) -> Value {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) | Template::Text(_) => {
                self.rendered()
            }
            Template::List(items) => {
                let closed = items.iter().filter(|item| !item.is_open_leaf());
                Value::Array(closed.map(Template::closed).collect())
            }
            Template::Map(entries) => {
                let closed = entries.iter().filter(|(_, value)| !value.is_open_leaf());
                Value::Object(closed.map(|(key, value)| (key.clone(), value.closed())).collect())
            }
        }
    }

    fn is_open_leaf(&self) -> bool {
        match self {
            Template::Text(_) => !self.is_literal(),
            Template::Null
            | Template::Boolean(_)
            | Template::Number(_)
            | Template::List(_)
            | Template::Map(_) => false,
        }
    }

    /// About what it takes in memory, in bytes.
    pub(crate) fn weight(&self) -> usize {
        const VALUE: usize = 64;
        VALUE
            + match self {
                Template::Null | Template::Boolean(_) | Template::Number(_) => 0,
                Template::Text(segments) => segments.iter().map(Segment::weight).sum(),
                Template::List(items) => items.iter().map(Template::weight).sum(),
                Template::Map(entries) => {
                    entries.iter().map(|(key, value)| key.len() + value.weight()).sum()
                }
            }
    }

    /// Whether there is nothing to evaluate.
    pub fn is_literal(&self) -> bool {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) => true,
            Template::Text(segments) => segments.iter().all(Segment::is_known),
            Template::List(items) => items.iter().all(Template::is_literal),
            Template::Map(entries) => entries.values().all(Template::is_literal),
        }
    }

    /// Every expression, with its place.
    pub fn expressions(&self) -> Vec<Placed<'_>> {
        let mut placed = Vec::new();
        self.each_leaf(&mut Vec::new(), &mut |place, segments| {
            let found = segments.iter().filter_map(|segment| match segment {
                Segment::Text(_) | Segment::Secret(_) => None,
                Segment::Expression(source) => Some((Use::Value, source)),
                Segment::Condition(source) => Some((Use::Condition, source)),
            });
            let found =
                found.map(|(usage, source)| Placed { place: place.to_vec(), usage, source });
            placed.extend(found);
        });
        placed
    }

    /// Every secret, with its place.
    pub fn secrets(&self) -> Vec<PlacedSecret<'_>> {
        let mut placed = Vec::new();
        self.each_leaf(&mut Vec::new(), &mut |place, segments| {
            let found = segments.iter().filter_map(|segment| match segment {
                Segment::Secret(name) => Some(PlacedSecret { place: place.to_vec(), name }),
                Segment::Text(_) | Segment::Expression(_) | Segment::Condition(_) => None,
            });
            placed.extend(found);
        });
        placed
    }

    fn each_leaf<'a>(
        &'a self,
        place: &mut Vec<Step>,
        visit: &mut dyn FnMut(&[Step], &'a [Segment]),
    ) {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) => {}
            Template::Text(segments) => visit(place, segments),
            Template::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    place.push(Step::Index(index));
                    item.each_leaf(place, visit);
                    place.pop();
                }
            }
            Template::Map(entries) => {
                for (key, value) in entries {
                    place.push(Step::Key(key.clone()));
                    value.each_leaf(place, visit);
                    place.pop();
                }
            }
        }
    }

    /// Puts `value` under `key` of the map that stands under `map`, where nothing stands there; the
    /// map is made if there is none.
    pub(crate) fn put_missing(&mut self, map: &str, key: &str, value: Template) {
        let Template::Map(entries) = self else { return };
        let empty = || Template::Map(BTreeMap::new());
        if let Template::Map(inner) = entries.entry(map.to_owned()).or_insert_with(empty) {
            inner.entry(key.to_owned()).or_insert(value);
        }
    }
}

impl Segment {
    /// Whether nothing of it is to be evaluated.
    fn is_known(&self) -> bool {
        match self {
            Segment::Text(_) | Segment::Secret(_) => true,
            Segment::Expression(_) | Segment::Condition(_) => false,
        }
    }

    fn weight(&self) -> usize {
        let (Segment::Text(text)
        | Segment::Expression(text)
        | Segment::Condition(text)
        | Segment::Secret(text)) = self;
        text.len()
    }

    fn is_secret(&self) -> bool {
        match self {
            Segment::Secret(_) => true,
            Segment::Text(_) | Segment::Expression(_) | Segment::Condition(_) => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Segment::Text(text) | Segment::Condition(text) => text.clone(),
            Segment::Expression(source) => format!("${{{{ {source} }}}}"),
            Segment::Secret(name) => format!("${{{{ secrets.{name} }}}}"),
        }
    }

    fn part(&self) -> secret::Part {
        match self {
            Segment::Secret(name) => secret::Part::Secret(name.clone()),
            Segment::Text(_) | Segment::Expression(_) | Segment::Condition(_) => {
                secret::Part::Text(self.shown())
            }
        }
    }
}
