//! One line a change.

use crate::screen;
use engine_core::{
    event::{Event, Reply, RunStop, Tolerance},
    view::{RowView, RunView, held_words, question_words, turn_words},
    wording,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Remembers what was said of each stage's wait, so that it is said once.
#[derive(Default)]
pub(super) struct Lines {
    waits: BTreeMap<(String, String), String>,
}

impl Lines {
    /// Tells a row of the log.
    pub(super) fn row(&mut self, label: &str, row: &RowView) {
        let at = &row.at;
        for event in &row.events {
            match event {
                Event::StageWaiting { stage, reason, .. } => {
                    self.wait((label, stage), &reason.detail, at);
                }
                Event::StageHeld { stage, failure } => {
                    self.wait((label, stage), &held_words(failure), at);
                }
                Event::RunSuspected { unclean_ends } => {
                    self.wait((label, ""), &turn_words(*unclean_ends), at);
                }
                Event::RunQuestioned { unclean_ends, stages } => {
                    let words = question_words(label, (*unclean_ends, stages));
                    self.wait((label, ""), &words, at);
                }
                other => {
                    if let Some((stage, words)) = stage_words(other) {
                        // What it waits for next is news, even if it is the same again.
                        self.waits.remove(&(label.to_owned(), stage.to_owned()));
                        screen::say(&format!("{at} {label} {stage}: {words}"));
                    } else if let Some(words) = run_words(other) {
                        screen::say(&format!("{at} {label} {words}"));
                    }
                }
            }
        }
    }

    /// Tells what stages wait for, where it has changed.
    pub(super) fn look(&mut self, views: &[RunView], now: Timestamp) {
        let at = format!("{now:.3}");
        for view in views {
            let label = format!("{}#{}", view.pipeline, view.number);
            if let Some(waiting) = &view.waiting {
                self.wait((&label, ""), &waiting.detail, &at);
            }
            for (id, stage) in &view.stages {
                if let Some(waiting) = &stage.waiting {
                    self.wait((&label, id), &waiting.detail, &at);
                }
            }
        }
    }

    fn wait(&mut self, (label, stage): (&str, &str), detail: &str, at: &str) {
        let key = (label.to_owned(), stage.to_owned());
        if self.waits.get(&key).is_some_and(|told| told == detail) {
            return;
        }
        let whose = if stage.is_empty() { String::new() } else { format!("{stage}: ") };
        screen::say(&format!("{at} {label} {whose}{detail}"));
        self.waits.insert(key, detail.to_owned());
    }
}

/// An event of a run as people would say it.
fn run_words(event: &Event) -> Option<String> {
    if let Event::RunStarted { actor, .. } = event {
        return Some(format!("started by {}", actor.name));
    }
    if let Event::RunPaused { actor, .. } = event {
        return Some(format!("paused by {}", actor.name));
    }
    if let Event::RunResumed { actor, .. } = event {
        return Some(format!("resumed by {}", actor.name));
    }
    if let Some(words) = trial_words(event).or_else(|| claim_words(event)) {
        return Some(words);
    }
    if let Event::RunStopping { cause } = event {
        return Some(match cause {
            RunStop::Cancel { actor, .. } => format!("is being cancelled by {}", actor.name),
            RunStop::Abort { by } => format!("is aborted by {by}"),
            RunStop::Timeout => "is stopped: its time ran out".to_owned(),
            RunStop::Superseded { by } => format!("is superseded by {by}"),
            RunStop::Withdrawn { because } => format!("is cancelled: {because}"),
            RunStop::GroupFull { by } => wording::full_words(by),
            RunStop::Ring { because } => because.clone(),
            RunStop::Parent { by } => format!("is cancelled with {by}"),
            RunStop::Poison { unclean_ends, by, .. } => {
                format!("is ended: {}", wording::poison_words(*unclean_ends, by))
            }
        });
    }
    let Event::RunEnded { status, warnings } = event else { return None };
    Some(match warnings {
        0 => format!("ended: {status}"),
        warnings => format!("ended: {status}, {warnings} warnings"),
    })
}

/// What is told of what a run shares with others.
fn claim_words(event: &Event) -> Option<String> {
    if let Event::SlotAsked { slot, .. } = event {
        return Some(format!("asks for a place in group {}", slot.group));
    }
    if let Event::TargetPreempted { target, by } = event {
        return Some(format!("gives {} up to {by}", target.environment));
    }
    if let Event::TargetTakenBack { target, from } = event {
        return Some(wording::taken_back_words(&target.environment, from));
    }
    let Event::SuccessorCame { by } = event else { return None };
    Some(format!("gives way to {by} once it only waits and holds no target"))
}

/// What is told of a run with which the engine died, but for its waits, which are told by
/// themselves.
fn trial_words(event: &Event) -> Option<String> {
    if let Event::RunTriedAlone = event {
        return Some("is driven by itself".to_owned());
    }
    if let Event::RunCleared = event {
        return Some("goes on as before: its stages have answered".to_owned());
    }
    let Event::RunAnswered { reply, actor, .. } = event else { return None };
    Some(match reply {
        Reply::Yes => format!("{} says yes, drive it again", actor.name),
        Reply::No => format!("{} says no, end it", actor.name),
    })
}

/// An event of a stage as people would say it; nothing for what only the engine needs, and for
/// waits, which are told by themselves.
#[expect(clippy::too_many_lines, reason = "one arm an event")]
fn stage_words(event: &Event) -> Option<(&str, String)> {
    Some(match event {
        Event::AttemptStarted { stage, attempt: 1, .. } => (stage, "running".to_owned()),
        Event::AttemptStarted { stage, attempt, .. } => {
            (stage, format!("running, attempt {attempt}"))
        }
        Event::AttemptFailed { stage, failure, .. } => {
            (stage, format!("will be tried again: {}", failure.message))
        }
        Event::StageSignalled { stage, signal, actor, reason, inputs, .. } => {
            let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            let inputs: String =
                inputs.iter().map(|(id, value)| format!(" {id}={value}")).collect();
            (stage, format!("{} says {}{inputs}{reason}", actor.name, signal.word()))
        }
        Event::StageStopping { stage, .. } => (stage, "stopping".to_owned()),
        Event::StageSucceeded { stage, .. } => (stage, "succeeded".to_owned()),
        Event::StageTakenOver { stage, from } => {
            (stage, format!("succeeded, taken over from #{}", from.number))
        }
        Event::StageFailed { stage, failure, tolerance: Tolerance::Counts } => {
            (stage, format!("failed: {}", failure.message))
        }
        Event::StageFailed { stage, failure, tolerance: Tolerance::Tolerated } => {
            (stage, format!("failed, tolerated: {}", failure.message))
        }
        Event::RollbackStarted { stage, failure, .. } => {
            (stage, format!("rolling back: {}", failure.message))
        }
        Event::StageRolledBack { stage, failure } => {
            (stage, format!("rolled back after: {}", failure.message))
        }
        Event::StageRejected { stage, because } => (stage, format!("rejected: {because}")),
        Event::StageSkipped { stage, because } => (stage, format!("skipped: {because}")),
        Event::StageOmitted { stage, because } => (stage, format!("omitted: {because}")),
        Event::StageCancelled { stage, .. } => (stage, "cancelled".to_owned()),
        Event::RunStarted { .. }
        | Event::StageOffered { .. }
        | Event::StageWaiting { .. }
        | Event::StageGated { .. }
        | Event::RulesMet { .. }
        | Event::StageHeld { .. }
        | Event::TargetAsked { .. }
        | Event::TargetGranted { .. }
        | Event::TargetRefused { .. }
        | Event::TargetPreempted { .. }
        | Event::TargetTakenBack { .. }
        | Event::SlotAsked { .. }
        | Event::SlotGranted { .. }
        | Event::SlotReleased { .. }
        | Event::SuccessorCame { .. }
        | Event::ParentTold { .. }
        | Event::TargetYielded { .. }
        | Event::TargetReleased { .. }
        | Event::RevisionRecorded { .. }
        | Event::ImageResolved { .. }
        | Event::StageProgressed { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunSuspected { .. }
        | Event::RunTriedAlone
        | Event::RunCleared
        | Event::RunQuestioned { .. }
        | Event::RunAnswered { .. }
        | Event::RunStopping { .. }
        | Event::RunEnded { .. } => return None,
    })
}
