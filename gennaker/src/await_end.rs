//! `watch` and `wait`: until a run has ended, whoever drives it.

use crate::{arguments::Common, exit::Exit, screen, source::Source, watch};
use engine_core::{
    event::Event,
    id::{Position, RunId},
    language::Duration,
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) async fn watch(common: &Common, named: &str) -> anyhow::Result<Exit> {
    let mut source = Source::find(common).await?;
    let runs = named_run(&mut source, named).await?;
    tokio::select! {
        followed = watch::follow(source.clone(), Some(Position(0)), &runs) => followed?,
        left = tokio::signal::ctrl_c() => {
            left?;
            return Ok(Exit::Interrupted);
        }
    }
    ended(source, &runs).await
}

pub(crate) async fn wait(
    common: &Common,
    named: &str,
    timeout: Option<Duration>,
) -> anyhow::Result<Exit> {
    let mut source = Source::find(common).await?;
    let runs = named_run(&mut source, named).await?;
    let waited = screen::slowly("waiting for the end", until_ended(source.clone(), &runs));
    match timeout {
        None => waited.await?,
        Some(limit) => match tokio::time::timeout(limit.get(), waited).await {
            Ok(waited) => waited?,
            Err(_) => {
                for (run, label) in &runs {
                    let status = source.seen(&run.to_string()).await?.status;
                    screen::say(&format!("{label} is {status} after {limit}"));
                }
                return Ok(Exit::Unsuccessful);
            }
        },
    }
    ended(source, &runs).await
}

async fn named_run(source: &mut Source, named: &str) -> anyhow::Result<BTreeMap<RunId, String>> {
    let view = source.seen(named).await?;
    Ok(BTreeMap::from([(view.id.parse()?, view.label())]))
}

/// Answers when all of these have ended. Another engine, or the store, is asked when the one that
/// was asked has left.
pub(crate) async fn until_ended(
    mut source: Source,
    runs: &BTreeMap<RunId, String>,
) -> anyhow::Result<()> {
    let mut left: BTreeSet<RunId> = runs.keys().copied().collect();
    while !left.is_empty() {
        if let Err(gone) = until_gone(&source, &mut left).await {
            source = source.again(gone).await?;
        }
    }
    Ok(())
}

async fn until_gone(source: &Source, left: &mut BTreeSet<RunId>) -> anyhow::Result<()> {
    // What happens from here on is told; what has happened is looked at.
    let mut following = source.follow(left.clone(), None).await?;
    for run in left.clone() {
        if source.view(&run.to_string()).await?.status.has_ended() {
            left.remove(&run);
        }
    }
    while !left.is_empty() {
        for row in following.next().await? {
            if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
                left.remove(&row.run);
            }
        }
    }
    Ok(())
}

async fn ended(mut source: Source, runs: &BTreeMap<RunId, String>) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for (run, label) in runs {
        let view = source.seen(&run.to_string()).await?;
        screen::say(&format!("{label} has ended: {}", view.status));
        exit = exit.max(Exit::from(view.status));
    }
    Ok(exit)
}
