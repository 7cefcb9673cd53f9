//! Stages as a JSON object that keeps the order of the plan.

use super::StageView;
use serde::{
    Deserializer, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use std::fmt;

type Stages = Vec<(String, StageView)>;

pub(super) fn serialize<S: Serializer>(
    stages: &[(String, StageView)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(stages.len()))?;
    for (id, stage) in stages {
        map.serialize_entry(id, stage)?;
    }
    map.end()
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stages, D::Error> {
    struct InOrder;
    impl<'de> Visitor<'de> for InOrder {
        type Value = Stages;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("stages by id")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stages, A::Error> {
            let mut stages = Vec::new();
            while let Some(entry) = map.next_entry()? {
                stages.push(entry);
            }
            Ok(stages)
        }
    }
    deserializer.deserialize_map(InOrder)
}
