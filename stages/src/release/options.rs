//! The options of a release, as configurations write them.

use engine_core::{language::Duration, revision::Readiness};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt};

/// Whether what is left over is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "bool", into = "bool")]
pub(crate) enum Pruning {
    #[default]
    Delete,
    Keep,
}

/// How long a stage stays with what it applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It ends when everything is applied.
    Apply,
    /// It ends when everything is ready, and has been so for this long.
    Ready { stable_for: std::time::Duration },
}

/// The long form of `wait`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Stable {
    /// How long everything must stay ready without a break.
    #[schemars(example = &"1m")]
    stable_for: Duration,
}

impl From<bool> for Pruning {
    fn from(prune: bool) -> Pruning {
        if prune { Pruning::Delete } else { Pruning::Keep }
    }
}

impl From<Pruning> for bool {
    fn from(pruning: Pruning) -> bool {
        match pruning {
            Pruning::Delete => true,
            Pruning::Keep => false,
        }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace::Ready { stable_for: std::time::Duration::ZERO }
    }
}

impl Pace {
    pub(crate) fn readiness(self) -> Readiness {
        match self {
            Pace::Apply => Readiness::Unawaited,
            Pace::Ready { .. } => Readiness::Awaited,
        }
    }
}

impl<'de> Deserialize<'de> for Pace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pace, D::Error> {
        deserializer.deserialize_any(PaceVisitor)
    }
}

struct PaceVisitor;

impl<'de> Visitor<'de> for PaceVisitor {
    type Value = Pace;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("`true`, `false` or `{stableFor: 30s}`")
    }

    fn visit_bool<E: Error>(self, wait: bool) -> Result<Pace, E> {
        Ok(if wait { Pace::default() } else { Pace::Apply })
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Pace, A::Error> {
        let stable = Stable::deserialize(MapAccessDeserializer::new(entries))?;
        Ok(Pace::Ready { stable_for: stable.stable_for.get() })
    }
}

impl JsonSchema for Pace {
    fn schema_name() -> Cow<'static, str> {
        "Pace".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let stable = generator.subschema_for::<Stable>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, stable] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wait_is_a_switch_or_a_time_to_stay_ready() {
        let stable = |seconds| Pace::Ready { stable_for: std::time::Duration::from_secs(seconds) };
        for (config, pace) in [
            (json!(true), stable(0)),
            (json!(false), Pace::Apply),
            (json!({"stableFor": "90s"}), stable(90)),
        ] {
            assert_eq!(serde_json::from_value::<Pace>(config).unwrap(), pace);
        }
        for wrong in [json!("true"), json!({}), json!({"stableFor": 90}), json!({"for": "1s"})] {
            assert!(serde_json::from_value::<Pace>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
