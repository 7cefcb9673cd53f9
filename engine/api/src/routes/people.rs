//! What people say to runs and stages.

use crate::{
    act::Act,
    body::{Reason, Said, Sent},
    problem::{Problem, Told},
    query::Named,
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::event::{RunAct, Signal, Signalled};
use serde::Serialize;

/// It is durable; the run goes on with it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Recorded {
    recorded: bool,
}

const RECORDED: (StatusCode, Json<Recorded>) =
    (StatusCode::ACCEPTED, Json(Recorded { recorded: true }));

/// Says something to a whole run.
#[utoipa::path(post, path = "/api/v1/runs/{run}/{act}", tag = "people", request_body = Reason,
    params(
        ("run" = String, Path),
        ("act" = RunAct, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = ACCEPTED, body = Recorded),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn tell(
    State(service): State<Service>,
    Named((run, said)): Named<(String, RunAct)>,
    act: Act,
    Sent(Reason { reason }): Sent<Reason>,
) -> Result<(StatusCode, Json<Recorded>), Problem> {
    let run = service.reader.named(&run).await?.run;
    service.engine.act(run, (said, act.actor, reason), act.key).await?;
    Ok(RECORDED)
}

/// Answers a stage that waits for somebody.
#[utoipa::path(post, path = "/api/v1/runs/{run}/stages/{stage}/{signal}", tag = "people", request_body = Said,
    params(
        ("run" = String, Path),
        ("stage" = String, Path),
        ("signal" = Signal, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = ACCEPTED, body = Recorded),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn signal(
    State(service): State<Service>,
    Named((run, stage, signal)): Named<(String, String, Signal)>,
    act: Act,
    Sent(Said { reason, seen, inputs }): Sent<Said>,
) -> Result<(StatusCode, Json<Recorded>), Problem> {
    let run = service.reader.named(&run).await?.run;
    let seen = seen.into();
    let signalled = Signalled { seen, inputs, ..Signalled::new(signal, act.actor, reason) };
    service.engine.signal(run, (stage, signalled), act.key).await?;
    Ok(RECORDED)
}
