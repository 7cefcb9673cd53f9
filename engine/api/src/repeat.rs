//! Runs that are done again.

use crate::{
    Api, Begun,
    problem::Problem,
    routes::{Act, begun, unread},
};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How a run is to be done again.
#[derive(Clone, Debug, PartialEq)]
pub enum Repeat {
    /// From its beginning, by the files that were kept with it. What is not given anew is as it
    /// was; a text is read as on the command line.
    Rerun { parameters: BTreeMap<String, Value> },
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rerun {
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
}

pub(crate) async fn rerun(
    State(api): State<Api>,
    Path(run): Path<String>,
    act: Act,
    body: Result<Json<Rerun>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let Json(Rerun { parameters }) = body.map_err(|error| unread(&error))?;
    repeat(&api, (&run, Repeat::Rerun { parameters }), act).await
}

async fn repeat(
    api: &Api,
    (run, how): (&str, Repeat),
    act: Act,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let run = api.engine.reader().named(run).await?.run;
    let begun: Begun = api.starter.repeat(&api.engine, (run, how), (act.actor, act.key)).await?;
    Ok(self::begun(&begun))
}
