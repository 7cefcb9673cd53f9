//! What a stage type implements: one short, repeatable step at a time.

mod child;
mod condition;
mod context;
mod erased;
mod revelation;

pub use child::{Child, ChildError, ChildRequest, Ending};
pub use condition::Condition;
pub(crate) use condition::FORMAT as CONDITION_FORMAT;
pub use context::{Halt, Identity, Printed, ServiceError, Services, StepContext};
pub use erased::{AnyStage, StageSchema};
pub use revelation::SecretError;

pub use crate::secret::{Part, Secret, SecretText, SecretValue};
use crate::{
    clock::Moment,
    diagnostic::Code,
    expression::{Kind, Shape},
    files::{FileRequest, Files, Step as PathStep},
    id::BlobName,
    person::{Actor, Signalled},
    plan::{Effect, OnTimeout, Timeout},
    revision::ComponentSet,
    status::WaitKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::future::Future;

/// A kind of stage, such as `wait` or `deploy`.
///
/// # Contract
///
/// * A step may be run again with the same arguments after a crash: whatever it changes outside, it
///   marks with run, stage and attempt, reads first, and skips what already carries its mark.
/// * A step is short (seconds): to wait for something it returns [`Step::Wait`] and is called again.
///   Every call it makes has a deadline.
/// * Before each change outside it asks [`StepContext::may_act`], and ends with
///   [`StageError::Halted`] when that says no. It is never dropped half-way.
/// * All memory between steps lives in `Progress`. A stage value holds only clients.
/// * At most one step or abort of one stage of one run is under way at a time.
pub trait Stage: Send + Sync + 'static {
    const TYPE: &'static str;
    const TRAITS: Traits;
    type Config: DeserializeOwned + JsonSchema + Send + 'static;
    type Progress: Serialize + DeserializeOwned + Default + Send + 'static;

    /// The files that `config` wants to read. They are read once, before the run starts.
    fn files(_config: &Self::Config) -> Vec<FileRequest> {
        Vec::new()
    }

    /// Every fault of `config` that its schema cannot tell. Touches nothing but `files`.
    fn check(_config: &Self::Config, _files: &Files) -> Vec<Fault> {
        Vec::new()
    }

    /// Every fault of `config` that hangs on where the engine runs, such as a host that it may not
    /// ask. Touches nothing; what changes until the step is judged there again.
    fn check_here(&self, _config: &Self::Config) -> Vec<Fault> {
        Vec::new()
    }

    /// The name of what a stage deploys, if it deploys: two stages of a plan may not share it
    /// within one environment.
    fn component(_config: &Self::Config) -> Option<String> {
        None
    }

    /// Those of the pipeline's `images` that the stage has a use for, beside its own: they are put
    /// into its configuration under `images`.
    fn images(_config: &Self::Config, _files: &Files, _offered: &[&str]) -> Vec<String> {
        Vec::new()
    }

    /// What a success puts out, as far as the configuration tells; what is not told of may be there.
    fn outputs(_config: &Self::Config) -> Shape {
        Shape::Of(Kind::Map)
    }

    /// Each text in `progress` that was not the stage's own, such as what a program or a server
    /// said: secrets are masked in these before they are stored. In all else they are not, for a
    /// name that happens to hold the value of a secret must stay the name that it is.
    fn heard(progress: &mut Self::Progress) -> Vec<&mut String>;

    /// What it means that nothing came of an attempt in time.
    fn on_timeout(_config: &Self::Config) -> OnTimeout {
        OnTimeout::Fail
    }

    /// Why a person's answer to a waiting attempt is not taken; asked before it is recorded. Pure.
    fn refusal(&self, _config: &Self::Config, _asked: &Asked<'_>, _answer: &Signalled) -> Refusal {
        Refusal::Because("it waits for nobody".to_owned())
    }

    fn step(
        &self,
        context: StepContext,
        config: Self::Config,
        progress: Self::Progress,
    ) -> impl Future<Output = Result<Step<Self::Progress>, StageError>> + Send;

    /// Ends what is under way after a cancel or a timeout; what is deployed stays. Same contract as
    /// `step`; tried again for five minutes.
    fn abort(
        &self,
        _context: StepContext,
        _config: Self::Config,
        _progress: Self::Progress,
    ) -> impl Future<Output = Result<(), StageError>> + Send {
        async { Ok(()) }
    }
}

/// What an answer is held against.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who started the run.
    pub starter: &'a Actor,
    /// What was answered to this attempt before.
    pub signals: &'a [Signalled],
    pub application: &'a str,
    /// Those that the stage, and what is downstream of it, name.
    pub environments: &'a [String],
}

/// Whether a person's answer is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    None,
    /// The sentence says why, and who could.
    Because(String),
    /// Whoever it is: what they say is not what is asked for.
    Unfit(String),
}

/// What the engine must know of a stage type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    pub environment: EnvironmentUse,
    pub effect: Effect,
    pub default_timeout: Timeout,
}

/// Whether a stage needs to be told where it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentUse {
    Required,
    Optional,
}

/// Something wrong with a configuration that its schema does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: FaultCode,
    /// Where in the configuration.
    pub place: Vec<PathStep>,
    pub message: String,
    pub help: Option<String>,
}

/// The codes of diagnostics that a stage type can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// E008: bad zone, glob, duration.
    Format,
    /// E011: a manifest is missing or does not render.
    Manifest,
    /// E016: a value is missing, or not one that can be.
    Value,
    /// E007: a group or host that is not known, or not allowed, where the engine runs.
    Unknown,
    /// E017: an `images` key matches nothing.
    Image,
    /// E005: an expression does not compile, or reads what it does not see.
    Expression,
}

impl FaultCode {
    pub(crate) fn code(self) -> Code {
        match self {
            FaultCode::Format => Code::E008,
            FaultCode::Manifest => Code::E011,
            FaultCode::Value => Code::E016,
            FaultCode::Unknown => Code::E007,
            FaultCode::Expression => Code::E005,
            FaultCode::Image => Code::E017,
        }
    }
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Step<P> {
    Wait { progress: P, wake: Wake, reason: WaitReason, records: Vec<Record> },
    Done { outputs: Outputs, records: Vec<Record> },
}

pub type Outputs = Map<String, Value>;

/// When a waiting stage wants its next step: at whichever comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wake {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectKey>,
}

/// Objects outside whose change after `position` wakes a stage. Only the edge that hands them out
/// can read them; positions do not outlive a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectKey {
    pub key: String,
    pub position: u64,
}

/// Why a stage waits. A change of `detail` alone is not worth an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReason {
    pub kind: WaitKind,
    pub detail: String,
}

/// What a step wants kept, written in the append of its answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    Blob {
        name: BlobName,
        content: Vec<u8>,
    },
    Revision(ComponentSet),
    /// What an image reference stands for. The first one that is recorded holds for the whole run,
    /// so a step that hands it back reads [`StepContext::images`] before it uses it.
    Image {
        reference: String,
        resolved: String,
    },
}

/// Why a step did not come to an answer. The variant decides what the engine does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// Could not reach, or could not tell.
    #[error("{0}")]
    Error(String),
    /// A person said no: no further try, and no `onFailure`.
    #[error("{0}")]
    Rejected(String),
    /// It said no.
    #[error("{0}")]
    Failure(String),
    /// The stage was told to stop, or its engine lost its lease, and it did so at a safe point.
    #[error("halted: {0}")]
    Halted(Halt),
    /// The stage type is broken or gone; trying again cannot help.
    #[error("{0}")]
    Defect(String),
}

impl<P> Step<P> {
    /// An end without outputs.
    pub fn done() -> Step<P> {
        Step::Done { outputs: Outputs::new(), records: Vec::new() }
    }
}
