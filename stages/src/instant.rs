//! Instants as configurations write them.

use engine_core::clock::Civil;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// A moment on people's clocks, as RFC 3339 writes it: `2026-12-24T18:00:00+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Instant(pub Civil);

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write an instant with its offset from UTC, such as `2026-12-24T18:00:00+01:00`")]
pub struct NotAnInstant;

impl TryFrom<String> for Instant {
    type Error = NotAnInstant;

    fn try_from(text: String) -> Result<Instant, NotAnInstant> {
        let timestamp: Option<jiff::Timestamp> = text.parse().ok();
        let milliseconds = timestamp.map(|timestamp| u64::try_from(timestamp.as_millisecond()));
        match milliseconds {
            Some(Ok(milliseconds)) => Ok(Instant(Civil(milliseconds))),
            Some(Err(_)) | None => Err(NotAnInstant),
        }
    }
}

impl JsonSchema for Instant {
    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "An instant as RFC 3339 writes it, with its offset from UTC.",
            "examples": ["2026-12-24T18:00:00+01:00"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_name_their_offset() {
        let right = [
            ("1970-01-01T00:00:01Z", 1_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("2026-12-24T18:00:00.5+01:00", 1_798_131_600_500),
        ];
        for (text, milliseconds) in right {
            let instant = Instant::try_from(text.to_owned());
            assert_eq!(instant, Ok(Instant(Civil(milliseconds))), "{text}");
        }
        for text in ["", "tomorrow", "2026-12-24", "2026-12-24T18:00:00", "1969-12-31T00:00:00Z"] {
            assert!(Instant::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
