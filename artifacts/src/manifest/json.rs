//! JSON values one after the other, with the same key twice refused instead of overwritten.

use super::{Document, excess, split::Piece};
use crate::{
    fault::{Fault, Place},
    render::MAX_OBJECTS,
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The values of a document that is JSON from end to end; nothing if it is not.
pub(super) fn parse(file: &str, piece: &Piece<'_>) -> Option<Vec<Result<Document, Fault>>> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(piece.text).into_iter::<Strict>();
    let (mut line, mut counted) = (piece.line, 0);
    // Of more the set is refused.
    while documents.len() <= MAX_OBJECTS {
        let offset = stream.byte_offset();
        line += piece.text[counted..offset].matches('\n').count();
        counted = offset;
        match stream.next() {
            None => break,
            Some(Ok(Strict(value))) => documents.push(judge(file, piece, value, line)),
            Some(Err(error)) if error.is_data() => {
                let line = piece.line + error.line().saturating_sub(1);
                let place = Place::Line { document: piece.number, line };
                documents.push(Err(Fault::manifest(file, place, words(&error))));
                return Some(documents);
            }
            Some(Err(_)) => return None,
        }
    }
    Some(documents)
}

fn judge(file: &str, piece: &Piece<'_>, value: Value, line: usize) -> Result<Document, Fault> {
    let number = piece.number;
    match excess(&value) {
        None => Ok(Document { number, line, value }),
        Some(message) => {
            Err(Fault::manifest(file, Place::Line { document: number, line }, message))
        }
    }
}

/// serde_json's message without its own place.
fn words(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

/// A JSON value in which no key stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("key `{key}` stands twice in one map")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
