//! What a step is handed: who it is, where it acts, and the few services it may use.

use super::{Child, ChildError, ChildRequest, ObjectKey, Secret, SecretError};
use crate::{
    BoxFuture,
    clock::Now,
    event::Evaluated,
    execution::Evaluation,
    id::{BlobName, Epoch, RunId},
    person::{Actor, Signalled},
    plan::{Origin, Place},
    platform::Case,
    revision::{Overtaken, Revision, Target},
    store::{Extent, Line, LogAppended},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// One call of a stage.
#[derive(Clone)]
pub struct StepContext {
    pub identity: Identity,
    pub now: Now,
    /// Who started the run.
    pub starter: Actor,
    /// The earlier runs whose work this one has taken over.
    pub taken_over_from: BTreeSet<RunId>,
    /// What people answered to this attempt, oldest first.
    pub signals: Vec<Signalled>,
    /// Where to act, for stages that name an environment.
    pub place: Option<Place>,
    pub target: Option<Target>,
    /// What the rules of the environment are to judge.
    pub case: Option<Case>,
    /// The environments where, for the run's own sake, nothing becomes good before this stage has ended.
    pub kept: BTreeSet<String>,
    /// The files of the plan, by path.
    pub files: BTreeMap<String, BlobName>,
    /// Which files each pattern stands for, in order.
    pub patterns: BTreeMap<String, Vec<String>>,
    /// What image references stand for in this run, as far as it was recorded: by the reference as
    /// it was written, one with a digest.
    pub images: BTreeMap<String, String>,
    pub services: Arc<dyn Services>,
}

/// Who acts. Together with an operation it names an effect for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub run: RunId,
    pub application: String,
    pub pipeline: String,
    pub stage: String,
    pub attempt: u32,
    pub epoch: Epoch,
}

/// Lines for the log of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// The number of the chunk that they become.
    pub chunk: u64,
    /// At most some hundred KiB.
    pub lines: Vec<Line>,
    /// Where the reader is behind the last line.
    pub cursor: String,
}

/// Why a step may not act any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The stage is being stopped.
    Stopping,
    /// The engine can no longer be sure that the run is its own.
    LeaseLost,
    /// The engine is leaving; another one goes on from what is recorded.
    Leaving,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    #[error("blob {0} is not in the store")]
    Missing(BlobName),
    #[error(
        "blob {0} cannot be opened: its seal does not match the key file of this state directory"
    )]
    Sealed(BlobName),
    #[error("the store does not answer: {0}")]
    Unavailable(String),
}

/// What the engine does for a step.
///
/// # Contract
///
/// Reads may be repeated and take as long as the store takes. `may_act` is cheap and is asked
/// before every change outside.
pub trait Services: Send + Sync {
    fn may_act(&self) -> Result<(), Halt>;
    /// The name under which `content` will be kept if it is handed back as a record.
    fn name(&self, content: &[u8]) -> BlobName;
    fn read(&self, name: &BlobName) -> BoxFuture<'_, Result<Vec<u8>, ServiceError>>;
    /// How far the log of this attempt is.
    fn log_extent(&self) -> BoxFuture<'_, Result<Extent, ServiceError>>;
    /// Keeps lines that the stage's program printed, with the reader's place behind them: both or
    /// neither. `chunk` is the [`Extent::next`] that the caller knows; if it is another by now,
    /// nothing is kept. Durable when it answers.
    fn log(&self, log: Printed) -> BoxFuture<'_, Result<LogAppended, ServiceError>>;
    /// Takes up to some tens of milliseconds.
    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'_, Evaluated>;
    /// The recorded revisions of a target, oldest first.
    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, ServiceError>>;
    /// Where the stage's application was ever deployed to under this name of an environment: more
    /// than one if that has moved to another cluster.
    fn targets(&self, environment: &str) -> BoxFuture<'_, Result<Vec<Target>, ServiceError>>;
    /// What changes when a revision there is proven good; to be taken before they are read.
    fn proving(&self, environment: &str) -> ObjectKey;
    /// The commit that a run was pinned to; nothing if it was of none, or is not known any more.
    fn origin(&self, run: RunId) -> BoxFuture<'_, Result<Option<Origin>, ServiceError>>;
    /// What a later run of the same pipeline has recorded there since this run last did.
    fn overtaken(&self, target: &Target) -> BoxFuture<'_, Result<Option<Overtaken>, ServiceError>>;
    /// The environments that the stage, and what is downstream of it, name.
    fn environments(&self) -> Vec<String>;
    /// The present value of a secret that the stage's configuration names. From then on whatever
    /// steps answer is searched for it.
    fn secret(&self, name: &str) -> BoxFuture<'_, Result<Secret, SecretError>>;
    /// Starts a run for this attempt, once: the same call again answers with the same run.
    fn start_child(&self, request: ChildRequest) -> BoxFuture<'_, Result<Child, ChildError>>;
    /// The run that this attempt has started, if it has.
    fn started_child(&self) -> BoxFuture<'_, Result<Option<RunId>, ChildError>>;
    fn child(&self, run: RunId) -> BoxFuture<'_, Result<Child, ChildError>>;
    /// Asks a run that this attempt has started to end; answers with how it stands.
    fn cancel_child(&self, run: RunId) -> BoxFuture<'_, Result<Child, ChildError>>;
    /// `text` with `***` in the place of every secret. What a step answers is masked without it;
    /// it is for text that leaves a step in another way, such as the lines of a log.
    fn masked(&self, text: &str) -> String;
}

impl StepContext {
    /// Says whether the step may still change something outside.
    pub fn may_act(&self) -> Result<(), super::StageError> {
        self.services.may_act().map_err(super::StageError::Halted)
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StepContext")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Halt::Stopping => "the stage is being stopped",
            Halt::LeaseLost => "this engine lost its lease",
            Halt::Leaving => "this engine is leaving",
        })
    }
}
