//! The words of the machine: inputs come in, events are recorded, commands go out.

use crate::{
    clock::Elapsed,
    id::{BlobName, InputId, PlanHash, RunId},
    plan::NodeIndex,
    retry::Cause,
    revision::{ComponentSet, Proof, Target},
    stage::{Outputs, StageError, Step, WaitReason, Wake},
    status::RunStatus,
};
pub use crate::{
    person::{Actor, RunAct, Signal, Signalled, Way},
    repeat::Repeated,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fact, in the past tense. A log of these is the only durable state of a run, and a stored
/// format: variants are only added, fields only with defaults. Events name nodes by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    RunStarted {
        number: u64,
        plan: PlanHash,
        trigger: Trigger,
        actor: Actor,
        ancestry: Vec<RunId>,
    },
    /// The run asks for a target, or goes on asking: `keeps` are the targets it will not give back
    /// before it has this one.
    TargetAsked {
        target: Target,
        keeps: Vec<Target>,
    },
    TargetGranted {
        target: Target,
    },
    /// The last stage there has ended. Also takes back a question that was never answered.
    TargetReleased {
        target: Target,
        proof: Proof,
    },
    /// The stage stands before a gate, and no attempt of it is under way.
    StageGated {
        stage: String,
        gate: Gate,
    },
    /// A person answered it.
    StageSignalled {
        stage: String,
        signal: Signal,
        actor: Actor,
        reason: String,
    },
    /// Its last try failed, and a person is asked what is to become of it.
    StageHeld {
        stage: String,
        failure: Failure,
    },
    /// A person said no, or nobody answered in time.
    StageRejected {
        stage: String,
        because: String,
    },
    /// Its `when` was false; the sentence names what was looked at.
    StageSkipped {
        stage: String,
        because: String,
    },
    AttemptStarted {
        stage: String,
        attempt: u32,
        /// The configuration, if its expressions were evaluated for this attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<Value>,
    },
    StageWaiting {
        stage: String,
        progress: Progress,
        wake: Wake,
        reason: WaitReason,
    },
    RevisionRecorded {
        stage: String,
        target: Target,
        set: ComponentSet,
    },
    AttemptFailed {
        stage: String,
        failure: Failure,
        retry_at: Elapsed,
    },
    StageStopping {
        stage: String,
        cause: StopCause,
    },
    /// While stopping, a step that came back still tells what it remembers.
    StageProgressed {
        stage: String,
        progress: Progress,
    },
    StageSucceeded {
        stage: String,
        outputs: Outputs,
    },
    StageFailed {
        stage: String,
        failure: Failure,
        tolerance: Tolerance,
    },
    StageOmitted {
        stage: String,
        because: String,
    },
    StageCancelled {
        stage: String,
        cause: StopCause,
        #[serde(default)]
        left: Option<String>,
    },
    /// Nothing new starts until it is resumed.
    RunPaused {
        actor: Actor,
        reason: String,
    },
    RunResumed {
        actor: Actor,
        reason: String,
    },
    /// Nothing new starts from here on.
    RunStopping {
        cause: RunStop,
    },
    RunEnded {
        status: RunStatus,
        warnings: u32,
    },
}

/// What stands between a stage and its attempt; passed in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Gate {
    /// Its `when` is evaluated, once in a run.
    When,
    /// It waits until its run holds the target.
    Target { target: Target },
    /// The expressions of its configuration are evaluated, once an attempt.
    Configuration,
    /// As many nodes of its matrix are under way as may be.
    Parallel,
    /// Its run is paused.
    Paused { before: Entrance },
}

/// Where a stage goes on once its run is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entrance {
    /// To the first of its gates.
    Gates,
    /// To its next attempt.
    Attempt,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluated {
    /// The condition holds.
    Holds,
    /// It does not; the sentence says what was looked at.
    Skips { because: String },
    /// The configuration, whole.
    Bound(Value),
    /// It cannot be told, which fails the stage.
    Broken(String),
}

/// What a stage remembers between steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Progress {
    Inline(Value),
    /// Too large for an event.
    Blob(BlobName),
}

/// Why an attempt, or a stage, failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub cause: Cause,
    pub message: String,
}

/// Whether a failure counts against the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    Counts,
    Tolerated,
}

/// Why a stage is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum StopCause {
    Cancel,
    Timeout,
    /// Another stage failed, and its failure ends the run.
    Abort {
        by: String,
    },
    /// The time of the whole run ran out.
    RunTimeout,
    /// Another node of its matrix failed, and its failure stops the others.
    FailFast {
        by: String,
    },
}

/// Why a whole run is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum RunStop {
    Cancel {
        actor: Actor,
        reason: String,
    },
    Abort {
        by: String,
    },
    /// The time of the whole run ran out.
    Timeout,
}

/// What started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Trigger {
    Manual,
    /// A person had an earlier run done again from its beginning.
    Rerun {
        of: Repeated,
    },
}

/// Anything that reaches a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A step the engine asked for came back.
    Stepped { call: Call, answer: Answer },
    /// An abort the engine asked for came back.
    Aborted { call: Call, answer: Result<(), StageError> },
    /// An evaluation the engine asked for came back.
    Evaluated { call: Call, answer: Evaluated },
    /// An object that a waiting stage named has changed.
    ObjectsChanged { node: NodeIndex },
    /// Time passed.
    Tick,
    /// A row that another transaction wrote for this run.
    Row(InputRow),
}

pub type Answer = Result<Step<Progress>, StageError>;

/// One call of a stage. `sequence` fences the answers of earlier calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    pub node: NodeIndex,
    pub attempt: u32,
    pub sequence: u64,
}

/// An input that outlives the process: written in the transaction of its cause, deleted in the
/// append that decides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRow {
    pub id: InputId,
    pub message: Message,
}

/// What an input row says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Message {
    Cancel { actor: Actor, reason: String },
    Pause { actor: Actor, reason: String },
    Resume { actor: Actor, reason: String },
    TargetGranted { target: Target },
    Signal { stage: String, signalled: Signalled },
}

/// An effect the engine wants. Never stored: it is recomputed from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// See [`crate::Execution::evaluation`].
    Evaluate {
        call: Call,
    },
    Step {
        call: Call,
    },
    /// The step under way is to end at its next safe point.
    Stop {
        call: Call,
    },
    Abort {
        call: Call,
    },
}

/// An input that does not fit the present state. It changes nothing and leaves no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    #[error("the run has ended as {status}; start a new one with `gennaker run`")]
    Ended { status: RunStatus },
    #[error("the answer of call {sequence} of stage `{stage}` is late and changes nothing")]
    Stale { stage: String, sequence: u64 },
    #[error("the run does not wait for target {environment}; nothing is to be done")]
    NotAsked { environment: String },
    #[error("the run is being stopped already; wait for its end")]
    Stopping,
    #[error("the run is paused already; `gennaker resume` lets it go on")]
    Paused,
    #[error("the run is not paused; there is nothing to resume")]
    NotPaused,
    #[error("there is no stage `{stage}` in this run; it has {known}")]
    NoStage { stage: String, known: String },
    #[error("stage `{stage}` does not take `{}`: {instead}", signal.word())]
    NotTaken { stage: String, signal: Signal, instead: String },
}
