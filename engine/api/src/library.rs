//! Pipelines that lie in sources, as people ask for them by name.

use crate::{
    act::Act,
    body::{Accepted, Sent},
    problem::{Problem, Told},
    query::Named,
    routes::{StartedRun, begun},
    service::Service,
    submission::{Begun, NotBegun},
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::{BoxFuture, event::Actor};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest name of a branch or a tag.
const REFERENCE_BYTES: usize = 1_024;

/// Starts what lies in sources.
///
/// # Contract
///
/// Repeating a start with the same key starts nothing more. It may take as long as a repository and a
/// cluster take to answer.
pub trait Library: Send + Sync + 'static {
    fn start(&self, asked: Asked, by: (Actor, String)) -> BoxFuture<'_, Result<Begun, NotBegun>>;
}

/// A pipeline of a source, and with what it is to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub application: String,
    pub pipeline: String,
    pub at: At,
    /// A text is read as on the command line.
    pub parameters: BTreeMap<String, Value>,
}

/// Which version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The newest of the default branch at which its file was whole.
    Newest,
    /// A branch, a tag, or a commit to which a branch of the source leads.
    Reference(String),
}

/// With what a pipeline of a source is to start.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A branch of the source, a tag, or a commit; else the newest version of the default branch.
    #[serde(default, rename = "ref")]
    reference: Option<String>,
    /// A text is read as on the command line.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Object>)]
    parameters: BTreeMap<String, Value>,
}

impl Accepted for Wanted {
    const BYTES: usize = 64 * 1024;
}

/// Starts a pipeline of a source. The engine reads its files from there.
#[utoipa::path(post, path = "/api/v1/catalogue/{application}/{pipeline}/runs", tag = "pipelines", request_body = Wanted,
    params(
        ("application" = String, Path),
        ("pipeline" = String, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = CREATED, body = StartedRun),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn start(
    State(service): State<Service>,
    Named((application, pipeline)): Named<(String, String)>,
    act: Act,
    Sent(Wanted { reference, parameters }): Sent<Wanted>,
) -> Result<(StatusCode, Json<StartedRun>), Problem> {
    let at = match reference {
        None => At::Newest,
        Some(name) if name.len() > REFERENCE_BYTES => {
            let words = format!("`ref` has {} bytes, at most {REFERENCE_BYTES} may be", name.len());
            return Err(Problem::new(StatusCode::BAD_REQUEST, words));
        }
        Some(name) => At::Reference(name),
    };
    let asked = Asked { application, pipeline, at, parameters };
    Ok(begun(service.mailroom.start(asked, (act.actor, act.key)).await?))
}
