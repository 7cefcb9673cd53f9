//! `get runs`: what ran, newest first.

mod follow;

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::{Shown, print},
    source::Source,
    table::Table,
};
use clap::{Args, ValueEnum};
use engine_core::{clock::Civil, status::RunStatus, view::RunItem, wording};
use engine_runtime::reader::Listing;
use jiff::Timestamp;
use std::cmp::Reverse;

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
    /// In which order
    #[arg(long, value_enum, default_value_t = Sorting::Started)]
    pub(crate) sort_by: Sorting,
    /// Stay, and show each run again when it has changed
    #[arg(short, long, conflicts_with = "sort_by")]
    pub(crate) watch: bool,
}

fn status(word: &str) -> Result<RunStatus, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

fn moment(text: &str) -> Result<Civil, String> {
    let at: Result<Timestamp, _> = text.parse();
    let at = at.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    at.map(Civil).ok_or_else(|| "write it as `2026-01-31T09:00:00Z`".to_owned())
}

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sorting {
    /// Newest first
    #[default]
    Started,
    /// What ended last first; what has not ended before that
    Ended,
    Status,
    Pipeline,
    Application,
}

/// An engine's largest page.
const PAGE: usize = 200;

pub(crate) async fn runs(common: &Common, asked: &Which, output: Output) -> anyhow::Result<Exit> {
    let source = Source::find(common).await?;
    let mut runs = listed(&source, asked).await?;
    if asked.watch {
        return follow::runs(source, (asked, output), runs).await;
    }
    asked.sort_by.sort(&mut runs);
    print(output, &runs)?;
    Ok(Exit::Success)
}

async fn listed(source: &Source, asked: &Which) -> anyhow::Result<Vec<RunItem>> {
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
    Ok(runs)
}

impl Sorting {
    /// Runs that are alike in it stay in the order in which they came: newest first.
    fn sort(self, runs: &mut [RunItem]) {
        match self {
            Sorting::Started => {}
            Sorting::Ended => runs
                .sort_by_key(|run| Reverse(run.ended_at.clone().unwrap_or_else(|| "Z".to_owned()))),
            Sorting::Status => runs.sort_by_key(|run| run.status.word()),
            Sorting::Pipeline => runs.sort_by_key(|run| run.pipeline.clone()),
            Sorting::Application => runs.sort_by_key(|run| run.application.clone()),
        }
    }
}

impl Shown for Vec<RunItem> {
    fn table(&self) {
        let mut table = Table::new(["PIPELINE", "STATUS", "STARTED", "RUN"]);
        for run in self {
            table.row([&run.label(), run.status.word(), &run.started_at, &run.id.to_string()]);
        }
        table.print();
    }

    fn wide(&self) {
        let mut table = Table::new([
            "PIPELINE",
            "STATUS",
            "STARTED",
            "TOOK",
            "STAGES",
            "WAITING",
            "APPLICATION",
            "RUN",
        ]);
        let now = Timestamp::now();
        for run in self {
            let RunItem { id, status, started_at, stages, application, .. } = run;
            let ended = format!("{}/{}", stages.ended, stages.all);
            let waiting = run.waiting.map_or("", |kind| kind.word());
            let (label, took, id) = (run.label(), took(run, now), id.to_string());
            let word = status.word();
            table.row([&label, word, started_at, &took, &ended, waiting, application, &id]);
        }
        table.print();
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
