//! Ways back that a person asks for.

use crate::{
    act::Act,
    body::{Accepted, Sent},
    problem::{Problem, Told},
    query::Named,
    routes::{StartedRun, begun},
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::id::RunId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a person wants back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RollBack {
    pub application: String,
    pub environment: String,
    /// Where to: `lastGood`, which it is without this, `previous`, or the number of a revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub to: Option<Value>,
    /// The one component to bring back; all of them without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

/// A way back, and of what.
#[derive(Clone, Debug, PartialEq)]
pub enum Back {
    /// What an application runs in an environment.
    Target(RollBack),
    /// What a run has changed, wherever it has; the run is cancelled.
    Run { run: RunId, reason: String },
}

impl Accepted for RollBack {
    const BYTES: usize = 64 * 1024;
}

/// Brings an environment back to what an application ran there before. It goes before all other
/// runs: the stages of whoever holds the target end there.
#[utoipa::path(post, path = "/api/v1/rollbacks", tag = "runs", request_body = RollBack,
    params(
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = CREATED, body = StartedRun),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn roll_back(
    State(service): State<Service>,
    act: Act,
    Sent(wanted): Sent<RollBack>,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    let by = (act.actor, act.key);
    let mut started = service.starter.roll_back(&service.engine, Back::Target(wanted), by).await?;
    match started.pop() {
        Some(run) => Ok(begun(run)),
        None => Err(Problem::new(StatusCode::CONFLICT, "there is nothing to bring back")),
    }
}

/// Why.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    #[serde(default)]
    reason: String,
}

impl Accepted for Because {
    const BYTES: usize = 64 * 1024;
}

/// Cancels a run, and brings back what it has changed: one way back for each environment.
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancelAndRollBack", tag = "runs",
    request_body = Because,
    params(
        ("run" = String, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = CREATED, body = Vec<StartedRun>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn cancel_and_roll_back(
    State(service): State<Service>,
    Named(run): Named<String>,
    act: Act,
    Sent(Because { reason }): Sent<Because>,
) -> Result<(StatusCode, Json<Vec<StartedRun>>), Problem> {
    let run = service.reader.named(&run).await?.run;
    let (back, by) = (Back::Run { run, reason }, (act.actor, act.key));
    let started = service.starter.roll_back(&service.engine, back, by).await?;
    let started = started.into_iter().map(|run| begun(run).1.0);
    Ok((StatusCode::CREATED, Json(started.collect())))
}
