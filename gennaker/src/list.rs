//! `get runs`: what ran, newest first.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::{Shown, print},
    source::Source,
};
use clap::Args;
use engine_core::{clock::Civil, status::RunStatus, view::RunItem, wording};
use engine_runtime::reader::Listing;
use jiff::Timestamp;

/// Which runs.
#[derive(Args)]
pub(crate) struct Which {
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// Only those of an application
    #[arg(long, value_name = "NAME")]
    pub(crate) application: Option<String>,
    /// Only those of a pipeline
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// Only those that stand so; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = status, value_delimiter = ',')]
    pub(crate) status: Vec<RunStatus>,
    /// Only those that started then or later, such as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) started_after: Option<Civil>,
    /// Only those that started earlier
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) started_before: Option<Civil>,
}

fn status(word: &str) -> Result<RunStatus, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

fn moment(text: &str) -> Result<Civil, String> {
    let at: Result<Timestamp, _> = text.parse();
    let at = at.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    at.map(Civil).ok_or_else(|| "write it as `2026-01-31T09:00:00Z`".to_owned())
}

/// An engine's largest page.
const PAGE: usize = 200;

pub(crate) async fn runs(common: &Common, asked: &Which, output: Output) -> anyhow::Result<Exit> {
    let source = Source::find(common).await?;
    let mut listing = Listing {
        application: asked.application.clone(),
        pipeline: asked.pipeline.clone(),
        statuses: asked.status.clone(),
        started_after: asked.started_after,
        started_before: asked.started_before,
        before: None,
        limit: 0,
    };
    let mut runs: Vec<RunItem> = Vec::new();
    while runs.len() < asked.limit {
        listing.limit = (asked.limit - runs.len()).min(PAGE);
        let page = source.list(&listing).await?;
        runs.extend(page.runs);
        match page.next {
            Some(next) => listing.before = Some(next),
            None => break,
        }
    }
    print(output, &runs)?;
    Ok(Exit::Success)
}

impl Shown for Vec<RunItem> {
    fn table(&self) {
        println!("{:<24} {:<10} {:<25} RUN", "PIPELINE", "STATUS", "STARTED");
        for run in self {
            let RunItem { id, status, started_at, .. } = run;
            println!("{:<24} {status:<10} {started_at:<25} {id}", run.label());
        }
    }

    fn wide(&self) {
        println!(
            "{:<24} {:<10} {:<25} {:>8} {:>7}  {:<12} {:<16} RUN",
            "PIPELINE", "STATUS", "STARTED", "TOOK", "STAGES", "WAITING", "APPLICATION"
        );
        let now = Timestamp::now();
        for run in self {
            let RunItem { id, status, started_at, stages, application, .. } = run;
            let ended = format!("{}/{}", stages.ended, stages.all);
            let waiting = run.waiting.map_or("", |kind| kind.word());
            println!(
                "{:<24} {status:<10} {started_at:<25} {:>8} {ended:>7}  {waiting:<12} {application:<16} {id}",
                run.label(),
                took(run, now),
            );
        }
    }

    fn names(&self) -> Vec<String> {
        self.iter().map(RunItem::label).collect()
    }
}

fn took(run: &RunItem, now: Timestamp) -> String {
    let instant = |text: &str| text.parse::<Timestamp>().ok();
    let Some(started_at) = instant(&run.started_at) else { return String::new() };
    let ended_at = run.ended_at.as_deref().and_then(instant).unwrap_or(now);
    let took = ended_at.duration_since(started_at).as_millis();
    wording::duration(u64::try_from(took).unwrap_or_default())
}
