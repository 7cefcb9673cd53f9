//! How often the storm reached what it is there to reach.

use engine_core::{
    event::{Event, Gate, Progress, Reply, RunStop, Signal, StopCause},
    retry::Cause,
};
use std::{collections::BTreeMap, fmt};

/// Counts by situation. One that stays at zero was not tried.
#[derive(Default)]
pub(crate) struct Reached {
    counts: BTreeMap<&'static str, u64>,
}

/// What a storm of usual length must have met.
pub(crate) const OF_RUNS: [&str; 71] = [
    "abort of a run",
    "append lands late",
    "answer lost after the write",
    "answer lost before the write",
    "attempt tried again",
    "cancel",
    "group full",
    "newer run comes",
    "superseded",
    "target preempted",
    "target refused for a ring",
    "wait for a place in a group",
    "condition",
    "crash",
    "effect",
    "expression",
    "hold",
    "matrix fails fast",
    "panic",
    "pause",
    "progress as a blob",
    "question answered",
    "revision",
    "run asked about",
    "run cleared",
    "run driven again",
    "run given up",
    "run tried alone",
    "rollback",
    "rolled back",
    "run",
    "signal",
    "stage cancelled",
    "stage omitted",
    "stage rejected",
    "stage skipped",
    "stage taken over",
    "stale item in a batch",
    "takeover from a living engine",
    "timeout",
    "timeout of a run",
    "tolerated failure",
    "wait for a target",
    "asked by a rule",
    "rules met",
    "rules unmet",
    "target yielded",
    "attempt tried again behind a rule",
    "rejected by a rule",
    "image resolved",
    "wait for others of a matrix",
    "wait for the end of a pause",
    "way back names who gave way",
    "out of date",
    "out of date: go on all the same",
    "out of date: leave it",
    "place shared in a family",
    "ring of pipelines refused",
    "run cancelled while its stage had started another",
    "run started by a later attempt",
    "run started by a run that was started",
    "run started by a stage",
    "run that nobody waits for",
    "started run cancelled",
    "started run failed",
    "started run rejected",
    "started run rolled back",
    "started run succeeded",
    "stopped with its parent",
    "target shared in a family",
    "withdrawn",
];

/// And one of the inbox.
pub(crate) const OF_INBOX: [&str; 8] = [
    "a broken file is looked at again",
    "a delivery is looked at again",
    "a lost answer is asked for again",
    "a post is not acknowledged",
    "a post is repeated",
    "a push is found",
    "the inbox dies",
    "two bodies have one name",
];

impl Reached {
    pub(crate) fn count(&mut self, situation: &'static str, times: u64) {
        *self.counts.entry(situation).or_default() += times;
    }

    pub(crate) fn missing(&self, of: &[&'static str]) -> Vec<&'static str> {
        of.iter().filter(|situation| !self.counts.contains_key(*situation)).copied().collect()
    }

    pub(crate) fn read(&mut self, event: &Event) {
        use engine_core::event::Tolerance;
        let situation = match event {
            Event::RunStarted { .. } => "run",
            Event::RevisionRecorded { .. } => "revision",
            Event::ImageResolved { .. } => "image resolved",
            Event::StageGated { gate: Gate::Target { .. }, .. } => "wait for a target",
            Event::StageGated { gate: Gate::When, .. } => "condition",
            Event::StageGated { gate: Gate::Configuration, .. } => "expression",
            Event::RollbackStarted { .. } => "rollback",
            Event::StageRolledBack { .. } => "rolled back",
            Event::StageSkipped { .. } => "stage skipped",
            Event::StageTakenOver { .. } => "stage taken over",
            Event::StageHeld { .. } => "hold",
            Event::StageRejected { .. } => "stage rejected",
            Event::StageSignalled { signal: Signal::Yes | Signal::No, .. } => "question answered",
            Event::StageSignalled { .. } => "signal",
            Event::AttemptFailed { .. } => "attempt tried again",
            Event::StageStopping { cause: StopCause::Timeout, .. } => "timeout",
            Event::StageWaiting { progress: Progress::Blob(_), .. } => "progress as a blob",
            Event::StageFailed { failure, .. } if failure.cause == Cause::Defect => "panic",
            Event::StageFailed { tolerance: Tolerance::Tolerated, .. } => "tolerated failure",
            Event::StageOmitted { .. } => "stage omitted",
            Event::StageCancelled { cause: StopCause::FailFast { .. }, .. } => "matrix fails fast",
            Event::StageCancelled { .. } => "stage cancelled",
            Event::RunPaused { .. } => "pause",
            Event::StageGated { gate: Gate::Parallel, .. } => "wait for others of a matrix",
            Event::StageGated { gate: Gate::Paused { .. }, .. } => "wait for the end of a pause",
            Event::RunStopping { cause: RunStop::Abort { .. } } => "abort of a run",
            Event::SlotAsked { .. } => "wait for a place in a group",
            Event::SuccessorCame { .. } => "newer run comes",
            Event::TargetRefused { .. } => "target refused for a ring",
            Event::TargetPreempted { .. } => "target preempted",
            Event::RunStopping { cause: RunStop::Superseded { .. } } => "superseded",
            Event::RunStopping { cause: RunStop::Withdrawn { .. } } => "withdrawn",
            Event::RunStopping { cause: RunStop::GroupFull { .. } } => "group full",
            Event::RunStopping { cause: RunStop::Cancel { .. } } => "cancel",
            Event::RunStopping { cause: RunStop::Timeout } => "timeout of a run",
            other => return self.read_trial(other),
        };
        self.count(situation, 1);
    }

    /// What came of a run with which the engine died, and of rules.
    fn read_trial(&mut self, event: &Event) {
        let situation = match event {
            Event::StageGated { gate: Gate::Asked { .. }, .. } => "asked by a rule",
            Event::StageGated { gate: Gate::Unmet { .. }, .. } => "rules unmet",
            Event::TargetYielded { .. } => "target yielded",
            Event::RulesMet { .. } => "rules met",
            Event::RunTriedAlone => "run tried alone",
            Event::RunCleared => "run cleared",
            Event::RunQuestioned { .. } => "run asked about",
            Event::RunAnswered { reply: Reply::Yes, .. } => "run driven again",
            Event::RunAnswered { reply: Reply::No, .. } => "run given up",
            _ => return,
        };
        self.count(situation, 1);
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "reached:")?;
        for (situation, times) in &self.counts {
            writeln!(formatter, "{times:>9}  {situation}")?;
        }
        Ok(())
    }
}
