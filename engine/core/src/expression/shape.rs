//! What values have which fields, as far as that can be told without any values.

use super::Kind;
use std::collections::BTreeMap;

/// What stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Nothing is known of what is in it.
    Of(Kind),
    /// A map with these fields, some of which may be missing.
    Fields(BTreeMap<String, Shape>),
}

impl Shape {
    /// The kind of what stands at a path within.
    pub fn kind(&self, path: &[&str]) -> Kind {
        match (self, path) {
            (Shape::Of(kind), []) => *kind,
            (Shape::Of(_), _) => Kind::Any,
            (Shape::Fields(_), []) => Kind::Map,
            (Shape::Fields(fields), [first, rest @ ..]) => {
                fields.get(*first).map_or(Kind::Any, |field| field.kind(rest))
            }
        }
    }

    /// The first field on a path that is surely not there, and those that stand beside it.
    pub fn missing<'a>(&'a self, path: &'a [String]) -> Option<(&'a str, Vec<&'a str>)> {
        let (Shape::Fields(fields), [first, rest @ ..]) = (self, path) else { return None };
        match fields.get(first) {
            None => Some((first, fields.keys().map(String::as_str).collect())),
            Some(field) => field.missing(rest),
        }
    }
}
