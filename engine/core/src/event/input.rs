//! What reaches a run, what it wants done, and why it takes something not.

use super::{Actor, Force, Progress, Reply, Signal, Signalled};
use crate::{
    admission::Link,
    id::{InputId, PlanHash, RunId},
    plan::NodeIndex,
    platform::Verdict,
    revision::{Slot, Target},
    stage::{StageError, Step},
    status::{RunStatus, StageStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Anything that reaches a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A step the engine asked for came back.
    Stepped { call: Call, answer: Answer },
    /// An abort the engine asked for came back.
    Aborted { call: Call, answer: Result<(), StageError> },
    /// An evaluation the engine asked for came back.
    Evaluated { call: Call, answer: Evaluated },
    /// What the rules of a stage's environment say, by the platform's file of just now.
    Judged { call: Call, verdict: Verdict },
    /// An object that a waiting stage named has changed.
    ObjectsChanged { node: NodeIndex },
    /// Time passed.
    Tick,
    /// The engine finds the run in its store: as many unclean ends met it since its last append.
    Found { unclean_ends: u32 },
    /// It is its turn to be driven by itself.
    Turn,
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
    Cancel {
        actor: Actor,
        reason: String,
        #[serde(default)]
        force: Force,
    },
    Pause {
        actor: Actor,
        reason: String,
    },
    Resume {
        actor: Actor,
        reason: String,
    },
    /// To the question of the whole run.
    Answer {
        reply: Reply,
        actor: Actor,
        reason: String,
    },
    TargetGranted {
        target: Target,
    },
    /// To wait for the target would close this ring.
    TargetRefused {
        target: Target,
        ring: Vec<Link<String>>,
    },
    /// A way back of this name wants the target.
    Preempted {
        target: Target,
        by: String,
    },
    /// This run is a way back, and these are told to give the target up.
    TakesBack {
        target: Target,
        from: Vec<String>,
    },
    SlotGranted {
        slot: Slot,
    },
    SlotRefused {
        slot: Slot,
        because: TurnedAway,
    },
    /// The run has a place in its group, and among the runs of its application.
    RoomGranted,
    /// To wait for a place among the runs of its application would close this ring.
    RoomRefused {
        ring: Vec<Link<String>>,
    },
    /// A newer run of the group has come.
    Superseded {
        by: String,
        urgency: Urgency,
    },
    /// What it was started by is there no more: it ends unless a stage of it has begun.
    Withdrawn {
        because: String,
    },
    /// The run that started this one needs it no more.
    ParentEnded {
        by: String,
    },
    /// A run that a stage of this one waits for has ended.
    ChildEnded {
        stage: String,
    },
    Signal {
        stage: String,
        signalled: Signalled,
    },
}

/// Why a run gets no place in its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum TurnedAway {
    /// These are in it, and the run is not to wait.
    Full { by: Vec<String> },
    /// To wait would close this ring.
    Ring { ring: Vec<Link<String>> },
}

/// When an older run gives way to a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Urgency {
    /// As soon as it only waits and holds no target.
    WhenIdle,
    /// Now; a way back is finished first.
    AtOnce,
}

/// An effect the engine wants. Never stored: it is recomputed from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// See [`crate::Execution::evaluation`].
    Evaluate {
        call: Call,
    },
    /// See [`crate::Execution::case`].
    Judge {
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
    #[error("the run does not wait for a place in group `{group}`; nothing is to be done")]
    NotQueued { group: String },
    #[error("the run does not hold target {environment}; nothing is to be done")]
    NotHeld { environment: String },
    #[error("a stage of the run has begun, and it goes on as it was pinned")]
    Begun,
    #[error("the run has no parent that waits for it")]
    NoParent,
    #[error("stage `{stage}` waits for no run")]
    NoChild { stage: String },
    #[error("the run is being stopped already; wait for its end")]
    Stopping,
    #[error(
        "`{stage}` takes its environment back, which is not left half-way; wait, or force the cancel"
    )]
    RollingBack { stage: String },
    #[error("the run is paused already; `gennaker resume` lets it go on")]
    Paused,
    #[error("the run is not paused; there is nothing to resume")]
    NotPaused,
    #[error("the run asks nothing that is answered by yes or no; `gennaker why` says what it does")]
    NoQuestion,
    #[error("there is no stage `{stage}` in this run; it has {known}")]
    NoStage { stage: String, known: String },
    #[error("stage `{stage}` does not take `{}`: {instead}", signal.word())]
    NotTaken { stage: String, signal: Signal, instead: String },
    #[error("`{}` takes no inputs; only `approve` does", signal.word())]
    NoInputs { signal: Signal },
    #[error(
        "the answer is to attempt {seen} of stage `{stage}`, which is at attempt {now} and {status} \
        now; `gennaker why {run} {stage}` says what it asks"
    )]
    AttemptPassed { run: String, stage: String, seen: u32, now: u32, status: StageStatus },
    #[error("the answer is to run {seen}, and this is {run}, another one; look at it first")]
    OtherRun { run: String, seen: RunId },
    #[error(
        "the answer is to plan {}, and {run} has plan {}; look at it first",
        seen.short(),
        now.short()
    )]
    OtherPlan { run: String, seen: PlanHash, now: PlanHash },
}
