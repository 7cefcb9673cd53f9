//! Figures of the engine: counted from its log, as any reader could.

use axum::http::{Method, StatusCode};
use engine_core::{
    clock::{Elapsed, milliseconds},
    event::Event,
    id::RunId,
    status::{RunStatus, StageStatus},
    store::{FeedRow, LogRow, Summary},
};
use engine_runtime::{
    driver::Stepped,
    reader::{News, Reader, Wanted},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};
use std::{collections::HashMap, sync::Mutex, sync::PoisonError, time::Duration};
use tokio::sync::broadcast::{self, error::RecvError};

/// Upper ends in seconds: steps of pipelines take from a second to days.
const SECONDS: [f64; 12] =
    [1., 5., 15., 30., 60., 120., 300., 900., 1_800., 3_600., 21_600., 86_400.];
/// Steps are short: most of them ask one server once.
const STEP_SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 10., 30.];
const PAUSE: Duration = Duration::from_secs(1);

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

pub(crate) struct Metrics {
    registry: Registry,
    active: Family<Labels, Gauge>,
    appends: Counter,
    events: Counter,
    started: Family<Labels, Counter>,
    run_seconds: Histograms,
    stages_ended: Family<Labels, Counter>,
    stage_seconds: Histograms,
    attempts_failed: Counter,
    step_seconds: Histograms,
    requests: Family<Labels, Counter>,
    /// What is under way, of runs that were seen to start.
    begun: Mutex<HashMap<RunId, Begun>>,
}

struct Begun {
    pipeline: String,
    at: Elapsed,
    types: HashMap<String, String>,
    stages: HashMap<String, Elapsed>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl Metrics {
    pub(crate) fn new(version: &'static str) -> Metrics {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Metrics {
            registry: Registry::with_prefix("gennaker"),
            active: Family::default(),
            appends: Counter::default(),
            events: Counter::default(),
            started: Family::default(),
            run_seconds: Family::new_with_constructor(histogram),
            stages_ended: Family::default(),
            stage_seconds: Family::new_with_constructor(histogram),
            attempts_failed: Counter::default(),
            step_seconds: Family::new_with_constructor(|| Histogram::new(STEP_SECONDS)),
            requests: Family::default(),
            begun: Mutex::default(),
        };
        metrics.register(version);
        metrics
    }

    fn register(&mut self, version: &'static str) {
        let Metrics { registry, .. } = self;
        let seconds = || Unit::Seconds;
        registry.register("build", "The program's version", Info::new(Build { version }));
        registry.register("runs_active", "Runs that have not ended", self.active.clone());
        registry.register("appends", "Rows written to the log", self.appends.clone());
        registry.register("events", "Events recorded", self.events.clone());
        registry.register("runs_started", "Runs begun", self.started.clone());
        let help = "From a run's start to its end";
        registry.register_with_unit("run_duration", help, seconds(), self.run_seconds.clone());
        registry.register("stages_ended", "Stages by their end", self.stages_ended.clone());
        let help = "From a stage's first attempt to its end";
        registry.register_with_unit("stage_duration", help, seconds(), self.stage_seconds.clone());
        let help = "Attempts that failed and were tried again";
        registry.register("attempts_failed", help, self.attempts_failed.clone());
        let help = "From a step's begin to its answer";
        registry.register_with_unit("step_duration", help, seconds(), self.step_seconds.clone());
        registry.register("http_requests", "Requests answered", self.requests.clone());
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "figures cannot be written");
        }
        text
    }

    pub(crate) fn answered(&self, method: &Method, status: StatusCode) {
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST => method.to_string(),
            _ => "other".to_owned(),
        };
        let labels = vec![("method", method), ("code", status.as_u16().to_string())];
        self.requests.get_or_create(&labels).inc();
    }

    /// Which runs there are now.
    pub(crate) fn stand<'a>(&self, unfinished: impl Iterator<Item = &'a Summary>) {
        self.active.clear();
        for run in unfinished {
            let pipeline = ("pipeline", run.pipeline.clone());
            let labels = vec![pipeline, ("status", run.status.word().to_owned())];
            self.active.get_or_create(&labels).inc();
        }
    }

    /// Counts what happens from now on; comes to no end.
    pub(crate) async fn follow(&self, reader: Reader) {
        let mut cursor = None;
        loop {
            match reader.feed(Wanted::All, cursor).await {
                Ok(mut feed) => {
                    while let Ok(news) = feed.next().await {
                        let News::Rows(rows) = news else { continue };
                        for row in rows {
                            cursor = Some(row.position());
                            match row {
                                FeedRow::Run(row) => self.count(&reader, &row).await,
                                FeedRow::System(_) => {
                                    self.appends.inc();
                                }
                            }
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "figures are not counted"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Counts the steps that are taken from now on; comes to no end while the engine lives.
    pub(crate) async fn time(&self, mut steps: broadcast::Receiver<Stepped>) {
        loop {
            match steps.recv().await {
                Ok(Stepped { stage_type, came_to, took }) => {
                    let labels = vec![("type", stage_type), ("result", came_to.to_owned())];
                    self.step_seconds.get_or_create(&labels).observe(took.as_secs_f64());
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "steps were too many to be counted");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn count(&self, reader: &Reader, row: &LogRow) {
        self.appends.inc();
        self.events.inc_by(row.events.len() as u64);
        for event in &row.events {
            if let Event::RunStarted { .. } = event {
                self.begin(reader, row).await;
            }
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(begun) = begun.get_mut(&row.run) {
                self.stage(begun, event, row.now.elapsed);
            }
            if let Event::AttemptFailed { .. } = event {
                self.attempts_failed.inc();
            }
            if let Event::RunEnded { status, .. } = event
                && let Some(begun) = begun.remove(&row.run)
            {
                self.run_ended(&begun, *status, row.now.elapsed);
            }
        }
    }

    async fn begin(&self, reader: &Reader, row: &LogRow) {
        let Ok(plan) = reader.plan(row.run).await else { return };
        let types = plan.nodes().iter().map(|node| (node.id.clone(), node.stage_type.clone()));
        let pipeline = plan.document().pipeline.clone();
        self.started.get_or_create(&vec![("pipeline", pipeline.clone())]).inc();
        let (at, stages) = (row.now.elapsed, HashMap::new());
        let begun = Begun { pipeline, at, types: types.collect(), stages };
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(row.run, begun);
    }

    fn run_ended(&self, begun: &Begun, status: RunStatus, now: Elapsed) {
        let pipeline = ("pipeline", begun.pipeline.clone());
        let labels = vec![pipeline, ("result", status.word().to_owned())];
        self.run_seconds.get_or_create(&labels).observe(seconds(begun.at, now));
    }

    fn stage(&self, begun: &mut Begun, event: &Event, now: Elapsed) {
        if let Event::AttemptStarted { stage, .. } = event {
            begun.stages.entry(stage.clone()).or_insert(now);
        }
        let Some((stage, result)) = end(event) else { return };
        let stage_type = begun.types.get(stage).cloned().unwrap_or_default();
        let labels = vec![("type", stage_type), ("result", result.word().to_owned())];
        self.stages_ended.get_or_create(&labels).inc();
        if let Some(from) = begun.stages.remove(stage) {
            self.stage_seconds.get_or_create(&labels).observe(seconds(from, now));
        }
    }
}

fn seconds(from: Elapsed, to: Elapsed) -> f64 {
    Duration::from_millis(milliseconds(to.since(from))).as_secs_f64()
}

/// The stage that has ended, and how.
fn end(event: &Event) -> Option<(&str, StageStatus)> {
    if let Event::StageSucceeded { stage, .. } = event {
        return Some((stage, StageStatus::Succeeded));
    }
    if let Event::StageFailed { stage, .. } = event {
        return Some((stage, StageStatus::Failed));
    }
    if let Event::StageSkipped { stage, .. } = event {
        return Some((stage, StageStatus::Skipped));
    }
    if let Event::StageOmitted { stage, .. } = event {
        return Some((stage, StageStatus::Omitted));
    }
    if let Event::StageRolledBack { stage, .. } = event {
        return Some((stage, StageStatus::RolledBack));
    }
    if let Event::StageRejected { stage, .. } = event {
        return Some((stage, StageStatus::Rejected));
    }
    let Event::StageCancelled { stage, .. } = event else { return None };
    Some((stage, StageStatus::Cancelled))
}
