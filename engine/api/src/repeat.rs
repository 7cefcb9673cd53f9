//! Runs that are done again.

use crate::{
    act::Act,
    body::{Accepted, Sent},
    problem::{Problem, Told},
    query::Named,
    routes::{StartedRun, begun},
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How a run is to be done again.
#[derive(Clone, Debug, PartialEq)]
pub enum Repeat {
    /// From its beginning, by the files that were kept with it. What is not given anew is as it
    /// was; a text is read as on the command line.
    Rerun { parameters: BTreeMap<String, Value> },
    /// As a new run that takes over what stages of this one have left.
    Retry { moved_on: MovedOn },
}

/// What is to be done if another run has written to a target since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedOn {
    Refused,
    /// Whoever asks knows.
    Confirmed,
}

/// What is to be another than it was.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rerun {
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    parameters: BTreeMap<String, Value>,
}

impl Accepted for Rerun {
    const BYTES: usize = 64 * 1024;
}

/// Does a run again from its beginning, by the files that were kept with it.
#[utoipa::path(post, path = "/api/v1/runs/{run}/rerun", tag = "runs", request_body = Rerun,
    params(
        ("run" = String, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = CREATED, body = StartedRun),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn rerun(
    State(service): State<Service>,
    Named(run): Named<String>,
    act: Act,
    Sent(Rerun { parameters }): Sent<Rerun>,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    repeat(&service, (&run, Repeat::Rerun { parameters }), act).await
}

/// What whoever asks knows.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// Go on although another run has written to one of its targets since.
    #[serde(default)]
    confirm: bool,
}

impl Accepted for Retry {
    const BYTES: usize = 64 * 1024;
}

/// Tries a run again that has ended without success, as a new one that takes over what succeeded.
#[utoipa::path(post, path = "/api/v1/runs/{run}/retry", tag = "runs", request_body = Retry,
    params(
        ("run" = String, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = CREATED, body = StartedRun),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn retry(
    State(service): State<Service>,
    Named(run): Named<String>,
    act: Act,
    Sent(Retry { confirm }): Sent<Retry>,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    let moved_on = if confirm { MovedOn::Confirmed } else { MovedOn::Refused };
    repeat(&service, (&run, Repeat::Retry { moved_on }), act).await
}

async fn repeat(
    service: &Service,
    (run, how): (&str, Repeat),
    act: Act,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    let run = service.reader.named(run).await?.run;
    let by = (act.actor, act.key);
    Ok(begun(service.starter.repeat(&service.engine, (run, how), by).await?))
}
