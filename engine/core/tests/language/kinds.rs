//! Stage types whose configurations have every shape that schemas can take.

use engine_core::{
    files::{FileRequest, Files, Found, Step as PathStep},
    language::Duration,
    plan::{Effect, Timeout},
    stage::{EnvironmentUse, Fault, FaultCode, Stage, StageError, Step, StepContext, Traits},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) struct Deploy;
pub(crate) struct Wait;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeployConfig {
    #[schemars(length(min = 1))]
    manifests: Vec<String>,
    #[serde(default)]
    images: BTreeMap<String, String>,
    #[serde(default = "main_component")]
    #[schemars(regex(pattern = "^[a-z]+$"))]
    component: String,
    #[serde(default)]
    replicas: Option<u8>,
    #[serde(default)]
    history: Option<u32>,
    #[serde(default)]
    #[expect(dead_code, reason = "only its shape matters")]
    ready: Ready,
    #[serde(default)]
    #[expect(dead_code, reason = "only its shape matters")]
    strategy: Strategy,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Strategy {
    /// The workload's own.
    #[default]
    Rolling,
    Recreate,
    BlueGreen(BlueGreen),
    Canary(Canary),
}

#[derive(Deserialize, Serialize, JsonSchema)]
struct Canary {
    weight: u8,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct BlueGreen {
    auto_promote: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Ready {
    #[expect(dead_code, reason = "only its shape matters")]
    Switch(bool),
    #[expect(dead_code, reason = "only its shape matters")]
    Stable(Stable),
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Stable {
    #[expect(dead_code, reason = "only its shape matters")]
    stable_for: Duration,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct WaitConfig {
    duration: Duration,
}

impl Default for Ready {
    fn default() -> Ready {
        Ready::Switch(true)
    }
}

fn main_component() -> String {
    "main".to_owned()
}

fn image_fault(key: &str) -> Fault {
    Fault {
        code: FaultCode::Image,
        place: vec![PathStep::Key("images".to_owned()), PathStep::Key(key.to_owned())],
        message: format!("`{key}` matches no image"),
        help: None,
    }
}

impl Stage for Deploy {
    const TYPE: &'static str = "deploy";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Required,
        effect: Effect::Writes,
        default_timeout: Timeout::AfterMs(900_000),
    };
    type Config = DeployConfig;
    type Progress = ();

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    fn files(config: &DeployConfig) -> Vec<FileRequest> {
        let place = |index| vec![PathStep::Key("manifests".to_owned()), PathStep::Index(index)];
        let patterns = config.manifests.iter().enumerate();
        patterns
            .map(|(index, pattern)| FileRequest { place: place(index), pattern: pattern.clone() })
            .collect()
    }

    /// Tells of missing files too, which the compilation has told already.
    fn check(config: &DeployConfig, files: &Files) -> Vec<Fault> {
        let missing = Deploy::files(config).into_iter().filter_map(|request| {
            let Found::Nothing { reason } = files.found(&request.pattern) else { return None };
            let (code, place) = (FaultCode::Manifest, request.place);
            Some(Fault { code, place, message: reason, help: None })
        });
        let images = config.images.keys().filter(|key| *key != "shop").map(|key| image_fault(key));
        missing.chain(images).collect()
    }

    fn component(config: &DeployConfig) -> Option<String> {
        Some(config.component.clone())
    }

    async fn step(
        &self,
        _: StepContext,
        config: DeployConfig,
        (): (),
    ) -> Result<Step<()>, StageError> {
        Err(StageError::Failure(format!("{:?} {:?}", config.replicas, config.history)))
    }
}

impl Stage for Wait {
    const TYPE: &'static str = "wait";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Optional,
        effect: Effect::Reads,
        default_timeout: Timeout::Never,
    };
    type Config = WaitConfig;
    type Progress = ();

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        _: StepContext,
        config: WaitConfig,
        (): (),
    ) -> Result<Step<()>, StageError> {
        Err(StageError::Failure(config.duration.to_string()))
    }
}
