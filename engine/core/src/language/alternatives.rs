//! What a schema lets stand at one place, with references and unions laid open.
//!
//! Understood of JSON Schema, as schemars writes it: `$ref`, `anyOf`, `oneOf`, `type`, `enum`,
//! `const`, `properties`, `required`, `additionalProperties`, `patternProperties` with a prefix,
//! `minProperties`, `items`, `minItems`, `maxItems`, `uniqueItems`, `minLength`, `maxLength`,
//! `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum`, the integer formats, and the
//! formats of this language.

use super::{
    scalar::Reading,
    tree::{Content, Node},
};
use serde_json::{Map, Value};

/// One schema without references and unions.
pub(super) type Leaf<'a> = &'a Map<String, Value>;

/// References that follow each other, and unions within unions.
const LAYERS: usize = 16;

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    List,
    Map,
}

/// What may stand at a place.
pub(super) enum Allowed<'a> {
    Anything,
    OneOf(Vec<Leaf<'a>>),
}

/// Lays `schema` open. Null is left out: no value of the language is null.
pub(super) fn alternatives<'a>(
    definitions: &'a Map<String, Value>,
    schema: &'a Value,
) -> Allowed<'a> {
    let mut leaves = Vec::new();
    match collect(definitions, schema, LAYERS, &mut leaves) {
        Openness::Open => Allowed::Anything,
        Openness::Closed => Allowed::OneOf(leaves),
    }
}

/// What `schema`, or one of those that it stands for, says by `keyword`.
pub(super) fn mark<'a>(
    definitions: &'a Map<String, Value>,
    schema: &'a Value,
    keyword: &str,
) -> Option<&'a str> {
    marked(definitions, schema, (keyword, LAYERS))
}

fn marked<'a>(
    definitions: &'a Map<String, Value>,
    schema: &'a Value,
    (keyword, layers): (&str, usize),
) -> Option<&'a str> {
    let object = schema.as_object().filter(|_| layers > 0)?;
    if let Some(mark) = object.get(keyword) {
        return mark.as_str();
    }
    let further = (keyword, layers - 1);
    if let Some(referred) = referred(definitions, object) {
        return marked(definitions, referred, further);
    }
    let union = object.get("anyOf").or_else(|| object.get("oneOf"))?.as_array()?;
    union.iter().find_map(|member| marked(definitions, member, further))
}

enum Openness {
    Open,
    Closed,
}

fn collect<'a>(
    definitions: &'a Map<String, Value>,
    schema: &'a Value,
    layers: usize,
    leaves: &mut Vec<Leaf<'a>>,
) -> Openness {
    let Some(object) = schema.as_object().filter(|_| layers > 0) else {
        return Openness::Open;
    };
    if let Some(referred) = referred(definitions, object) {
        return collect(definitions, referred, layers - 1, leaves);
    }
    if let Some(union) = object.get("anyOf").or_else(|| object.get("oneOf")) {
        let mut openness = Openness::Closed;
        for member in union.as_array().into_iter().flatten() {
            if let Openness::Open = collect(definitions, member, layers - 1, leaves) {
                openness = Openness::Open;
            }
        }
        return openness;
    }
    let says_something = ["type", "enum", "const"].iter().any(|word| object.contains_key(*word));
    if !says_something {
        return Openness::Open;
    }
    if object.get("type").and_then(Value::as_str) != Some("null") {
        leaves.push(object);
    }
    Openness::Closed
}

fn referred<'a>(definitions: &'a Map<String, Value>, object: Leaf<'a>) -> Option<&'a Value> {
    let reference = object.get("$ref")?.as_str()?;
    definitions.get(reference.strip_prefix("#/$defs/")?)
}

/// The kinds that a leaf accepts.
pub(super) fn kinds(leaf: Leaf<'_>) -> Vec<Kind> {
    let named: Vec<&str> = match leaf.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return words(leaf).map(kind_of).collect(),
    };
    named.into_iter().filter_map(kind_named).collect()
}

fn kind_named(name: &str) -> Option<Kind> {
    match name {
        "string" => Some(Kind::Text),
        "integer" | "number" => Some(Kind::Number),
        "boolean" => Some(Kind::Boolean),
        "array" => Some(Kind::List),
        "object" => Some(Kind::Map),
        _ => None,
    }
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Null | Value::String(_) => Kind::Text,
        Value::Number(_) => Kind::Number,
        Value::Bool(_) => Kind::Boolean,
        Value::Array(_) => Kind::List,
        Value::Object(_) => Kind::Map,
    }
}

/// The values that a leaf lists, if it lists any.
pub(super) fn words(leaf: Leaf<'_>) -> impl Iterator<Item = &Value> {
    let listed = leaf.get("enum").and_then(Value::as_array).into_iter().flatten();
    listed.chain(leaf.get("const"))
}

/// The kind of what stands in the file; none for what has no value.
pub(super) fn kind(node: &Node) -> Option<Kind> {
    match &node.content {
        Content::Told => None,
        Content::List(_) => Some(Kind::List),
        Content::Map(_) => Some(Kind::Map),
        Content::Scalar { reading, .. } => match reading {
            Reading::Null | Reading::Ambiguous(_) => None,
            Reading::Boolean(_) => Some(Kind::Boolean),
            Reading::Number(_) | Reading::Unbounded => Some(Kind::Number),
            Reading::Text => Some(Kind::Text),
        },
    }
}

impl Kind {
    /// With its article, for messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Boolean => "`true` or `false`",
            Kind::List => "a list",
            Kind::Map => "a map",
        }
    }
}
