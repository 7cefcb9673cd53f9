//! [`Stage`] with its types erased, so that different stages fit in one registry.

use super::{Asked, Fault, FaultCode, Refusal, Stage, StageError, Step, StepContext, Traits};
use crate::{
    BoxFuture,
    expression::{Kind, Shape},
    files::{FileRequest, Files},
    person::Signalled,
    plan::OnTimeout,
};
use schemars::{Schema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The schema of a stage type's configuration.
pub type StageSchema = Schema;

/// A stage type as the engine sees it.
pub trait AnyStage: Send + Sync {
    fn traits(&self) -> Traits;
    fn schema(&self, generator: &mut SchemaGenerator) -> StageSchema;
    /// The files that `config` wants, or the fault that keeps it from being read.
    fn files(&self, config: &Value) -> Result<Vec<FileRequest>, Fault>;
    fn check(&self, config: &Value, files: &Files) -> Vec<Fault>;
    fn component(&self, config: &Value) -> Option<String>;
    fn images(&self, config: &Value, files: &Files, offered: &[&str]) -> Vec<String>;
    fn outputs(&self, config: &Value) -> Shape;
    fn on_timeout(&self, config: &Value) -> OnTimeout;
    fn refusal(&self, config: &Value, asked: &Asked<'_>, answer: &Signalled) -> Refusal;
    fn step(
        &self,
        context: StepContext,
        config: Value,
        progress: Value,
    ) -> BoxFuture<'_, Result<Step<Value>, StageError>>;
    fn abort(
        &self,
        context: StepContext,
        config: Value,
        progress: Value,
    ) -> BoxFuture<'_, Result<(), StageError>>;
}

impl<S: Stage> AnyStage for S {
    fn traits(&self) -> Traits {
        S::TRAITS
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> StageSchema {
        generator.subschema_for::<S::Config>()
    }

    fn files(&self, config: &Value) -> Result<Vec<FileRequest>, Fault> {
        read::<S::Config>(config).map(|config| S::files(&config))
    }

    fn check(&self, config: &Value, files: &Files) -> Vec<Fault> {
        match read::<S::Config>(config) {
            Ok(config) => {
                let mut faults = S::check(&config, files);
                faults.extend(self.check_here(&config));
                faults
            }
            Err(fault) => vec![fault],
        }
    }

    fn component(&self, config: &Value) -> Option<String> {
        read::<S::Config>(config).ok().and_then(|config| S::component(&config))
    }

    fn images(&self, config: &Value, files: &Files, offered: &[&str]) -> Vec<String> {
        read::<S::Config>(config).map(|it| S::images(&it, files, offered)).unwrap_or_default()
    }

    fn outputs(&self, config: &Value) -> Shape {
        read::<S::Config>(config).map_or(Shape::Of(Kind::Map), |config| S::outputs(&config))
    }

    fn on_timeout(&self, config: &Value) -> OnTimeout {
        read::<S::Config>(config).map_or(OnTimeout::Fail, |config| S::on_timeout(&config))
    }

    fn refusal(&self, config: &Value, asked: &Asked<'_>, answer: &Signalled) -> Refusal {
        match read::<S::Config>(config) {
            Ok(config) => Stage::refusal(self, &config, asked, answer),
            Err(fault) => Refusal::Because(fault.message),
        }
    }

    fn step(
        &self,
        context: StepContext,
        config: Value,
        progress: Value,
    ) -> BoxFuture<'_, Result<Step<Value>, StageError>> {
        Box::pin(async move {
            let config = decode("configuration", config)?;
            let progress = remembered(progress)?;
            let services = context.services.clone();
            match Stage::step(self, context, config, progress).await? {
                Step::Done { outputs, records } => Ok(Step::Done { outputs, records }),
                Step::Wait { mut progress, wake, reason, records } => {
                    S::heard(&mut progress).into_iter().for_each(|it| *it = services.masked(it));
                    let progress = encode(progress)?;
                    Ok(Step::Wait { progress, wake, reason, records })
                }
            }
        })
    }

    fn abort(
        &self,
        context: StepContext,
        config: Value,
        progress: Value,
    ) -> BoxFuture<'_, Result<(), StageError>> {
        Box::pin(async move {
            let config = decode("configuration", config)?;
            Stage::abort(self, context, config, remembered(progress)?).await
        })
    }
}

fn read<T: DeserializeOwned>(config: &Value) -> Result<T, Fault> {
    T::deserialize(config).map_err(|error| Fault {
        code: FaultCode::Value,
        place: Vec::new(),
        message: error.to_string(),
        help: None,
    })
}

fn decode<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, StageError> {
    serde_json::from_value(value)
        .map_err(|error| StageError::Defect(format!("the stored {what} cannot be read: {error}")))
}

fn remembered<T: DeserializeOwned + Default>(progress: Value) -> Result<T, StageError> {
    match progress {
        Value::Null => Ok(T::default()),
        progress => decode("progress", progress),
    }
}

fn encode<T: Serialize>(progress: T) -> Result<Value, StageError> {
    serde_json::to_value(progress)
        .map_err(|error| StageError::Defect(format!("progress cannot be stored: {error}")))
}
