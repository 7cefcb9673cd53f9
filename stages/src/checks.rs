//! `checks`: goes on only if every condition holds.

use engine_core::{
    plan::{Effect, Timeout},
    stage::{Condition, EnvironmentUse, Stage, StageError, Step, StepContext, Traits},
};
use schemars::JsonSchema;
use serde::Deserialize;

pub struct Checks;

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(
    #[schemars(
        length(min = 1),
        example = serde_json::json!([{"assert": "application.name != \"\""}])
    )]
    Vec<Check>,
);

/// One condition.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Check {
    /// What must be true.
    #[schemars(example = &"application.name != \"\"")]
    assert: Condition,
    /// What to say if it is not.
    #[serde(default)]
    #[schemars(example = &"the application has no name")]
    message: Option<String>,
}

impl Stage for Checks {
    const TYPE: &'static str = "checks";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::Never,
    };
    type Config = Config;
    type Progress = ();

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        _context: StepContext,
        Config(checks): Config,
        _progress: (),
    ) -> Result<Step<()>, StageError> {
        let broken: Vec<String> = checks.into_iter().filter_map(broken).collect();
        match broken.as_slice() {
            [] => Ok(Step::done()),
            broken => Err(StageError::Failure(broken.join("; "))),
        }
    }
}

/// What is said of a check that does not hold.
fn broken(check: Check) -> Option<String> {
    let Check { assert, message } = check;
    let told = match assert {
        Condition::Bound { holds: true, .. } => return None,
        Condition::Bound { condition, saw, .. } if saw.is_empty() => {
            format!("`{condition}` is false")
        }
        Condition::Bound { condition, saw, .. } => format!("`{condition}` is false: {saw}"),
        Condition::Unbound(condition) => format!("`{condition}` was never evaluated"),
    };
    Some(match message {
        Some(message) => format!("{message} ({told})"),
        None => told,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(assert: serde_json::Value) -> Option<String> {
        broken(serde_json::from_value(json!({"assert": assert, "message": "too few"})).unwrap())
    }

    #[test]
    fn only_a_condition_that_was_seen_to_hold_lets_pass() {
        let bound = |holds| json!({"holds": holds, "condition": "a > 1", "saw": "a is 1"});
        assert_eq!(told(bound(true)), None);
        assert_eq!(told(bound(false)).unwrap(), "too few (`a > 1` is false: a is 1)");
        assert!(told(json!("a > 1")).is_some());
    }
}
