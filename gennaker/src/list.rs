//! `get runs`: what ran, newest first.

use crate::{
    arguments::{Common, Output, Which},
    exit::Exit,
    print::{Shown, print},
    source::Source,
};
use engine_core::{view::RunItem, wording};
use engine_runtime::reader::Listing;
use jiff::Timestamp;

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
