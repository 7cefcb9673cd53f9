//! `describe run`: one run, whole.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    screen::Paint,
    state,
    watch::tree,
};
use engine_core::view::RunView;

pub(crate) async fn run(common: &Common, named: &str, output: Output) -> anyhow::Result<Exit> {
    let reader = state::reader(common).await?;
    let summary = reader.named(named).await?;
    let view = reader.view(summary.run).await?;
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&view)?),
        Output::Table => show(&view),
    }
    Ok(Exit::Success)
}

/// Shows a run as people read it.
pub(crate) fn show(view: &RunView) {
    let (now, paint) = (jiff::Timestamp::now(), Paint::of(&std::io::stdout()));
    for line in tree::lines(view, now, paint) {
        println!("{line}");
    }
}
