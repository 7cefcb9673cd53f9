//! Runs: started, listed, shown.

use super::pages::{Page, RowPage, RunPage, limit};
use crate::{
    Begun, Submission,
    act::Act,
    body::Sent,
    problem::{Problem, Told},
    query::{Asked, Named, moment},
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::{
    id::RunId,
    status::RunStatus,
    view::{RowView, RunItem, RunView},
};
use engine_runtime::reader::Listing;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Usual and largest number of runs in a page, and of rows.
const RUNS: (u32, u32) = (50, 200);
const ROWS: (u32, u32) = (200, 1_000);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// At most so many: 50 unless said, 200 at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
    application: Option<String>,
    pipeline: Option<String>,
    /// One status, or several with commas between them.
    status: Option<String>,
    /// RFC 3339: runs that started then or later.
    started_after: Option<String>,
    /// RFC 3339: runs that started earlier.
    started_before: Option<String>,
}

impl List {
    fn listing(self) -> Result<Listing, Problem> {
        let at = |name, text: Option<String>| text.map(|text| moment(name, &text)).transpose();
        Ok(Listing {
            limit: limit(self.limit, RUNS),
            before: self.cursor.map(|cursor| run_id(&cursor)).transpose()?,
            application: self.application,
            pipeline: self.pipeline,
            statuses: statuses(self.status.as_deref().unwrap_or_default())?,
            started_after: at("startedAfter", self.started_after)?,
            started_before: at("startedBefore", self.started_before)?,
        })
    }
}

fn run_id(cursor: &str) -> Result<RunId, Problem> {
    cursor.parse().map_err(|_| {
        let words = format!("`cursor` is the `next` of the page before, not `{cursor}`");
        Problem::new(StatusCode::BAD_REQUEST, words)
    })
}

fn statuses(words: &str) -> Result<Vec<RunStatus>, Problem> {
    let named = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let read = named.map(|word| serde_json::from_value(Value::from(word)));
    read.collect::<Result<_, _>>()
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("`status`: {error}")))
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", params(List), responses(
    (status = OK, body = Page<RunItem>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(service): State<Service>,
    Asked(list): Asked<List>,
) -> Result<Json<RunPage>, Problem> {
    let listed = service.reader.listed(&list.listing()?).await?;
    let items = listed.runs.iter().map(RunItem::from).collect();
    Ok(Json(Page { items, next: listed.next.map(|run| run.to_string()) }))
}

/// One run as it stands. It is named by its id, a unique part of it, `checkout#12`, or `latest`.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", params(("run" = String, Path)), responses(
    (status = OK, body = RunView),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(service): State<Service>,
    Named(run): Named<String>,
) -> Result<Json<RunView>, Problem> {
    let summary = service.reader.named(&run).await?;
    Ok(Json(service.reader.view(summary.run).await?))
}

/// What a run does, as it was pinned when it started.
#[utoipa::path(get, path = "/api/v1/runs/{run}/plan", tag = "runs", params(("run" = String, Path)), responses(
    (status = OK, body = Object),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn plan(
    State(service): State<Service>,
    Named(run): Named<String>,
) -> Result<Json<Value>, Problem> {
    let summary = service.reader.named(&run).await?;
    let plan = service.reader.plan(summary.run).await?;
    let document = serde_json::to_value(plan.document());
    document.map(Json).map_err(|error| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the plan is not JSON: {error}"))
    })
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Rows {
    /// At most so many rows: 200 unless said, 1000 at most.
    limit: Option<u32>,
    /// The number of the first row: the `next` of the page before.
    cursor: Option<u64>,
}

/// A run's log, oldest first: one row for what was decided together.
#[utoipa::path(get, path = "/api/v1/runs/{run}/events", tag = "runs", params(("run" = String, Path), Rows), responses(
    (status = OK, body = Page<RowView>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn events(
    State(service): State<Service>,
    Named(run): Named<String>,
    Asked(asked): Asked<Rows>,
) -> Result<Json<RowPage>, Problem> {
    let run = service.reader.named(&run).await?.run;
    let mut rows = service.reader.rows(run, asked.cursor.unwrap_or(0)).await?;
    let wanted = limit(asked.limit, ROWS);
    let next = rows.get(wanted).map(|row| row.n.to_string());
    rows.truncate(wanted);
    Ok(Json(Page { items: rows.into_iter().map(RowView::from).collect(), next }))
}

/// A run that was begun.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct StartedRun {
    #[schema(format = "uuid")]
    id: String,
    /// `checkout#12`; of a repeated request only the pipeline's name.
    label: String,
}

pub(crate) fn begun(Begun { run, label }: Begun) -> (StatusCode, Json<StartedRun>) {
    (StatusCode::CREATED, Json(StartedRun { id: run.to_string(), label }))
}

/// Starts a pipeline. The sender has read its files; the engine reads none.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", request_body = Submission,
    params(("Idempotency-Key" = String, Header, description = "The sender's own name for this request")),
    responses(
    (status = CREATED, body = StartedRun),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn start(
    State(service): State<Service>,
    act: Act,
    Sent(submission): Sent<Submission>,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    let by = (act.actor, act.key);
    Ok(begun(service.starter.start(&service.engine, submission, by).await?))
}
