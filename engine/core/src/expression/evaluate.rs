//! The value of an expression over given values.

use super::{
    Read, SourceFault,
    bounds::{self, Sizes},
    desk, parsed,
};
use cel::{ExecutionError, objects};
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc};

/// Texts above this size, in bytes, are not looked at.
const TEXT_LIMIT: u64 = 16 * 1024;
/// Values above this size, in bytes of JSON, are not handed on.
const RESULT_LIMIT: usize = 32 * 1024;
/// What a byte of a value costs: it is kept, and so all of them together take at most 4 MiB.
const RESULT_WORK: u64 = 128;

/// Why an expression has no value. It is a failure of whoever asked, never a `false`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{source_text}` cannot be evaluated: {reason}")]
pub struct EvaluationError {
    source_text: String,
    reason: String,
}

/// Evaluates `source`; `scope` has a value for each name.
pub fn evaluate(source: &str, scope: &Map<String, Value>) -> Result<Value, EvaluationError> {
    let failed = |reason: String| EvaluationError {
        source_text: crate::diagnostic::cut(source, 120),
        reason: crate::diagnostic::cut(&reason, 240),
    };
    parsed(source, |parsed| {
        let (expression, program) = (parsed.expression(), parsed.program());
        let seen = selected(parsed.reads(), scope);
        desk::spend(cost(expression, &seen).map_err(SourceFault::plain)?)?;
        let functions = desk::functions();
        let mut context = functions.new_inner_scope();
        for (name, value) in seen {
            context.add_variable_from_value(name, cel_value(value));
        }
        let value = program.execute(&context);
        let value = value.map_err(|error| SourceFault::plain(words(&error)))?;
        value.json().map_err(|_| SourceFault::plain("its value has no JSON form"))
    })
    .and_then(small)
    .map_err(|fault| failed(fault.message))
}

/// What it will cost, if it may.
fn cost(expression: &cel::common::ast::Expr, seen: &Map<String, Value>) -> Result<u64, String> {
    let sizes = seen.values().map(Sizes::of).fold(Sizes::default(), |all, one| Sizes {
        longest_text: all.longest_text.max(one.longest_text),
        longest_list: all.longest_list.max(one.longest_list),
        bytes: all.bytes + one.bytes,
    });
    if sizes.longest_text > TEXT_LIMIT {
        return Err(format!("a text that it reads has more than {TEXT_LIMIT} bytes"));
    }
    bounds::check_cost(expression, sizes)
}

fn small(value: Value) -> Result<Value, SourceFault> {
    let size = serde_json::to_vec(&value).map_or(usize::MAX, |json| json.len());
    if size > RESULT_LIMIT {
        return Err(SourceFault::plain(format!(
            "its value has {size} bytes, {RESULT_LIMIT} may be"
        )));
    }
    desk::spend(RESULT_WORK * Sizes::of(&value).bytes)?;
    Ok(value)
}

/// The part of `scope` that is read: names, and of what has fields only those that are named.
fn selected(reads: &[Read], scope: &Map<String, Value>) -> Map<String, Value> {
    let mut selected: Map<String, Value> = Map::new();
    for read in reads {
        let Some(value) = scope.get(&read.path[0]) else { continue };
        match (value, read.path.get(1)) {
            (Value::Object(fields), Some(field)) => {
                let known = selected.entry(&read.path[0]).or_insert_with(|| Map::new().into());
                if let (Value::Object(known), Some(value)) = (known, fields.get(field)) {
                    known.insert(field.clone(), value.clone());
                }
            }
            (value, _) => drop(selected.insert(read.path[0].clone(), value.clone())),
        }
    }
    // A name that is read whole as well as by field is there whole.
    for read in reads.iter().filter(|read| read.path.len() == 1) {
        if let Some(value) = scope.get(&read.path[0]) {
            selected.insert(read.path[0].clone(), value.clone());
        }
    }
    selected
}

/// What an expression looked at, for the sentence that says why: `parameters.count is 3`.
pub fn told(source: &str, scope: &Map<String, Value>) -> String {
    let reads = parsed(source, |parsed| Ok(parsed.reads().to_vec()));
    let told: Vec<String> = reads
        .unwrap_or_default()
        .iter()
        .filter(|read| !read.path.is_empty())
        .map(|read| match value_at(scope, &read.path) {
            Some(value) => {
                format!("{} is {}", read.written(), crate::diagnostic::cut(&value.to_string(), 80))
            }
            None => format!("{} is not there", read.written()),
        })
        .take(6)
        .collect();
    told.join(", ")
}

fn value_at<'a>(scope: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, fields) = path.split_first()?;
    fields.iter().try_fold(scope.get(first)?, |value, field| value.get(field))
}

/// Whole numbers become CEL's `int`, so that they compare and add as authors expect.
fn cel_value(value: Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text)),
        Value::Array(items) => {
            cel::Value::List(Arc::new(items.into_iter().map(cel_value).collect()))
        }
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key.into(), cel_value(value)));
            let map: HashMap<objects::Key, cel::Value> = entries.collect();
            cel::Value::Map(objects::Map { map: Arc::new(map) })
        }
    }
}

fn words(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("there is no `{key}`; guard it by `has()` if it may be missing")
        }
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not known here"),
        other => other.to_string(),
    }
}
