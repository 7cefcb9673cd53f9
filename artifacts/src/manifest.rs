//! Reads a manifest file as kubectl does: documents, JSON streams, lists, YAML 1.1 numbers.

mod json;
mod object;
mod split;
mod yaml;

pub(crate) use object::{Identity, Object};

use crate::fault::{Fault, Place};
use serde_json::Value;

/// Larger files are refused.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Documents in one file.
pub const MAX_DOCUMENTS: usize = 1_000;
/// Values in one document, aliases expanded.
pub const MAX_NODES: usize = 100_000;
/// Lists and maps inside each other.
pub const MAX_DEPTH: usize = 100;

/// More faults of one file are not told.
const MAX_FAULTS: usize = 1_000;

/// One document of a file, and the line of its first content.
struct Document {
    number: usize,
    line: usize,
    value: Value,
}

/// The objects of one file, in their order, or everything that is wrong with it.
pub(crate) fn read(file: &str, content: &[u8]) -> Result<Vec<Object>, Vec<Fault>> {
    let documents = documents(file, content)?;
    let mut objects = Vec::new();
    let mut faults = Vec::new();
    for document in documents {
        if faults.len() > MAX_FAULTS {
            break;
        }
        match document {
            Ok(document) => {
                let place = Place::Line { document: document.number, line: document.line };
                let mut expansion = object::Expansion::new(file, place);
                expansion.add(document.value);
                objects.append(&mut expansion.objects);
                faults.append(&mut expansion.faults);
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(objects) } else { Err(faults) }
}

type Parsed = Vec<Result<Document, Fault>>;

fn documents(file: &str, content: &[u8]) -> Result<Parsed, Vec<Fault>> {
    let refuse = |message: String| vec![Fault::manifest(file, Place::File, message)];
    if content.len() > MAX_FILE_BYTES {
        let size = content.len();
        return Err(refuse(format!(
            "the file has {size} bytes, more than {MAX_FILE_BYTES}; split it"
        )));
    }
    let text = std::str::from_utf8(content).map_err(|error| {
        refuse(format!("not UTF-8 text, first at byte {}; save it as UTF-8", error.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let pieces = split::split(text);
    if pieces.len() > MAX_DOCUMENTS {
        let number = pieces.len();
        return Err(refuse(format!("{number} documents, more than {MAX_DOCUMENTS}; split it")));
    }
    Ok(pieces.into_iter().flat_map(|piece| parse(file, &piece)).collect())
}

/// JSON where it is JSON, which may be several values one after the other; else YAML.
fn parse(file: &str, piece: &split::Piece<'_>) -> Parsed {
    if piece.text.trim_start().starts_with('{')
        && let Some(values) = json::parse(file, piece)
    {
        return values;
    }
    yaml::parse(file, piece).into_iter().collect()
}

/// Says what is too much about a value, if anything is.
fn excess(value: &Value) -> Option<String> {
    let mut nodes = 0_usize;
    let mut open = vec![(value, 0_usize)];
    while let Some((value, depth)) = open.pop() {
        nodes += 1;
        if nodes > MAX_NODES {
            return Some(format!("more than {MAX_NODES} values; split it"));
        }
        if depth > MAX_DEPTH {
            return Some(format!("nested more than {MAX_DEPTH} deep"));
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(entries) => open.extend(entries.values().map(|item| (item, depth + 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
