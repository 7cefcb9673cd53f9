//! The way to an engine that runs in another process: its socket, or a port of this machine.

mod events;

pub(crate) use events::{Events, Told};

use crate::{arguments::Common, screen, state};
use anyhow::{Context, bail};
use engine_api::CataloguePage;
use engine_core::{event::RunAct, id::RunId, view::CatalogueItem};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{io, path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};

/// An answer may be this large.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// A start asks a cluster who it is; everything else is quick.
const DEADLINE: Duration = Duration::from_secs(60);

/// An engine that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Socket(PathBuf),
    /// `127.0.0.1:7080`
    Port(String),
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

/// The engine that is to be asked: the one that `--server` names, else the one that works on the
/// state directory, if one listens there.
pub(crate) async fn engine(common: &Common) -> anyhow::Result<Option<Client>> {
    if let Some(server) = &common.server {
        return Ok(Some(server.clone()));
    }
    let directory = state::directory(common)?;
    match engine_api::connect(&directory).await {
        Ok(_) => Ok(Some(Client::Socket(engine_api::socket_in(&directory)))),
        Err(error) => match error.kind() {
            // What a dead engine left answers nobody.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => {
                let socket = engine_api::socket_in(&directory);
                Err(error).with_context(|| format!("the engine at {}", socket.display()))
            }
        },
    }
}

impl std::str::FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Client, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Client::Socket(PathBuf::from(path)));
        }
        let authority = text.strip_prefix("http://").map(|it| it.trim_end_matches('/'));
        match authority {
            Some(authority) if !authority.is_empty() && !authority.contains('/') => {
                let has_port =
                    authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
                let port = if has_port { "" } else { ":80" };
                Ok(Client::Port(format!("{authority}{port}")))
            }
            Some(_) | None => {
                Err("write it as `unix:/path/engine.sock` or `http://127.0.0.1:7080`".to_owned())
            }
        }
    }
}

impl Client {
    pub(crate) fn name(&self) -> String {
        match self {
            Client::Socket(path) => path.display().to_string(),
            Client::Port(authority) => format!("http://{authority}"),
        }
    }

    /// Whether anybody listens there still.
    pub(crate) async fn is_there(&self) -> bool {
        match self {
            Client::Socket(path) => engine_api::connect_to(path).await.is_ok(),
            Client::Port(authority) => TcpStream::connect(authority).await.is_ok(),
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let (status, body) = self.call((Method::GET, path), String::new()).await?;
        if !status.is_success() {
            answer(status, &body)?.done()?;
        }
        // Not by way of a value: stages keep their order.
        serde_json::from_slice(&body).context("the engine's answer is not as expected")
    }

    /// Every pipeline file that it serves, page by page.
    pub(crate) async fn catalogue(&self) -> anyhow::Result<Vec<CatalogueItem>> {
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let from = cursor.map(|it: String| format!("&cursor={}", segment(&it)));
            let path = format!("/api/v1/catalogue?limit=1000{}", from.unwrap_or_default());
            let page: CataloguePage = self.get(&path).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// What stands at a path, as text.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let (status, body) = self.call((Method::GET, path), String::new()).await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        match status.is_success() {
            true => Ok(text),
            false => bail!("{status}: {}", text.trim()),
        }
    }

    /// Asks for a change, under a name of its own.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let (status, body) = self.call((Method::POST, path), body.to_string()).await?;
        answer(status, &body)
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

    /// What happens from now on, or after a position.
    pub(crate) async fn events(&self, path: &str) -> anyhow::Result<Events> {
        let (body, driven) = self.stream(path).await?;
        Ok(Events::new(body, driven))
    }

    /// What stands at a path, as it comes in.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<(Incoming, JoinHandle<()>)> {
        let opened = self.request((Method::GET, path), String::new());
        let opened = tokio::time::timeout(DEADLINE, opened).await;
        let opened = opened.with_context(|| format!("no answer within {DEADLINE:?}"))?;
        let (response, driven) = opened?;
        match response.status().is_success() {
            true => Ok((response.into_body(), driven)),
            false => {
                let (status, body) = read(response).await?;
                answer(status, &body)?.done()?;
                bail!("the engine does not tell it")
            }
        }
    }

    async fn call(
        &self,
        (method, path): (Method, &str),
        body: String,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let called = async {
            let (response, driven) = self.request((method, path), body).await?;
            let answer = read(response).await;
            driven.abort();
            answer
        };
        let called = tokio::time::timeout(DEADLINE, called);
        let called = screen::slowly("waiting for the engine", called).await;
        called.with_context(|| format!("the engine did not answer within {DEADLINE:?}"))?
    }

    async fn request(
        &self,
        (method, path): (Method, &str),
        body: String,
    ) -> anyhow::Result<(Response<Incoming>, JoinHandle<()>)> {
        let host = match self {
            Client::Socket(_) => "engine",
            Client::Port(authority) => authority,
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("content-type", "application/json")
            .header("idempotency-key", state::draw()?)
            .body(Full::new(Bytes::from(body)))?;
        let sent = match self {
            Client::Socket(path) => send(engine_api::connect_to(path).await, request).await,
            Client::Port(authority) => send(TcpStream::connect(authority).await, request).await,
        };
        sent.with_context(|| format!("the engine at {} does not answer", self.name()))
    }
}

async fn send<S>(
    stream: io::Result<S>,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<(Response<Incoming>, JoinHandle<()>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream?)).await?;
    let driven = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the engine broke off");
        }
    });
    Ok((sender.send_request(request).await?, driven))
}

async fn read(response: Response<Incoming>) -> anyhow::Result<(StatusCode, Bytes)> {
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
    Ok((status, body.to_bytes()))
}

fn answer(status: StatusCode, body: &[u8]) -> anyhow::Result<Answer> {
    let value: Value = serde_json::from_slice(body)
        .with_context(|| format!("the engine answered {status}, and no JSON"))?;
    Ok(if status.is_success() { Answer::Done(value) } else { refused(&value) })
}

fn refused(problem: &Value) -> Answer {
    let detail = problem["detail"].as_str().unwrap_or("it did not say why").to_owned();
    let diagnostics = problem["diagnostics"].as_array().cloned().unwrap_or_default();
    Answer::Refused { detail, diagnostics }
}

/// An engine answered, and said no.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(String);

impl Answer {
    /// What was done, or the refusal as an error.
    pub(crate) fn done(self) -> Result<Value, Refusal> {
        match self {
            Answer::Done(value) => Ok(value),
            Answer::Refused { detail, .. } => Err(Refusal(detail)),
        }
    }
}

/// A name as a part of a path, or of a query.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The id in an answer.
pub(crate) fn run_id(value: &Value) -> anyhow::Result<RunId> {
    let id = value["id"].as_str().context("the engine's answer has no id")?;
    id.parse().context("the engine's answer has a broken id")
}

#[cfg(test)]
mod tests {
    use super::Client;
    use std::path::PathBuf;

    #[test]
    fn a_server_is_a_socket_or_a_port() {
        let port = |authority: &str| Ok(Client::Port(authority.to_owned()));
        for (text, expected) in [
            ("unix:/run/engine.sock", Ok(Client::Socket(PathBuf::from("/run/engine.sock")))),
            ("http://127.0.0.1:7080", port("127.0.0.1:7080")),
            ("http://localhost:7080/", port("localhost:7080")),
            ("http://[::1]:7080", port("[::1]:7080")),
            ("http://[::1]", port("[::1]:80")),
            ("http://localhost", port("localhost:80")),
        ] {
            assert_eq!(text.parse::<Client>(), expected, "{text}");
        }
        for wrong in ["", "unix:", "http://", "https://a", "/run/engine.sock", "http://a/b"] {
            assert!(wrong.parse::<Client>().is_err(), "{wrong}");
        }
    }
}
