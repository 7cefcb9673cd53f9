//! One line a change.

use crate::screen;
use engine_core::{
    event::{Event, RunStop, Tolerance},
    store::LogRow,
    view::RunView,
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
    pub(super) fn row(&mut self, label: &str, row: &LogRow) {
        let at = wording::instant(row.now.civil);
        for event in &row.events {
            match event {
                Event::StageWaiting { stage, reason, .. } => {
                    self.wait((label, stage), &reason.detail, &at);
                }
                other => {
                    if let Some(line) = words(other) {
                        screen::say(&format!("{at} {label} {line}"));
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
        screen::say(&format!("{at} {label} {stage}: {detail}"));
        self.waits.insert(key, detail.to_owned());
    }
}

/// One event as people would say it; nothing for what only the engine needs, and for waits, which
/// are told when they last.
fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted { actor, .. } => format!("started by {}", actor.name),
        Event::AttemptStarted { stage, attempt: 1, .. } => format!("{stage}: running"),
        Event::AttemptStarted { stage, attempt, .. } => {
            format!("{stage}: running, attempt {attempt}")
        }
        Event::AttemptFailed { stage, failure, .. } => {
            format!("{stage}: will be tried again: {}", failure.message)
        }
        Event::StageStopping { stage, .. } => format!("{stage}: stopping"),
        Event::StageSucceeded { stage, .. } => format!("{stage}: succeeded"),
        Event::StageFailed { stage, failure, tolerance: Tolerance::Counts } => {
            format!("{stage}: failed: {}", failure.message)
        }
        Event::StageFailed { stage, failure, tolerance: Tolerance::Tolerated } => {
            format!("{stage}: failed, tolerated: {}", failure.message)
        }
        Event::StageSkipped { stage, because } => format!("{stage}: skipped: {because}"),
        Event::StageOmitted { stage, because } => format!("{stage}: omitted: {because}"),
        Event::StageCancelled { stage, .. } => format!("{stage}: cancelled"),
        Event::RunStopping { cause: RunStop::Cancel { actor, .. } } => {
            format!("is being cancelled by {}", actor.name)
        }
        Event::RunStopping { cause: RunStop::Abort { by } } => format!("is aborted by {by}"),
        Event::RunEnded { status, warnings: 0 } => format!("ended: {status}"),
        Event::RunEnded { status, warnings } => format!("ended: {status}, {warnings} warnings"),
        Event::StageWaiting { .. }
        | Event::StageGated { .. }
        | Event::TargetAsked { .. }
        | Event::TargetGranted { .. }
        | Event::TargetReleased { .. }
        | Event::RevisionRecorded { .. }
        | Event::StageProgressed { .. } => return None,
    })
}
