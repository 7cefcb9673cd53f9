//! Where a rollback goes, as configurations write it.

use engine_core::id::RunId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt};

/// Which revision to go back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum To {
    /// For each component its newest good set of another run that is not the live one.
    #[default]
    LastGood,
    /// For each component the newest set before the live one that differs from it.
    Previous,
    /// What the target ran as of this revision.
    Number(u64),
    /// For each component that this run changed last, its newest good set of another run. No
    /// author writes it: it is what the engine asks for after a failure.
    Undo(RunId),
}

const WORDS: [&str; 2] = ["lastGood", "previous"];

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<To, D::Error> {
        deserializer.deserialize_any(ToVisitor)
    }
}

struct ToVisitor;

impl<'de> Visitor<'de> for ToVisitor {
    type Value = To;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`lastGood`, `previous` or the number of a revision, from 1")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<To, E> {
        match word {
            "lastGood" => Ok(To::LastGood),
            "previous" => Ok(To::Previous),
            other => Err(E::unknown_variant(other, &WORDS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<To, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Undo {
            undo: RunId,
        }
        let Undo { undo } = Undo::deserialize(MapAccessDeserializer::new(map))?;
        Ok(To::Undo(undo))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<To, E> {
        match number {
            0 => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
            number => Ok(To::Number(number)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<To, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

impl JsonSchema for To {
    fn schema_name() -> Cow<'static, str> {
        "To".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": WORDS },
            { "type": "integer", "minimum": 1 },
        ] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn a_rollback_goes_to_a_word_or_a_number() {
        assert_eq!(from_value::<To>(json!("lastGood")).unwrap(), To::LastGood);
        assert_eq!(from_value::<To>(json!("previous")).unwrap(), To::Previous);
        assert_eq!(from_value::<To>(json!(7)).unwrap(), To::Number(7));
        for wrong in [json!("good"), json!(0), json!(-1), json!("7"), json!(1.5), json!(null)] {
            assert!(from_value::<To>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
