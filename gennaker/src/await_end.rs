//! `watch` and `wait`: until a run has ended, whoever drives it.

use crate::{arguments::Common, exit::Exit, run, screen, state, watch};
use engine_core::language::Duration;
use engine_runtime::reader::Reader;
use std::collections::BTreeMap;

pub(crate) async fn watch(common: &Common, named: &str) -> anyhow::Result<Exit> {
    let reader = state::reader(common).await?;
    let summary = reader.named(named).await?;
    let runs = BTreeMap::from([(summary.run, summary.label())]);
    tokio::select! {
        followed = watch::follow(&reader, Default::default(), &runs) => followed?,
        left = tokio::signal::ctrl_c() => {
            left?;
            return Ok(Exit::Interrupted);
        }
    }
    ended(&reader, &runs).await
}

pub(crate) async fn wait(
    common: &Common,
    named: &str,
    timeout: Option<Duration>,
) -> anyhow::Result<Exit> {
    let reader = state::reader(common).await?;
    let summary = reader.named(named).await?;
    let runs = BTreeMap::from([(summary.run, summary.label())]);
    let waited = run::wait(&reader, &runs);
    match timeout {
        None => waited.await?,
        Some(limit) => match tokio::time::timeout(limit.get(), waited).await {
            Ok(waited) => waited?,
            Err(_) => {
                let status = reader.summary(summary.run).await?.status;
                screen::say(&format!("{} is {status} after {limit}", summary.label()));
                return Ok(Exit::Unsuccessful);
            }
        },
    }
    ended(&reader, &runs).await
}

async fn ended(
    reader: &Reader,
    runs: &BTreeMap<engine_core::id::RunId, String>,
) -> anyhow::Result<Exit> {
    let mut exit = Exit::Success;
    for (run, label) in runs {
        let status = reader.summary(*run).await?.status;
        screen::say(&format!("{label} has ended: {status}"));
        exit = exit.max(Exit::from(status));
    }
    Ok(exit)
}
