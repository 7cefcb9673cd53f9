//! `get runs`: what ran, newest first.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::print,
    state,
};
use engine_core::{store::RunFilter, wording};

pub(crate) async fn runs(common: &Common, output: Output, limit: u32) -> anyhow::Result<Exit> {
    let reader = state::reader(common).await?;
    let filter = RunFilter { limit: Some(limit), before: None };
    let summaries = reader.runs(filter).await?;
    match output {
        Output::Json | Output::Yaml => {
            let mut views = Vec::new();
            for summary in &summaries {
                views.push(reader.view(summary.run).await?);
            }
            print(output, &views)?;
        }
        Output::Name => summaries.iter().for_each(|run| println!("{}", run.label())),
        Output::Table => {
            println!("{:<24} {:<10} {:<25} RUN", "PIPELINE", "STATUS", "STARTED");
            for run in &summaries {
                let started = wording::instant(run.started_at.civil);
                println!("{:<24} {:<10} {started:<25} {}", run.label(), run.status, run.run);
            }
        }
    }
    Ok(Exit::Success)
}
