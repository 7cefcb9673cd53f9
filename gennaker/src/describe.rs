//! `describe run`: one run, whole.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    screen::Paint,
    state,
    watch::tree,
};
use anyhow::bail;
use engine_core::{
    store::{RunFilter, Summary},
    view::RunView,
};
use engine_runtime::reader::Reader;

pub(crate) async fn run(common: &Common, named: &str, output: Output) -> anyhow::Result<Exit> {
    let reader = state::reader(common).await?;
    let summary = find(&reader, named).await?;
    let view = reader.view(summary.run).await?;
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&view)?),
        Output::Table => show(&view),
    }
    Ok(Exit::Success)
}

/// The run that a person means: `latest`, `checkout#12`, or an id, whole or in part.
async fn find(reader: &Reader, named: &str) -> anyhow::Result<Summary> {
    let runs = reader.runs(RunFilter::default()).await?;
    if named == "latest" {
        return runs.into_iter().next().ok_or_else(|| anyhow::anyhow!("there are no runs yet"));
    }
    let is_meant = |run: &Summary| {
        let id = run.run.to_string();
        run.label() == named || (named.len() >= 4 && (id.starts_with(named) || id.ends_with(named)))
    };
    let mut found: Vec<Summary> = runs.into_iter().filter(is_meant).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => bail!("no run is `{named}`: `gennaker get runs` lists them"),
        _ => {
            let ids: Vec<String> = found.iter().map(|run| run.run.to_string()).collect();
            bail!("`{named}` is several runs, name one by its id: {}", ids.join(", "))
        }
    }
}

/// Shows a run as people read it.
pub(crate) fn show(view: &RunView) {
    let (now, paint) = (jiff::Timestamp::now(), Paint::of(&std::io::stdout()));
    for line in tree::lines(view, now, paint) {
        println!("{line}");
    }
}
