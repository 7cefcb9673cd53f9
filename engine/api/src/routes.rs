//! What can be asked and said, under `/api/v1`.

use crate::{Api, Begun, Peer, Submission, problem::Problem, repeat};
use axum::{
    Json, Router,
    extract::{
        ConnectInfo, DefaultBodyLimit, FromRequestParts, Path, Query, State,
        rejection::JsonRejection,
    },
    http::{StatusCode, request::Parts},
    routing::{get, post},
};
use engine_core::{
    event::{Actor, RunAct, Signal, Signalled},
    store::RunFilter,
    view::RunView,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A pipeline with its files; anything else is small.
const SUBMISSION_BYTES: usize = 16 * 1024 * 1024;
const BODY_BYTES: usize = 64 * 1024;
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;

pub(crate) fn routes(api: Api) -> Router {
    let start = post(start).layer(DefaultBodyLimit::max(SUBMISSION_BYTES));
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/api/v1/runs", start.get(list))
        .route("/api/v1/runs/{run}", get(show))
        .route("/api/v1/runs/{run}/{act}", post(tell))
        .route("/api/v1/runs/{run}/rerun", post(repeat::rerun))
        .route("/api/v1/runs/{run}/stages/{stage}/{signal}", post(signal))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here") })
        .with_state(api)
}

/// Who asks for a change, and their own name for the request.
pub(crate) struct Act {
    pub(crate) actor: Actor,
    pub(crate) key: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Act {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Act, Problem> {
        let peer = ConnectInfo::<Peer>::from_request_parts(parts, state).await;
        let actor = peer.ok().and_then(|ConnectInfo(peer)| peer.actor());
        let actor = actor.ok_or_else(|| {
            Problem::new(StatusCode::FORBIDDEN, "who asks is not known, so nothing is done")
        })?;
        let key = parts.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        match key {
            Some(key) if (1..=200).contains(&key.len()) => Ok(Act { actor, key: key.to_owned() }),
            Some(_) | None => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "send an `Idempotency-Key` of 1 to 200 characters, a new one for each request",
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    limit: Option<u32>,
    before: Option<engine_core::id::RunId>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[serde(default)]
    reason: String,
}

async fn list(
    State(api): State<Api>,
    Query(listed): Query<Listed>,
) -> Result<Json<Vec<RunView>>, Problem> {
    let limit = listed.limit.unwrap_or(PAGE).min(LARGEST_PAGE);
    let reader = api.engine.reader();
    let filter = RunFilter { limit: Some(limit), before: listed.before };
    let mut views = Vec::new();
    for summary in reader.runs(filter).await? {
        views.push(reader.view(summary.run).await?);
    }
    Ok(Json(views))
}

async fn show(State(api): State<Api>, Path(run): Path<String>) -> Result<Json<RunView>, Problem> {
    let reader = api.engine.reader();
    let summary = reader.named(&run).await?;
    Ok(Json(reader.view(summary.run).await?))
}

async fn start(
    State(api): State<Api>,
    act: Act,
    body: Result<Json<Submission>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(submission) = body.map_err(|error| unread(&error))?;
    let by = (act.actor, act.key);
    Ok(begun(&api.starter.start(&api.engine, submission, by).await?))
}

pub(crate) fn begun(Begun { run, label }: &Begun) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({"id": run.to_string(), "label": label})))
}

async fn tell(
    State(api): State<Api>,
    Path((run, said)): Path<(String, RunAct)>,
    act: Act,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(Reason { reason }) = body.map_err(|error| unread(&error))?;
    let run = api.engine.reader().named(&run).await?.run;
    api.engine.act(run, (said, act.actor, reason), act.key).await?;
    Ok(recorded())
}

async fn signal(
    State(api): State<Api>,
    Path((run, stage, signal)): Path<(String, String, Signal)>,
    act: Act,
    body: Result<Json<Reason>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(Reason { reason }) = body.map_err(|error| unread(&error))?;
    let run = api.engine.reader().named(&run).await?.run;
    let signalled = Signalled { signal, actor: act.actor, reason };
    api.engine.signal(run, (stage, signalled), act.key).await?;
    Ok(recorded())
}

fn recorded() -> (StatusCode, Json<Value>) {
    (StatusCode::ACCEPTED, Json(json!({"recorded": true})))
}

pub(crate) fn unread(error: &JsonRejection) -> Problem {
    Problem::new(error.status(), error.body_text())
}
