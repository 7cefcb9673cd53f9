//! What the program of a stage prints, as text; while it prints, if that is asked for.

use crate::{
    problem::{Problem, Told},
    query::{Asked, Named},
    service::Service,
};
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderName, StatusCode,
        header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};
use engine_core::id::RunId;
use engine_runtime::reader::{Of, PrintedLine, Printout, ReadError};
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::collections::VecDeque;
use tokio::sync::OwnedSemaphorePermit;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// Stays until the stage has ended, and sends lines as they are printed.
    #[serde(default)]
    follow: bool,
    /// Of what is there already only so many lines, the last ones.
    tail: Option<usize>,
    /// Begins each line with its stage: `migrate | done`.
    #[serde(default)]
    names: bool,
}

/// What the program of a stage has printed, one line after the other: 10 MiB of each attempt, the
/// first half and the last. A stage with a matrix prints what its nodes print.
#[utoipa::path(get, path = "/api/v1/runs/{run}/stages/{stage}/logs", tag = "runs",
    params(("run" = String, Path), ("stage" = String, Path), Wanted), responses(
    (status = OK, body = String, content_type = "text/plain"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn logs(
    State(service): State<Service>,
    Named((run, stage)): Named<(String, String)>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    printed(service, (&run, Of::Stage(stage)), wanted).await
}

/// What the programs of all stages of a run have printed, stage by stage; while they print, in the
/// order in which lines come.
#[utoipa::path(get, path = "/api/v1/runs/{run}/logs", tag = "runs",
    params(("run" = String, Path), Wanted), responses(
    (status = OK, body = String, content_type = "text/plain"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn of_run(
    State(service): State<Service>,
    Named(run): Named<String>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    printed(service, (&run, Of::Run), wanted).await
}

async fn printed(
    service: Service,
    (run, of): (&str, Of),
    Wanted { follow, tail, names }: Wanted,
) -> Result<Response, Problem> {
    let run = service.reader.named(run).await?.run;
    exists(&service, run, &of).await?;
    let place = service.streams.clone().try_acquire_owned().map_err(|_| {
        let words = "too many read already: end another stream first";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, words)
    })?;
    let mut printout = service.reader.printout(run, of);
    let first = match tail {
        Some(count) => text(last(&mut printout, count).await?, names),
        None => Bytes::new(),
    };
    let following = Following { printout, follow, names, _place: place };
    let rest = stream::unfold(following, next);
    let mut left = service.left.clone();
    let left = async move { drop(left.wait_for(|left| *left).await) };
    let body = stream::iter([Ok(first)]).chain(rest).take_until(Box::pin(left));
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        // What a program prints is no page.
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

async fn exists(service: &Service, run: RunId, of: &Of) -> Result<(), Problem> {
    let view = service.reader.view(run).await?;
    if view.stages.iter().any(|(id, _)| of.has(id)) {
        return Ok(());
    }
    let stages: Vec<&str> = view.stages.iter().map(|(id, _)| id.as_str()).collect();
    let words = format!("the run has no such stage, but {}", stages.join(", "));
    Err(Problem::new(StatusCode::NOT_FOUND, words))
}

/// The last lines of what is there.
async fn last(printout: &mut Printout, count: usize) -> Result<Vec<PrintedLine>, ReadError> {
    let mut kept = VecDeque::new();
    loop {
        let lines = printout.read().await?;
        if lines.is_empty() {
            return Ok(kept.into());
        }
        kept.extend(lines);
        kept.drain(..kept.len().saturating_sub(count));
    }
}

/// A stream reads on only when what it has sent is taken.
struct Following {
    printout: Printout,
    follow: bool,
    names: bool,
    _place: OwnedSemaphorePermit,
}

async fn next(mut following: Following) -> Option<(Result<Bytes, ReadError>, Following)> {
    let printout = &mut following.printout;
    let lines = match following.follow {
        true => printout.next().await,
        false => match printout.read().await {
            Ok(lines) => Ok(Some(lines).filter(|lines| !lines.is_empty())),
            Err(error) => Err(error.into()),
        },
    };
    match lines {
        Ok(None) => None,
        Ok(Some(lines)) => Some((Ok(text(lines, following.names)), following)),
        // The connection breaks, so that nobody takes it for the end.
        Err(error) => Some((Err(error), following)),
    }
}

fn text(lines: Vec<PrintedLine>, names: bool) -> Bytes {
    let mut text = String::new();
    for printed in lines {
        if names {
            text.push_str(&printed.stage);
            text.push_str(" | ");
        }
        text.push_str(&printed.line.text);
        text.push('\n');
    }
    Bytes::from(text)
}
