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
    /// The stage's needs are met and it stands before its gates.
    StageGated {
        stage: String,
        target: Target,
    },
    AttemptStarted {
        stage: String,
        attempt: u32,
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
    /// Nothing new starts from here on.
    RunStopping {
        cause: RunStop,
    },
    RunEnded {
        status: RunStatus,
        warnings: u32,
    },
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
}

/// Why a whole run is being stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum RunStop {
    Cancel { actor: Actor, reason: String },
    Abort { by: String },
}

/// What started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Trigger {
    Manual,
}

/// Who acts, and by which way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub name: String,
    pub way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    CommandLine,
    Engine,
}

/// Anything that reaches a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A step the engine asked for came back.
    Stepped { call: Call, answer: Answer },
    /// An abort the engine asked for came back.
    Aborted { call: Call, answer: Result<(), StageError> },
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
    TargetGranted { target: Target },
}

/// An effect the engine wants. Never stored: it is recomputed from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
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
}
