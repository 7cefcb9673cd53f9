//! Puts the values of expressions into a template.

use super::{Scope, Segment, Template};
use crate::{
    expression::{EvaluationError, Use, evaluate, told},
    files::Step,
    secret,
};
use serde_json::{Value, json};

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
    #[error("`{0}` has a key `{key}`, which is the engine's own", key = secret::KEY)]
    Reserved(String),
}

impl Template {
    /// The value that a stage type decodes, every expression evaluated.
    pub fn bind(&self, scope: &Scope) -> Result<Value, BindError> {
        Ok(self.bound(scope)?.rendered())
    }

    fn bound(&self, scope: &Scope) -> Result<Template, BindError> {
        Ok(match self {
            Template::Null | Template::Boolean(_) | Template::Number(_) => self.clone(),
            Template::Text(segments) => bind_text(segments, scope)?,
            Template::List(items) => {
                let bound = items.iter().map(|item| item.bound(scope));
                Template::List(bound.collect::<Result<_, _>>()?)
            }
            Template::Map(entries) => {
                let bound =
                    entries.iter().map(|(key, value)| Ok((key.clone(), value.bound(scope)?)));
                Template::Map(bound.collect::<Result<_, BindError>>()?)
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
        let mut leaves: Vec<Vec<Step>> = values.map(|it| it.place).collect();
        // Of many expressions in one text the text is bound once.
        leaves.dedup();
        for place in leaves {
            let Some(leaf) = self.at(&place) else { continue };
            let all_ready = leaf.expressions().iter().all(|it| ready(it.source) == Readiness::Now);
            if !all_ready || leaf.is_literal() {
                continue;
            }
            match leaf.bound(scope) {
                Ok(bound) => *leaf = bound,
                Err(error) => failed.push((place, error)),
            }
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

fn bind_text(segments: &[Segment], scope: &Scope) -> Result<Template, BindError> {
    match segments {
        [Segment::Expression(source)] => {
            let value = evaluate(source, scope)?;
            match secret::is_forged(&value) {
                true => Err(BindError::Reserved(source.clone())),
                false => Ok(Template::literal(&value)),
            }
        }
        [Segment::Condition(source)] => Ok(Template::literal(&condition(source, scope)?)),
        several => {
            let (mut bound, mut plain) = (Vec::new(), String::new());
            for segment in several {
                match segment {
                    Segment::Text(text) => plain.push_str(text),
                    Segment::Expression(source) | Segment::Condition(source) => {
                        plain.push_str(&as_text(source, evaluate(source, scope)?)?);
                    }
                    Segment::Secret(name) => {
                        bound.push(Segment::Text(std::mem::take(&mut plain)));
                        bound.push(Segment::Secret(name.clone()));
                    }
                }
            }
            bound.push(Segment::Text(plain));
            let is_empty =
                |segment: &Segment| matches!(segment, Segment::Text(text) if text.is_empty());
            if bound.len() > 1 {
                bound.retain(|segment| !is_empty(segment));
            }
            Ok(Template::Text(bound))
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
