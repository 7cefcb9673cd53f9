//! The words of the machine: inputs come in, events are recorded, commands go out.

mod input;
mod stop;
mod trigger;

pub use input::{
    Answer, Call, Command, Evaluated, Input, InputRow, Message, Rejected, TurnedAway, Urgency,
};

pub use stop::{RunStop, StopCause};
pub use trigger::{Fired, Parent, Trigger};

use crate::{
    admission::{Limit, Standing, Strategy},
    clock::{Civil, Elapsed},
    id::{BlobName, PlanHash, Resource, RunId},
    retry::Cause,
    revision::{ComponentSet, Proof, Slot, Target},
    stage::{Outputs, WaitReason, Wake},
    status::RunStatus,
};
pub use crate::{
    person::{Actor, Force, Reply, RunAct, Seen, Signal, Signalled, Way},
    repeat::{Left, Offer, Repeated},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
    },
    /// The run asks for a place in its group; nothing starts before it has one.
    SlotAsked {
        slot: Slot,
        strategy: Strategy,
        standing: Standing,
        /// What its family will not give back before it has ended.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keeps: Vec<Resource>,
    },
    SlotGranted {
        slot: Slot,
    },
    SlotReleased {
        slot: Slot,
        /// Whether it has, or asks for, a place among the runs of its application as well.
        #[serde(default, skip_serializing_if = "Limit::is_unlimited")]
        room: Limit,
    },
    /// A newer run of its group has come: this one ends once it only waits and holds no target.
    SuccessorCame {
        by: String,
    },
    /// What an earlier run has left for the stage; see [`crate::execution`]'s `takeover`.
    StageOffered {
        stage: String,
        from: Repeated,
        left: Left,
    },
    /// It has what the earlier run left, and is not run.
    StageTakenOver {
        stage: String,
        from: Repeated,
    },
    /// The run asks for a target, or goes on asking: `keeps` are the targets it will not give back
    /// before it has this one, if it has them, and `beside` what else it or its family keeps.
    TargetAsked {
        target: Target,
        keeps: Vec<Target>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        beside: Vec<Resource>,
        #[serde(default)]
        standing: Standing,
    },
    TargetGranted {
        target: Target,
    },
    /// To wait for it would be to wait for ever.
    TargetRefused {
        target: Target,
        because: String,
    },
    /// A person takes the target back: the run's stages there end.
    TargetPreempted {
        target: Target,
        by: String,
    },
    /// This run is a person's way back: these give the target up for it.
    TargetTakenBack {
        target: Target,
        from: Vec<String>,
    },
    /// Whatever the run still has to do there waits for what a rule asks: others go first, and it asks
    /// again. Proves nothing.
    TargetYielded {
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
    /// The rules of its environment are met, and how: it may act.
    RulesMet {
        stage: String,
        by: Vec<String>,
    },
    /// A person answered it.
    StageSignalled {
        stage: String,
        signal: Signal,
        actor: Actor,
        reason: String,
        #[serde(default, skip_serializing_if = "Seen::is_nothing")]
        seen: Seen,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, Value>,
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
    /// For this run an image reference stands for this image, whatever becomes of its tag.
    ImageResolved {
        reference: String,
        resolved: String,
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
    /// Its last try failed, and its environment goes back to what was good there; this is one more
    /// attempt of the stage.
    RollbackStarted {
        stage: String,
        attempt: u32,
        failure: Failure,
    },
    /// What its run had changed in its environment is back.
    StageRolledBack {
        stage: String,
        failure: Failure,
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
    /// As many unclean ends of the engine, one after the other, met it with something due: it is to
    /// be driven by itself, and nothing of it is called before.
    RunSuspected {
        unclean_ends: u32,
    },
    /// It is driven by itself. If this stands when the engine dies, the run becomes a question.
    RunTriedAlone,
    /// All calls that were due then have come back.
    RunCleared,
    /// The engine died while it drove the run by itself: a person is asked.
    RunQuestioned {
        unclean_ends: u32,
        /// Those that were driven.
        stages: Vec<String>,
    },
    /// A person answered the question of the whole run.
    RunAnswered {
        reply: Reply,
        actor: Actor,
        reason: String,
    },
    /// Nothing new starts from here on.
    RunStopping {
        cause: RunStop,
    },
    /// The parent's stage, which waits for it, hears of the run's end.
    ParentTold {
        run: RunId,
        stage: String,
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
    /// The rules of its environment are looked at, before each attempt.
    Rules,
    /// They want people to say yes.
    Asked { detail: String },
    /// A freeze holds it, until this instant as far as can be told.
    Frozen {
        detail: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<Civil>,
    },
    /// An attempt has found that what they want is not there yet, before it did anything: it begins
    /// anew when that may be so no more.
    Unmet { detail: String },
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
