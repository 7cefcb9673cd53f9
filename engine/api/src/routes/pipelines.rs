//! Pipelines as files: checked and planned, never run. Nothing is recorded, so these requests need
//! no name.

use super::pages::{CataloguePage, Page, PipelinePage};
use crate::{
    Checked, Submission,
    act::Asker,
    body::Sent,
    problem::{Problem, Told},
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::{
    event::Actor,
    view::{CatalogueItem, PipelineItem},
};
use serde::Serialize;
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

/// The pipeline files of every source that this engine serves, and whether they start runs: all at
/// once.
#[utoipa::path(get, path = "/api/v1/catalogue", tag = "pipelines", responses(
    (status = OK, body = Page<CatalogueItem>),
))]
pub(crate) async fn catalogue(State(service): State<Service>) -> Json<CataloguePage> {
    Json(CataloguePage { items: service.mailroom.catalogue(), next: None })
}

/// The JSON Schema (draft 7) of pipeline files.
#[utoipa::path(get, path = "/api/v1/pipelines/schema", tag = "pipelines", responses(
    (status = OK, body = Object),
))]
pub(crate) async fn schema(State(service): State<Service>) -> Json<Value> {
    Json(service.starter.schema())
}
