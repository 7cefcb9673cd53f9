//! What is said while things happen: one line a change, on stderr.

use engine_core::{
    event::{Event, RunStop, Tolerance},
    id::{Position, RunId},
    store::LogRow,
    wording,
};
use engine_runtime::reader::Reader;
use std::collections::{BTreeMap, BTreeSet};
use tracing_subscriber::EnvFilter;

/// Warnings of the engine, or what `GENNAKER_LOG` asks for.
pub(crate) fn to_stderr() {
    let filter = EnvFilter::try_from_env("GENNAKER_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let is_plain = std::env::var_os("NO_COLOR").is_some();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!is_plain)
        .init();
}

/// Follows the feed from `position` and tells each change of `runs`, until all have ended.
pub(crate) async fn changes(
    reader: &Reader,
    mut position: Position,
    runs: &BTreeMap<RunId, String>,
) -> anyhow::Result<()> {
    let mut left: BTreeSet<RunId> = runs.keys().copied().collect();
    while !left.is_empty() {
        for row in reader.follow(position).await? {
            position = row.position;
            if let Some(label) = runs.get(&row.run) {
                tell(label, &row);
            }
            if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
                left.remove(&row.run);
            }
        }
    }
    Ok(())
}

/// Tells what was written after `position`, once.
pub(crate) fn tell(label: &str, row: &LogRow) {
    let at = wording::instant(row.now.civil);
    for line in row.events.iter().filter_map(words) {
        eprintln!("{at} {label} {line}");
    }
}

/// One event as people would say it; nothing for what only the engine needs.
fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted { actor, .. } => format!("started by {}", actor.name),
        Event::StageGated { stage, target } => {
            format!("{stage}: waits for its turn in {}", target.environment)
        }
        Event::AttemptStarted { stage, attempt: 1 } => format!("{stage}: running"),
        Event::AttemptStarted { stage, attempt } => format!("{stage}: running, attempt {attempt}"),
        Event::StageWaiting { stage, reason, .. } => format!("{stage}: {}", reason.detail),
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
        Event::StageOmitted { stage, because } => format!("{stage}: omitted: {because}"),
        Event::StageCancelled { stage, .. } => format!("{stage}: cancelled"),
        Event::RunStopping { cause: RunStop::Cancel { actor, .. } } => {
            format!("is being cancelled by {}", actor.name)
        }
        Event::RunStopping { cause: RunStop::Abort { by } } => format!("is aborted by {by}"),
        Event::RunEnded { status, warnings: 0 } => format!("ended: {status}"),
        Event::RunEnded { status, warnings } => format!("ended: {status}, {warnings} warnings"),
        Event::TargetAsked { .. }
        | Event::TargetGranted { .. }
        | Event::TargetReleased { .. }
        | Event::RevisionRecorded { .. }
        | Event::StageProgressed { .. } => return None,
    })
}
