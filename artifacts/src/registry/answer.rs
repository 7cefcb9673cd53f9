//! One request and its answer, cut at a size, and what the answer means.

use super::{circuit::Wish, error::RegistryError};
use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde_json::Value;
use std::{error::Error, time::Duration};

/// Of a registry's own words in an error, in characters.
const TOLD: usize = 200;

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    Missed { why: String, wish: Wish },
    TooLarge,
}

/// Sends it, and reads at most `limit` bytes.
pub(super) async fn exchange(request: RequestBuilder, limit: usize) -> Result<Answer, NoAnswer> {
    let mut response = request.send().await.map_err(missed)?;
    let (status, headers) = (response.status(), response.headers().clone());
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(NoAnswer::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(missed)? {
        if body.len() + chunk.len() > limit {
            return Err(NoAnswer::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}

fn missed(error: reqwest::Error) -> NoAnswer {
    NoAnswer::Missed { why: words(&error), wish: Wish::None }
}

/// An error with its causes; without the URL, which may hold what is secret.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let (mut told, mut cause) = (Vec::new(), error.source());
    while let Some(inner) = cause {
        told.push(inner.to_string());
        cause = inner.source();
    }
    if told.is_empty() { "the connection broke".to_owned() } else { told.join(": ") }
}

impl Answer {
    /// The answer if it is one, else what it means for a question about `what`.
    pub(super) fn judged(self, (host, what): (&str, &str)) -> Result<Answer, Judged> {
        let code = self.status.as_u16();
        let (host, what) = (host.to_owned(), what.to_owned());
        match code {
            200..=299 | 304 => Ok(self),
            404 | 410 => Err(Judged::Final(RegistryError::Missing { host, what })),
            401 | 403 => {
                let why = self.words();
                Err(Judged::Final(RegistryError::Unauthorised { host, what, why }))
            }
            408 | 425 | 429 | 500..=599 => {
                Err(Judged::Missed { why: self.words(), wish: self.wish() })
            }
            _ => {
                let reason = format!("{} when asked for {what}", self.words());
                Err(Judged::Final(RegistryError::Refused { host, reason }))
            }
        }
    }

    /// Seconds; a date counts as the shortest pause that is asked for at all.
    fn wish(&self) -> Wish {
        let Some(value) = self.headers.get(RETRY_AFTER) else { return Wish::None };
        let seconds = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        Wish::After(Duration::from_secs(seconds.unwrap_or(10)))
    }

    /// The status and, if the registry says something in the form that it should, that.
    fn words(&self) -> String {
        let status = format!("HTTP {}", self.status.as_u16());
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let message = body.pointer("/errors/0/message").and_then(Value::as_str).unwrap_or_default();
        let readable = message.chars().filter(|letter| !letter.is_control()).take(TOLD);
        match readable.collect::<String>() {
            message if message.is_empty() => status,
            message => format!("{status}, {message}"),
        }
    }
}

/// What an answer that is none means.
pub(super) enum Judged {
    Missed { why: String, wish: Wish },
    Final(RegistryError),
}
