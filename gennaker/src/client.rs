//! The way to an engine that runs in another process: its socket.

use anyhow::{Context, bail};
use engine_core::{event::RunAct, id::RunId};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// An answer may be this large.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// A start asks a cluster who it is; everything else is quick.
const DEADLINE: Duration = Duration::from_secs(60);

/// An engine that listens.
pub(crate) struct Client {
    /// Its state directory.
    directory: PathBuf,
}

/// What an engine answered.
pub(crate) enum Answer {
    Done(Value),
    /// It said no, and why.
    Refused {
        detail: String,
        diagnostics: Vec<Value>,
    },
}

/// The engine that works on a state directory, if one listens there.
pub(crate) async fn engine_at(directory: &Path) -> anyhow::Result<Option<Client>> {
    match engine_api::connect(directory).await {
        Ok(_) => Ok(Some(Client { directory: directory.to_owned() })),
        Err(error) => match error.kind() {
            // What a dead engine left answers nobody.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => {
                let socket = engine_api::socket_in(directory);
                Err(error).with_context(|| format!("the engine at {}", socket.display()))
            }
        },
    }
}

impl Client {
    /// Whether anybody listens there still.
    pub(crate) async fn is_there(&self) -> bool {
        engine_api::connect(&self.directory).await.is_ok()
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call((Method::GET, path), String::new()).await
    }

    /// Asks for a change, under a name of its own.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.call((Method::POST, path), body.to_string()).await
    }

    /// Says something to a whole run.
    pub(crate) async fn tell(
        &self,
        run: &str,
        (act, reason): (RunAct, &str),
    ) -> anyhow::Result<Answer> {
        let body = serde_json::json!({ "reason": reason });
        self.post(&format!("/api/v1/runs/{}/{}", segment(run), act.word()), &body).await
    }

    async fn call(&self, (method, path): (Method, &str), body: String) -> anyhow::Result<Answer> {
        let called = tokio::time::timeout(DEADLINE, self.called((method, path), body)).await;
        called.with_context(|| format!("the engine did not answer within {DEADLINE:?}"))?
    }

    async fn called(&self, (method, path): (Method, &str), body: String) -> anyhow::Result<Answer> {
        let stream = engine_api::connect(&self.directory).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driven = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "engine")
            .header("content-type", "application/json")
            .header("idempotency-key", crate::state::draw()?)
            .body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
        driven.abort();
        let value: Value = serde_json::from_slice(&body.to_bytes())
            .with_context(|| format!("the engine answered {status}, and no JSON"))?;
        Ok(if status.is_success() { Answer::Done(value) } else { refused(&value) })
    }
}

fn refused(problem: &Value) -> Answer {
    let detail = problem["detail"].as_str().unwrap_or("it did not say why").to_owned();
    let diagnostics = problem["diagnostics"].as_array().cloned().unwrap_or_default();
    Answer::Refused { detail, diagnostics }
}

impl Answer {
    /// What was done, or the refusal as an error.
    pub(crate) fn done(self) -> anyhow::Result<Value> {
        match self {
            Answer::Done(value) => Ok(value),
            Answer::Refused { detail, .. } => bail!("{detail}"),
        }
    }
}

/// A name as a part of a path.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The id in an answer.
pub(crate) fn run_id(value: &Value) -> anyhow::Result<RunId> {
    let id = value["id"].as_str().context("the engine's answer has no id")?;
    Ok(RunId(id.parse().context("the engine's answer has a broken id")?))
}
