//! One request and what became of it, as far as this end can know.

use super::config::Config;
use engine_core::stage::{Identity, StageError, StepContext};
use reqwest::{
    Client, Method, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use serde_json::Value;
use std::{sync::OnceLock, time::Duration};

/// From the first byte out to the last byte in.
const DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Of a response's body, in bytes; what follows is not read.
const BODY_LIMIT: usize = 1024 * 1024;

/// Sends requests; made when the first one is sent.
#[derive(Default)]
pub(super) struct Caller {
    client: OnceLock<Result<Client, String>>,
}

pub(super) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// What this end knows of a request.
pub(super) enum Exchange {
    Answered(Response),
    /// Not a byte of it has left.
    NotSent(String),
    /// It may have been carried out.
    Unknown(String),
}

pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// With the present values of its secrets.
    pub(super) async fn new(config: &Config, context: &StepContext) -> Result<Request, StageError> {
        let mut headers = HeaderMap::new();
        let body = match &config.body {
            None => None,
            Some(body) => Some(match context.reveal_value(body).await? {
                Value::String(text) => text.into_bytes(),
                json => {
                    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    json.to_string().into_bytes()
                }
            }),
        };
        for (name, text) in &config.headers {
            let text = context.reveal(text).await?;
            let known = HeaderName::from_bytes(name.as_bytes()).ok();
            let pair = known.zip(HeaderValue::from_bytes(text.expose().as_bytes()).ok());
            let unsendable = || StageError::Failure(format!("header `{name}` cannot be sent"));
            let (name, mut text) = pair.ok_or_else(unsendable)?;
            text.set_sensitive(true);
            headers.insert(name, text);
        }
        if let Ok(key) = HeaderValue::from_str(&key(config, &context.identity)) {
            headers.insert("idempotency-key", key);
        }
        let method = Method::from_bytes(config.method.word().as_bytes());
        let method = method.map_err(|error| StageError::Failure(error.to_string()))?;
        let url = config.address().map_err(StageError::Failure)?;
        Ok(Request { method, url, headers, body })
    }
}

/// The name of the request: the same however often one attempt sends it, and in every attempt if
/// its author says that repeating it does no harm.
fn key(config: &Config, identity: &Identity) -> String {
    let Identity { run, stage, attempt, .. } = identity;
    match config.idempotent {
        true => format!("{run}/{stage}"),
        false => format!("{run}/{stage}/{attempt}"),
    }
}

impl Caller {
    /// Takes at most half a minute.
    pub(super) async fn exchange(&self, request: Request) -> Exchange {
        let client = match self.client.get_or_init(client) {
            Ok(client) => client,
            Err(error) => return Exchange::NotSent(error.clone()),
        };
        let Request { method, url, headers, body } = request;
        let mut sent = client.request(method, url).headers(headers);
        if let Some(body) = body {
            sent = sent.body(body);
        }
        match sent.send().await {
            Ok(response) => received(response).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                Exchange::NotSent(words("the server cannot be reached", &error))
            }
            Err(error) => Exchange::Unknown(words("no answer came", &error)),
        }
    }
}

fn client() -> Result<Client, String> {
    // One of the same kind may have been chosen before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = Client::builder()
        .user_agent(concat!("gennaker/", env!("CARGO_PKG_VERSION")))
        .timeout(DEADLINE)
        .connect_timeout(CONNECT_DEADLINE)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .dns_resolver(artifacts::addresses::Resolver)
        // A connection that is used again may turn out dead when the request is half sent.
        .pool_max_idle_per_host(0)
        .build();
    client.map_err(|error| words("requests cannot be sent from here", &error))
}

async fn received(mut response: reqwest::Response) -> Exchange {
    let status = response.status();
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            // An answer that broke off is an answer: its status has been told.
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(BODY_LIMIT);
    Exchange::Answered(Response { status, body })
}

/// An error with its causes; without the URL, which may hold what is secret.
fn words(what: &str, error: &reqwest::Error) -> String {
    let mut words = what.to_owned();
    if error.is_timeout() {
        return format!("{what} in time");
    }
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}
