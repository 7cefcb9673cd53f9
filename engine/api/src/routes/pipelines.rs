//! Pipelines as files: checked and planned, never run. Nothing is recorded, so these requests need
//! no name.

use super::pages::{self, CataloguePage, Page, PipelinePage};
use crate::{
    Checked, Submission,
    act::Asker,
    body::Sent,
    problem::{Problem, Told},
    query::Asked,
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::{
    event::Actor,
    view::{CatalogueItem, PipelineItem},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be said of a file.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Validated {
    valid: bool,
    /// Every fault and every warning, as `gennaker validate --format json` tells them.
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Value>,
}

/// Checks a pipeline and tells every fault.
#[utoipa::path(post, path = "/api/v1/pipelines/validate", tag = "pipelines", request_body = Submission, responses(
    (status = OK, body = Validated),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn validate(
    State(service): State<Service>,
    Asker(actor): Asker,
    Sent(submission): Sent<Submission>,
) -> Result<Json<Validated>, Problem> {
    Ok(Json(match checked(service, submission, actor).await? {
        Checked::Plan { warnings, .. } => Validated { valid: true, diagnostics: warnings },
        Checked::Invalid { diagnostics } => Validated { valid: false, diagnostics },
    }))
}

/// What a pipeline would do: its stages in order, defaults filled in.
#[utoipa::path(post, path = "/api/v1/pipelines/plan", tag = "pipelines", request_body = Submission, responses(
    (status = OK, body = Object),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn plan(
    State(service): State<Service>,
    Asker(actor): Asker,
    Sent(submission): Sent<Submission>,
) -> Result<Json<Value>, Problem> {
    match checked(service, submission, actor).await? {
        Checked::Plan { plan, .. } => Ok(Json(plan)),
        Checked::Invalid { diagnostics } => Err(Problem::invalid(diagnostics)),
    }
}

/// A large file keeps a thread busy, and none of those that answer others.
async fn checked(service: Service, what: Submission, by: Actor) -> Result<Checked, Problem> {
    let check = move || service.starter.check(what, &by);
    tokio::task::spawn_blocking(check).await.map_err(|error| {
        let words = format!("the check came to no end: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, words)
    })
}

/// The pipelines that have run, by application and name, each with its last run: all at once.
#[utoipa::path(get, path = "/api/v1/pipelines", tag = "pipelines", responses(
    (status = OK, body = PipelinePage),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn list(State(service): State<Service>) -> Result<Json<PipelinePage>, Problem> {
    let last = service.reader.pipelines().await?;
    let items = last.iter().map(PipelineItem::from).collect();
    Ok(Json(PipelinePage { items, next: None }))
}

/// Usual and largest number of files in a page.
const CATALOGUE: (u32, u32) = (200, 1_000);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Files {
    /// At most so many: 200 unless said, 1000 at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// The pipeline files of every source that this engine serves, and whether they start runs, by source
/// and path.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "pipelines", params(Files), responses(
    (status = OK, body = Page<CatalogueItem>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn catalogue(
    State(service): State<Service>,
    Asked(Files { limit, cursor }): Asked<Files>,
) -> Result<Json<CataloguePage>, Problem> {
    let after = cursor.as_deref().map(|cursor| {
        place(cursor).ok_or_else(|| {
            let words = format!("`cursor` is the `next` of the page before, not `{cursor}`");
            Problem::new(StatusCode::BAD_REQUEST, words)
        })
    });
    let most = pages::limit(limit, CATALOGUE);
    let items = service.mailroom.catalogue(after.transpose()?, most);
    let last = items.last().filter(|_| items.len() == most);
    let next = last.map(|it| format!("{}:{}{}", it.source.len(), it.source, it.path));
    Ok(Json(Page { items, next }))
}

/// The source and the path that a cursor speaks of.
fn place(cursor: &str) -> Option<(&str, &str)> {
    let (length, rest) = cursor.split_once(':')?;
    rest.split_at_checked(length.parse().ok()?)
}

/// The JSON Schema (draft 7) of pipeline files.
#[utoipa::path(get, path = "/api/v1/pipelines/schema", tag = "pipelines", responses(
    (status = OK, body = Object),
))]
pub(crate) async fn schema(State(service): State<Service>) -> Json<Value> {
    Json(service.starter.schema())
}
