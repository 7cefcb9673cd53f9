//! `pipeline`: starts another pipeline once for each attempt, and waits for its end.

use engine_core::{
    files::{Files, Step as PathStep},
    id::RunId,
    plan::{Effect, Timeout},
    stage::{
        Child, ChildError, ChildRequest, Ending, EnvironmentUse, Fault, FaultCode, Halt, Outputs,
        Stage, StageError, Step, StepContext, Traits, WaitReason, Wake,
    },
    status::{RunStatus, WaitKind},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Pipeline;

/// Starts another pipeline of the same repository.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Whose pipeline it is; this pipeline's application, if it is not said.
    #[serde(default)]
    #[schemars(extend("examples" = ["payments"]))]
    application: Option<String>,
    /// The pipeline's name.
    #[schemars(extend("examples" = ["schema-change"]))]
    name: String,
    /// What it is started with.
    #[serde(default)]
    #[schemars(extend("examples" = [{"version": "v7"}]))]
    parameters: BTreeMap<String, Value>,
    /// Whether the stage waits for the end of the run: then it ends with this one too.
    #[serde(default = "yes")]
    #[schemars(extend("examples" = [false]))]
    wait: bool,
}

fn yes() -> bool {
    true
}

/// The run that this attempt has started.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    #[serde(default)]
    child: Option<RunId>,
}

impl Stage for Pipeline {
    const TYPE: &'static str = "pipeline";
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

    fn check(config: &Config, _files: &Files) -> Vec<Fault> {
        let names = [("name", Some(&config.name)), ("application", config.application.as_ref())];
        let open = names.into_iter().filter(|(_, text)| text.is_some_and(|it| it.contains("${{")));
        let fault = |(key, _): (&str, _)| Fault {
            code: FaultCode::Value,
            place: vec![PathStep::Key(key.to_owned())],
            message: format!("`{key}` of a called pipeline is fixed when the run starts"),
            help: Some("write the name itself; values go into `parameters`".to_owned()),
        };
        open.map(fault).collect()
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let child = match progress.child {
            Some(run) => context.services.child(run).await,
            None => {
                context.may_act()?;
                context.services.start_child(config.request()).await
            }
        };
        let child = child.map_err(stage_error)?;
        match (config.ending(), child.status) {
            (Ending::Unattended, _) | (Ending::Awaited, RunStatus::Succeeded) => {
                Ok(Step::Done { outputs: outputs(&child), records: Vec::new() })
            }
            (Ending::Awaited, status) if status.has_ended() => {
                Err(StageError::Failure(format!("{} ended {status}", child.label)))
            }
            (Ending::Awaited, _) => Ok(waits(&child)),
        }
    }

    async fn abort(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<(), StageError> {
        if config.ending() == Ending::Unattended {
            return Ok(());
        }
        let started = match progress.child {
            Some(run) => Some(run),
            None => context.services.started_child().await.map_err(stage_error)?,
        };
        let Some(run) = started else { return Ok(()) };
        let child = context.services.cancel_child(run).await.map_err(stage_error)?;
        match child.status.has_ended() {
            true => Ok(()),
            false => Err(StageError::Error(format!("{} is {}", child.label, child.status))),
        }
    }
}

impl Config {
    fn ending(&self) -> Ending {
        if self.wait { Ending::Awaited } else { Ending::Unattended }
    }

    fn request(&self) -> ChildRequest {
        ChildRequest {
            application: self.application.clone(),
            pipeline: self.name.clone(),
            parameters: self.parameters.clone(),
            ending: self.ending(),
        }
    }
}

/// The end of the run wakes the stage.
fn waits(child: &Child) -> Step<Progress> {
    Step::Wait {
        progress: Progress { child: Some(child.run) },
        wake: Wake::default(),
        reason: WaitReason {
            kind: WaitKind::Child,
            detail: format!("waits for the end of {}", child.label),
        },
        records: Vec::new(),
    }
}

fn outputs(child: &Child) -> Outputs {
    let mut outputs = Outputs::new();
    outputs.insert("run".to_owned(), json!(child.run));
    outputs.insert("label".to_owned(), json!(child.label));
    outputs.insert("status".to_owned(), json!(child.status));
    outputs
}

fn stage_error(error: ChildError) -> StageError {
    match error {
        ChildError::Refused(reason) => StageError::Failure(reason),
        ChildError::Unavailable(reason) => StageError::Error(reason),
        ChildError::Leaving => StageError::Halted(Halt::Leaving),
    }
}
