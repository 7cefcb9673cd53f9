//! A stage's configuration as a plan stores it: a value whose text leaves are lists of segments.

use crate::{
    expression::{EvaluationError, Piece, SourceFault, Use, evaluate, pieces, told},
    files::Step,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
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

/// Why a template could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    #[error("`{0}` is null, which has no place within a text; give it a value by `has()`")]
    NullInText(String),
    #[error("`{0}` is a {1}, which has no place within a text")]
    NotText(String, &'static str),
    #[error("the condition `{0}` is neither true nor false: it is {1}")]
    NoCondition(String, String),
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
        };
        Ok(Template::Text(pieces(written)?.into_iter().map(segment).collect()))
    }

    /// The value without any expression evaluated: where one stands, its own text stands.
    pub fn preview(&self) -> Value {
        match self {
            Template::Null => Value::Null,
            Template::Boolean(flag) => Value::Bool(*flag),
            Template::Number(number) => Value::Number(number.clone()),
            Template::Text(segments) => {
                Value::String(segments.iter().map(Segment::shown).collect())
            }
            Template::List(items) => Value::Array(items.iter().map(Template::preview).collect()),
            Template::Map(entries) => Value::Object(
                entries.iter().map(|(key, value)| (key.clone(), value.preview())).collect(),
            ),
        }
    }

    /// The value without what has yet to be evaluated.
    pub fn closed(&self) -> Value {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) | Template::Text(_) => {
                self.preview()
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

    /// Whether there is nothing to evaluate.
    pub fn is_literal(&self) -> bool {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) => true,
            Template::Text(segments) => segments.iter().all(Segment::is_text),
            Template::List(items) => items.iter().all(Template::is_literal),
            Template::Map(entries) => entries.values().all(Template::is_literal),
        }
    }

    /// Every expression, with its place.
    pub fn expressions(&self) -> Vec<Placed<'_>> {
        let mut placed = Vec::new();
        self.collect(&mut Vec::new(), &mut placed);
        placed
    }

    fn collect<'a>(&'a self, place: &mut Vec<Step>, placed: &mut Vec<Placed<'a>>) {
        match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) => {}
            Template::Text(segments) => {
                let found = segments.iter().filter_map(|segment| match segment {
                    Segment::Text(_) => None,
                    Segment::Expression(source) => Some((Use::Value, source)),
                    Segment::Condition(source) => Some((Use::Condition, source)),
                });
                placed.extend(found.map(|(usage, source)| Placed {
                    place: place.clone(),
                    usage,
                    source,
                }));
            }
            Template::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    place.push(Step::Index(index));
                    item.collect(place, placed);
                    place.pop();
                }
            }
            Template::Map(entries) => {
                for (key, value) in entries {
                    place.push(Step::Key(key.clone()));
                    value.collect(place, placed);
                    place.pop();
                }
            }
        }
    }

    /// The value that a stage type decodes, every expression evaluated.
    pub fn bind(&self, scope: &Scope) -> Result<Value, BindError> {
        Ok(match self {
            Template::Null => Value::Null,
            Template::Boolean(flag) => Value::Bool(*flag),
            Template::Number(number) => Value::Number(number.clone()),
            Template::Text(segments) => bind_text(segments, scope)?,
            Template::List(items) => {
                Value::Array(items.iter().map(|item| item.bind(scope)).collect::<Result<_, _>>()?)
            }
            Template::Map(entries) => {
                let bound =
                    entries.iter().map(|(key, value)| Ok((key.clone(), value.bind(scope)?)));
                Value::Object(bound.collect::<Result<Map<_, _>, BindError>>()?)
            }
        })
    }

    /// Puts values into the leaves all of whose expressions are `ready`; the others stay. What
    /// cannot be evaluated is told with its place.
    pub fn bind_early(
        &mut self,
        ready: &dyn Fn(&str) -> Readiness,
        scope: &Scope,
        failed: &mut Vec<(Vec<Step>, BindError)>,
    ) {
        // Conditions stay, so that what they looked at is recorded when they are.
        let values = self.expressions().into_iter().filter(|it| it.usage == Use::Value);
        let leaves: Vec<Vec<Step>> = values.map(|it| it.place).collect();
        for place in leaves {
            let Some(leaf) = self.at(&place) else { continue };
            let all_ready = leaf.expressions().iter().all(|it| ready(it.source) == Readiness::Now);
            if !all_ready || leaf.is_literal() {
                continue;
            }
            match leaf.bind(scope) {
                Ok(value) => *leaf = Template::literal(&value),
                Err(error) => failed.push((place, error)),
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

    fn at(&mut self, place: &[Step]) -> Option<&mut Template> {
        place.iter().try_fold(self, |template, step| match (template, step) {
            (Template::Map(entries), Step::Key(key)) => entries.get_mut(key),
            (Template::List(items), Step::Index(index)) => items.get_mut(*index),
            (
                Template::Null
                | Template::Boolean(_)
                | Template::Number(_)
                | Template::Text(_)
                | Template::List(_)
                | Template::Map(_),
                Step::Key(_) | Step::Index(_),
            ) => None,
        })
    }
}

/// Whether an expression can be evaluated when a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Now,
    Later,
}

fn bind_text(segments: &[Segment], scope: &Scope) -> Result<Value, BindError> {
    match segments {
        [Segment::Expression(source)] => Ok(evaluate(source, scope)?),
        [Segment::Condition(source)] => condition(source, scope),
        several => {
            let mut text = String::new();
            for segment in several {
                match segment {
                    Segment::Text(plain) => text.push_str(plain),
                    Segment::Expression(source) | Segment::Condition(source) => {
                        text.push_str(&as_text(source, evaluate(source, scope)?)?);
                    }
                }
            }
            Ok(Value::String(text))
        }
    }
}

fn as_text(source: &str, value: Value) -> Result<String, BindError> {
    match value {
        Value::Null => Err(BindError::NullInText(source.to_owned())),
        Value::Array(_) => Err(BindError::NotText(source.to_owned(), "list")),
        Value::Object(_) => Err(BindError::NotText(source.to_owned(), "map")),
        Value::String(text) => Ok(text),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
    }
}

fn condition(source: &str, scope: &Scope) -> Result<Value, BindError> {
    match evaluate(source, scope)? {
        Value::Bool(holds) => Ok(json!({
            "holds": holds,
            "condition": source,
            "saw": told(source, scope),
        })),
        other => {
            let shown = crate::diagnostic::cut(&other.to_string(), 80);
            Err(BindError::NoCondition(source.to_owned(), shown))
        }
    }
}

impl Segment {
    fn is_text(&self) -> bool {
        match self {
            Segment::Text(_) => true,
            Segment::Expression(_) | Segment::Condition(_) => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Segment::Text(text) | Segment::Condition(text) => text.clone(),
            Segment::Expression(source) => format!("${{{{ {source} }}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        json!({"parameters": {"n": 3, "none": null, "list": [1]}}).as_object().unwrap().clone()
    }

    #[test]
    fn a_lone_expression_keeps_its_type_and_others_become_text() {
        for (written, value) in [
            ("plain", json!("plain")),
            ("${{ parameters.n }}", json!(3)),
            ("${{ parameters.list }}", json!([1])),
            ("v${{ parameters.n }}", json!("v3")),
            ("$${{ x }}", json!("${{ x }}")),
            ("${{ 'a' + '${{ b }}' }}", json!("a${{ b }}")),
        ] {
            let bound = Template::text(written).unwrap().bind(&scope()).unwrap();
            assert_eq!(bound, value, "{written}");
        }
    }

    #[test]
    fn null_lists_and_maps_have_no_place_within_a_text() {
        for written in ["v${{ parameters.none }}", "v${{ parameters.list }}", "v${{ {'a': 1} }}"] {
            assert!(Template::text(written).unwrap().bind(&scope()).is_err(), "{written}");
        }
    }

    #[test]
    fn what_is_known_early_is_put_in_and_the_rest_stays() {
        let text = |written: &str| Template::text(written).unwrap();
        let mut template =
            Template::List(vec![text("${{ parameters.n }}"), text("${{ stages.a }}")]);
        let ready = |source: &str| match source.starts_with("parameters") {
            true => Readiness::Now,
            false => Readiness::Later,
        };
        let mut failed = Vec::new();
        template.bind_early(&ready, &scope(), &mut failed);
        assert_eq!(template.preview(), json!([3, "${{ stages.a }}"]));
        assert_eq!((failed, template.is_literal()), (Vec::new(), false));
    }
}
