//! Who asks for a change, and their own name for the request.

use crate::{Peer, problem::Problem};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use engine_core::event::Actor;

pub(crate) struct Act {
    pub(crate) actor: Actor,
    pub(crate) key: String,
}

/// Who asks.
pub(crate) struct Asker(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Asker, Problem> {
        let actor = parts.extensions.get::<Peer>().and_then(Peer::actor);
        actor.map(Asker).ok_or_else(|| {
            Problem::new(StatusCode::FORBIDDEN, "who asks is not known, so nothing is done")
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Act {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Act, Problem> {
        let Asker(actor) = Asker::from_request_parts(parts, state).await?;
        let key = parts.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        match key {
            // Nobody can take a key of somebody else's, or one that the engine makes for itself.
            Some(key) if (1..=200).contains(&key.len()) => {
                let key = format!("by:{}:{key}", actor.name);
                Ok(Act { actor, key })
            }
            Some(_) | None => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "send an `Idempotency-Key` of 1 to 200 characters, a new one for each request",
            )),
        }
    }
}
