//! The body of a request: JSON, bounded in size, depth, number of values and time.

use crate::{Submission, connection::READ, problem::Problem};
use axum::{
    extract::{FromRequest, Request},
    http::{StatusCode, header::CONTENT_TYPE},
};
use engine_core::{
    event::Seen,
    id::{PlanHash, RunId},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

/// Deeper than this nothing of ours nests.
const DEPTH: usize = 64;
/// All values and keys of a body together.
const VALUES: usize = 20_000;

/// What can be sent, and how large it may be.
pub(crate) trait Accepted: DeserializeOwned {
    const BYTES: usize;

    /// What there is too much of, in words.
    fn excess(&self) -> Option<String> {
        None
    }
}

/// A pipeline with its files.
impl Accepted for Submission {
    const BYTES: usize = 8 * 1024 * 1024;

    fn excess(&self) -> Option<String> {
        Submission::excess(self)
    }
}

/// Why somebody says what they say.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    #[serde(default)]
    pub(crate) reason: String,
}

impl Accepted for Reason {
    const BYTES: usize = 64 * 1024;
}

/// What somebody says to a stage that asks.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) seen: SeenText,
    /// The values that an approval asks for, by id; only `approve` takes them. A text is read as the
    /// declared type says.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    pub(crate) inputs: BTreeMap<String, Value>,
}

/// What was shown to them, as a run's JSON has it. What is said of it here must still be so, else
/// the answer is refused (409) and nothing is recorded.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Seen)]
pub(crate) struct SeenText {
    /// The run's `id`.
    #[schema(value_type = Option<String>, format = "uuid")]
    run: Option<RunId>,
    /// The stage's `attempts`.
    attempt: Option<u32>,
    /// The run's `plan`.
    plan: Option<String>,
}

impl Accepted for Said {
    const BYTES: usize = 64 * 1024;
}

impl From<SeenText> for Seen {
    fn from(SeenText { run, attempt, plan }: SeenText) -> Seen {
        Seen { run, attempt, plan: plan.map(PlanHash) }
    }
}

/// A body that was read.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: Accepted, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Sent<T>, Problem> {
        if !is_json(&request) {
            let words = "send `content-type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words));
        }
        let body = Limited::new(request.into_body(), T::BYTES).collect();
        let body = match tokio::time::timeout(READ, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let words = format!("the body is larger than {} bytes", T::BYTES);
                return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, words));
            }
            Ok(Err(error)) => return Err(Problem::new(StatusCode::BAD_REQUEST, error.to_string())),
            Err(_) => {
                let words = format!("the body did not come within {READ:?}");
                return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, words));
            }
        };
        let sent: T = parsed(&body)?;
        match sent.excess() {
            Some(words) => Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, words)),
            None => Ok(Sent(sent)),
        }
    }
}

fn is_json(request: &Request) -> bool {
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    bounded(body).map_err(|words| Problem::new(StatusCode::BAD_REQUEST, words))?;
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof
            | serde_json::error::Category::Io => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, format!("the body is not what is expected here: {error}"))
    })
}

/// Looks at brackets and commas alone, so that nothing large is built of what is refused.
fn bounded(body: &[u8]) -> Result<(), String> {
    let (mut depth, mut values, mut is_text, mut is_escaped) = (0_usize, 1_usize, false, false);
    for byte in body {
        match (byte, is_text) {
            (_, true) if is_escaped => is_escaped = false,
            (b'\\', true) => is_escaped = true,
            (b'"', _) => is_text = !is_text,
            (_, true) => {}
            (b'[' | b'{', false) => {
                depth += 1;
                values += 1;
            }
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            (b',', false) => values += 1,
            (_, false) => {}
        }
        if depth > DEPTH {
            return Err(format!("the body nests deeper than {DEPTH} levels"));
        }
        if values > VALUES {
            return Err(format!("the body has more than {VALUES} values"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_bounded_in_depth_and_in_number_of_values() {
        for harmless in ["{}", "[[[]]]", r#"{"a": "[[[[,,,,\"[[\\"}"#, "", "]]]]", "\"\\"] {
            assert_eq!(bounded(harmless.as_bytes()), Ok(()), "{harmless}");
        }
        assert_eq!(bounded("[".repeat(DEPTH).as_bytes()), Ok(()));
        assert!(bounded("[".repeat(DEPTH + 1).as_bytes()).unwrap_err().contains("deeper"));
        assert!(bounded("{\"a\":".repeat(1_000_000).as_bytes()).unwrap_err().contains("deeper"));
        let wide = format!("[{}]", "0,".repeat(VALUES));
        assert!(bounded(wide.as_bytes()).unwrap_err().contains("more than"));
        // A text hides nothing after it.
        let hidden = format!("[\"\\\\\"{}", ",[".repeat(DEPTH));
        assert!(bounded(hidden.as_bytes()).unwrap_err().contains("deeper"));
    }
}
