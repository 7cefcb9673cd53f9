//! `setVariables`: gives names to values, for later stages to read.

use engine_core::{
    plan::{Effect, Timeout},
    stage::{EnvironmentUse, Stage, StageError, Step, StepContext, Traits},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

pub struct SetVariables;

/// Names and their values, which later stages read as `stages.<id>.outputs.<name>`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Config(
    #[schemars(length(min = 1), example = serde_json::json!({"weight": 10, "tag": "v7"}))]
    Map<String, Value>,
);

impl Stage for SetVariables {
    const TYPE: &'static str = "setVariables";
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
        Config(outputs): Config,
        _progress: (),
    ) -> Result<Step<()>, StageError> {
        Ok(Step::Done { outputs, records: Vec::new() })
    }
}
