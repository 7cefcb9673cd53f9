//! `recover`: drives what is unfinished until all has ended.

use crate::{arguments::Common, clusters, exit::Exit, screen, source::Source, state, watch};
use engine_core::id::RunId;
use std::collections::BTreeMap;

pub(crate) async fn recover(common: &Common, is_watched: bool) -> anyhow::Result<Exit> {
    let reach = clusters::reach(common).await?;
    let hosted = state::host(common, reach.clone()).await?;
    let (engine, reader) = (&hosted.engine, hosted.engine.reader());
    let head = reader.head().await?;
    let mut runs: BTreeMap<RunId, String> = BTreeMap::new();
    for gate in reader.unfinished().await? {
        runs.insert(gate.summary.run, gate.summary.label());
    }
    if runs.is_empty() {
        screen::say("nothing is unfinished");
    } else if let Some(reason) = reach.missing() {
        screen::say(&format!("stages that act on a cluster will wait: {reason}"));
    }
    let interrupted = tokio::select! {
        ended = reader.all_ended(), if !is_watched => { ended?; false }
        told = watch::follow(Source::Store(reader.clone()), Some(head), &runs), if is_watched => { told?; false }
        error = engine.failed() => return Err(error.into()),
        signal = tokio::signal::ctrl_c() => { signal?; true }
    };
    let mut exit = Exit::Success;
    for (run, label) in &runs {
        let summary = reader.summary(*run).await?;
        screen::say(&format!("{label} {}", summary.status));
        exit = exit.max(Exit::from(summary.status));
    }
    hosted.leave().await?;
    Ok(if interrupted { Exit::Interrupted } else { exit })
}
