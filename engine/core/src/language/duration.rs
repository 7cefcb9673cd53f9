//! Durations as authors write them: one whole number and one unit.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};

/// A stretch of time in a pipeline file: `90s`, `15m`, `6h`, `2d`. For use in the configuration of
/// stage types: its schema lets a bad duration be told as such, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

/// Why a text is no duration. The message says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("write one whole number and one unit: `90s`, `15m`, `6h` or `2d`")]
    Form,
    #[error("at most `3650d`")]
    TooLong,
}

/// The name under which the schema marks durations.
pub(super) const FORMAT: &str = "gennaker-duration";
const LONGEST_SECONDS: u64 = 3_650 * 86_400;

impl Duration {
    pub fn get(self) -> std::time::Duration {
        self.0
    }

    /// At most ten years, as anywhere.
    pub const fn of_seconds(seconds: u64) -> Duration {
        assert!(seconds <= LONGEST_SECONDS);
        Duration(std::time::Duration::from_secs(seconds))
    }

    pub fn milliseconds(self) -> u64 {
        crate::clock::milliseconds(self.0)
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Duration, DurationError> {
        let (number, unit) =
            text.split_at_checked(text.len().saturating_sub(1)).ok_or(DurationError::Form)?;
        let unit_seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(DurationError::Form),
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DurationError::Form);
        }
        let seconds = number.parse::<u64>().ok().and_then(|count| count.checked_mul(unit_seconds));
        match seconds {
            Some(seconds @ ..=LONGEST_SECONDS) => {
                Ok(Duration(std::time::Duration::from_secs(seconds)))
            }
            Some(_) | None => Err(DurationError::TooLong),
        }
    }
}

/// The largest unit that tells it whole.
impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        let whole = units.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
        let (unit, letter) = whole.copied().unwrap_or((1, 's'));
        write!(formatter, "{}{letter}", seconds / unit)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": FORMAT, "pattern": "^[0-9]+[smhd]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_one_whole_number_and_one_unit() {
        let seconds = |text: &str| text.parse::<Duration>().map(|it| it.get().as_secs());
        for (text, expected) in [
            ("90s", Ok(90)),
            ("15m", Ok(900)),
            ("6h", Ok(21_600)),
            ("2d", Ok(172_800)),
            ("0s", Ok(0)),
            ("3650d", Ok(315_360_000)),
            ("3651d", Err(DurationError::TooLong)),
            ("99999999999999999999s", Err(DurationError::TooLong)),
            ("", Err(DurationError::Form)),
            ("s", Err(DurationError::Form)),
            ("5", Err(DurationError::Form)),
            ("1h30m", Err(DurationError::Form)),
            ("1.5h", Err(DurationError::Form)),
            ("-5s", Err(DurationError::Form)),
            ("+5s", Err(DurationError::Form)),
            (" 5s", Err(DurationError::Form)),
            ("5 s", Err(DurationError::Form)),
            ("5S", Err(DurationError::Form)),
            ("5µ", Err(DurationError::Form)),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_told_in_its_largest_unit() {
        for text in ["90s", "15m", "6h", "2d", "0s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("3600s".parse::<Duration>().unwrap().to_string(), "1h");
    }
}
