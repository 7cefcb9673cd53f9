//! `wait`: lets some time pass, or waits for an instant.

use crate::instant::Instant;
use engine_core::{
    clock::{Moment, Now},
    language::Duration,
    plan::{Effect, Timeout},
    stage::{EnvironmentUse, Stage, StageError, Step, StepContext, Traits, WaitReason, Wake},
    status::WaitKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub struct Wait;

/// Lets some time pass, or waits until an instant: exactly one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", try_from = "Fields")]
pub enum Config {
    For(Duration),
    Until(Instant),
}

/// How long to wait: exactly one of the two.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    /// How long to wait, such as `90s` or `2h`.
    #[serde(default)]
    #[schemars(example = &"10m")]
    duration: Option<Duration>,
    /// Until when to wait, such as `2026-12-24T18:00:00+01:00`. An instant that is past ends the
    /// stage at once.
    #[serde(default)]
    #[schemars(example = &"2026-12-24T18:00:00+01:00")]
    until: Option<Instant>,
}

/// What is remembered between steps.
#[derive(Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum Progress {
    #[default]
    New,
    Waiting {
        end: Moment,
    },
}

impl TryFrom<Fields> for Config {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Config, &'static str> {
        match (fields.duration, fields.until) {
            (Some(duration), None) => Ok(Config::For(duration)),
            (None, Some(instant)) => Ok(Config::Until(instant)),
            (None, None) => Err("`wait` needs `duration` or `until`"),
            (Some(_), Some(_)) => Err("`wait` takes `duration` or `until`, not both"),
        }
    }
}

impl Config {
    fn end(&self, now: Now) -> Moment {
        match self {
            Config::For(duration) => Moment::Elapsed(now.elapsed.plus(duration.get())),
            Config::Until(instant) => Moment::Civil(instant.0),
        }
    }

    fn detail(&self) -> String {
        match self {
            Config::For(duration) => format!("{duration} from its start"),
            Config::Until(instant) => {
                let milliseconds = i64::try_from(instant.0.0).unwrap_or(i64::MAX);
                match jiff::Timestamp::from_millisecond(milliseconds) {
                    Ok(timestamp) => format!("until {timestamp}"),
                    Err(_) => "until the end of time".to_owned(),
                }
            }
        }
    }
}

impl Stage for Wait {
    const TYPE: &'static str = "wait";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::Never,
    };
    type Config = Config;
    type Progress = Progress;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let end = match progress {
            Progress::New => config.end(context.now),
            Progress::Waiting { end } => end,
        };
        if end.is_past(context.now) {
            return Ok(Step::done());
        }
        Ok(Step::Wait {
            progress: Progress::Waiting { end },
            wake: Wake { at: Some(end), objects: Vec::new() },
            reason: WaitReason { kind: WaitKind::Timer, detail: config.detail() },
            records: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::clock::{Civil, Elapsed};
    use serde_json::json;

    fn parsed(config: serde_json::Value) -> Result<Config, String> {
        serde_json::from_value(config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wait_has_exactly_one_end() {
        let now = Now { elapsed: Elapsed(500), civil: Civil(7) };
        let duration = parsed(json!({"duration": "2s"})).unwrap();
        assert_eq!(duration.end(now), Moment::Elapsed(Elapsed(2_500)));
        let until = parsed(json!({"until": "1970-01-01T00:00:01Z"})).unwrap();
        assert_eq!(until.end(now), Moment::Civil(Civil(1_000)));
        for wrong in [
            json!({}),
            json!({"duration": "1s", "until": "1970-01-01T00:00:01Z"}),
            json!({"duration": 90}),
            json!({"for": "1s"}),
        ] {
            assert!(parsed(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_schema_tells_both_keys() {
        let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
        let keys: Vec<&String> =
            schema["properties"].as_object().unwrap_or_else(|| panic!("{schema}")).keys().collect();
        assert_eq!(keys, ["duration", "until"]);
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
