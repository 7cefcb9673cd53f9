//! `get runs --watch`: the list, and then each run again when it stands otherwise.

use super::{Which, listed};
use crate::{arguments::Output, exit::Exit, source::Source};
use engine_core::{id::RunId, view::RunItem};
use std::{collections::BTreeMap, time::Duration};

/// However much happens, the list is not read more often.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn runs(
    source: Source,
    (asked, output): (&Which, Output),
    first: Vec<RunItem>,
) -> anyhow::Result<Exit> {
    tokio::select! {
        ended = changes(source, (asked, output), first) => ended,
        left = tokio::signal::ctrl_c() => {
            left?;
            Ok(Exit::Interrupted)
        }
    }
}

async fn changes(
    mut source: Source,
    (asked, output): (&Which, Output),
    first: Vec<RunItem>,
) -> anyhow::Result<Exit> {
    let mut known: BTreeMap<RunId, RunItem> = BTreeMap::new();
    if let Output::Table | Output::Wide = output {
        // Nobody knows how long the names will be that are still to come.
        println!("{:<32}  {:<12}  {:<24}  RUN", "PIPELINE", "STATUS", "STARTED");
        first.iter().for_each(|run| println!("{}", line(run)));
        known.extend(first.into_iter().map(|run| (run.id, run)));
    }
    loop {
        let mut following = source.follow_all().await?;
        let gone = loop {
            // What happened before the stream began is in the list by now.
            match listed(&source, asked).await {
                Ok(runs) => tell(output, runs, &mut known)?,
                Err(error) => break error,
            }
            if let Err(error) = following.next().await {
                break error;
            }
            tokio::time::sleep(PAUSE).await;
        };
        source = source.again(gone).await?;
    }
}

/// Those that stand otherwise than before, oldest first.
fn tell(
    output: Output,
    runs: Vec<RunItem>,
    known: &mut BTreeMap<RunId, RunItem>,
) -> anyhow::Result<()> {
    for run in runs.into_iter().rev() {
        if known.get(&run.id) == Some(&run) {
            continue;
        }
        match output {
            Output::Table | Output::Wide => println!("{}", line(&run)),
            Output::Json => println!("{}", serde_json::to_string(&run)?),
            Output::Yaml => print!("---\n{}", serde_saphyr::to_string(&run)?),
            Output::Name => println!("{}", run.label()),
        }
        known.insert(run.id, run);
    }
    Ok(())
}

fn line(run: &RunItem) -> String {
    let RunItem { id, status, started_at, .. } = run;
    format!("{:<32}  {:<12}  {started_at:<24}  {id}", run.label(), status.word())
}
