//! The doors for what is posted by others: `/receivers/NAME` and `/hooks/APPLICATION/NAME`. Whoever
//! posts proves who they are by what they post; the way by which they come proves nothing.

mod reading;

pub(crate) use reading::ALL_BYTES;
pub use reading::Unread;

use crate::{
    connection::READ,
    library::{Asked, Library},
    peer::Peer,
    problem::{Problem, Told},
    service::Service,
    submission::{Begun, NotBegun},
};
use axum::{
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use engine_core::{BoxFuture, event::Actor, id::DeliveryId, view::CatalogueItem};
use reading::{BODY_BYTES, Read, read};
use serde::Serialize;
use std::time::Duration;

/// Whoever is told to come again comes after this time.
const AGAIN_SECONDS: u64 = 1;

/// Takes what is posted, for the pipelines of a library.
///
/// # Contract
///
/// What it answers with [`Received::Kept`] is durable. It answers within a second, or says that it
/// cannot.
pub trait Mailroom: Library {
    /// Before anything of a post is read: whether it is worth it.
    fn knock(&self, from: &Peer, address: &Address) -> Knock;

    fn receive(&self, post: Post) -> BoxFuture<'_, Received>;

    /// A post that was let in was never whole: who it was is not known.
    fn unread(&self, address: &Address, why: Unread);

    /// Has an earlier delivery looked at again.
    fn replay(&self, of: DeliveryId, by: Actor) -> BoxFuture<'_, Replayed>;

    /// What was posted, as it is kept: cut, and without secrets.
    fn body(&self, of: DeliveryId) -> BoxFuture<'_, Option<String>>;

    /// The pipeline files of every source, by source and path.
    ///
    /// At most so many, in the order of these, those that come after such a one.
    fn catalogue(&self, after: Option<(&str, &str)>, most: usize) -> Vec<CatalogueItem>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    Enter,
    /// Nothing listens there.
    Nobody,
    /// Too much has come from there that proved nothing.
    TooMany {
        again: Duration,
    },
}

/// A request, bounded in size.
#[derive(Clone, Debug)]
pub struct Post {
    pub from: Peer,
    pub address: Address,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `rest` stands after the name.
    Receiver {
        name: String,
        rest: String,
    },
    Hook {
        application: String,
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Kept(DeliveryId),
    /// The same has come before.
    Repeated(DeliveryId),
    /// Its id is that of another delivery.
    Conflict(DeliveryId),
    /// Nothing listens there.
    Nobody,
    /// It is not proven to be the sender's.
    Refused,
    /// It is theirs and not what they send.
    Unreadable {
        reason: String,
    },
    TooMany {
        again: Duration,
    },
    Unavailable {
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    As(DeliveryId),
    NoSuch,
    Unavailable { reason: String },
}

/// An engine to which nobody posts.
pub struct NoMailroom;

impl Library for NoMailroom {
    fn start(&self, _: Asked, _: (Actor, String)) -> BoxFuture<'_, Result<Begun, NotBegun>> {
        let reason = "this engine has no sources: start one with `gennaker serve`".to_owned();
        Box::pin(async { Err(NotBegun::Unavailable { reason }) })
    }
}

impl Mailroom for NoMailroom {
    fn knock(&self, _: &Peer, _: &Address) -> Knock {
        Knock::Nobody
    }

    fn receive(&self, _: Post) -> BoxFuture<'_, Received> {
        Box::pin(async { Received::Nobody })
    }

    fn unread(&self, _: &Address, _: Unread) {}

    fn replay(&self, _: DeliveryId, _: Actor) -> BoxFuture<'_, Replayed> {
        let reason = "this engine has no inbox: start one with `gennaker serve`".to_owned();
        Box::pin(async { Replayed::Unavailable { reason } })
    }

    fn body(&self, _: DeliveryId) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }

    fn catalogue(&self, _: Option<(&str, &str)>, _: usize) -> Vec<CatalogueItem> {
        Vec::new()
    }
}

/// It is kept, and will be looked at.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Taken {
    /// `gennaker describe delivery` says what became of it.
    delivery: u64,
}

/// Takes what a provider of webhooks sends. What stands behind the name is the secret of those who
/// can sign nothing.
#[utoipa::path(post, path = "/receivers/{name}", tag = "inbox", params(("name" = String, Path)), responses(
    (status = ACCEPTED, body = Taken), (status = OK, body = Taken, description = "It has come before"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn receiver(
    State(service): State<Service>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    posted(&service, Address::Receiver { name, rest: String::new() }, request).await
}

/// The same with a secret in its path.
#[utoipa::path(post, path = "/receivers/{name}/{secret}", tag = "inbox",
    params(("name" = String, Path), ("secret" = String, Path)), responses(
    (status = ACCEPTED, body = Taken), (status = OK, body = Taken, description = "It has come before"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn receiver_with_secret(
    State(service): State<Service>,
    Path((name, rest)): Path<(String, String)>,
    request: Request,
) -> Response {
    posted(&service, Address::Receiver { name, rest }, request).await
}

/// Takes what is posted to a pipeline's trigger `webhook`.
#[utoipa::path(post, path = "/hooks/{application}/{name}", tag = "inbox",
    params(("application" = String, Path), ("name" = String, Path)), responses(
    (status = ACCEPTED, body = Taken), (status = OK, body = Taken, description = "It has come before"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn hook(
    State(service): State<Service>,
    Path((application, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    posted(&service, Address::Hook { application, name }, request).await
}

async fn posted(service: &Service, address: Address, request: Request) -> Response {
    let from = request.extensions().get::<Peer>().cloned().unwrap_or(Peer::Unknown);
    match service.mailroom.knock(&from, &address) {
        Knock::Enter => {}
        Knock::Nobody => return told(Received::Nobody),
        Knock::TooMany { again } => return told(Received::TooMany { again }),
    }
    let headers = headers(request.headers());
    let read = match declared(request.headers()) {
        Some(length) if length > BODY_BYTES => Err(Unread::TooLarge),
        Some(_) | None => {
            let body = tokio::time::timeout(READ, read(&service.posted, request.into_body()));
            body.await.unwrap_or(Err(Unread::TooSlow))
        }
    };
    match read {
        Ok(Read { body, held: _held }) => {
            let post = Post { from, address, headers, body };
            told(service.mailroom.receive(post).await)
        }
        Err(why) => {
            service.mailroom.unread(&address, why.clone());
            unread(why)
        }
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let header = |(name, value): (&axum::http::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_vec())
    };
    headers.iter().map(header).collect()
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(axum::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn unread(why: Unread) -> Response {
    let problem = match why {
        Unread::TooLarge => {
            let words = format!("the body is larger than {BODY_BYTES} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, words)
        }
        Unread::TooSlow => {
            let words = format!("the body did not come within {READ:?}");
            Problem::new(StatusCode::REQUEST_TIMEOUT, words)
        }
        Unread::NoRoom => {
            let again = Duration::from_secs(AGAIN_SECONDS);
            return told(Received::TooMany { again });
        }
        Unread::BrokenOff { reason } => Problem::new(StatusCode::BAD_REQUEST, reason),
    };
    problem.into_response()
}

/// Whoever proves nothing hears the same, whatever was wrong.
fn told(received: Received) -> Response {
    let taken =
        |status, id: DeliveryId| (status, axum::Json(Taken { delivery: id.0 })).into_response();
    match received {
        Received::Kept(id) => taken(StatusCode::ACCEPTED, id),
        Received::Repeated(id) => taken(StatusCode::OK, id),
        Received::Conflict(id) => {
            let words = format!("delivery {id} came under this id with another body");
            Problem::new(StatusCode::CONFLICT, words).into_response()
        }
        Received::Nobody => {
            Problem::new(StatusCode::NOT_FOUND, "nothing listens here").into_response()
        }
        Received::Refused => {
            let words = "it is not proven to be the sender's: look at the secret on both sides";
            Problem::new(StatusCode::UNAUTHORIZED, words).into_response()
        }
        Received::Unreadable { reason } => {
            Problem::new(StatusCode::BAD_REQUEST, reason).into_response()
        }
        Received::TooMany { again } => {
            let words = "more comes in than is taken: send it again later";
            later(Problem::new(StatusCode::TOO_MANY_REQUESTS, words), again)
        }
        Received::Unavailable { reason } => {
            let again = Duration::from_secs(AGAIN_SECONDS);
            later(Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason), again)
        }
    }
}

fn later(problem: Problem, again: Duration) -> Response {
    let mut response = problem.into_response();
    let seconds = again.as_secs().max(1).to_string();
    if let Ok(value) = HeaderValue::try_from(seconds) {
        response.headers_mut().insert(RETRY_AFTER, value);
    }
    response
}
