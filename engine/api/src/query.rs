//! Paths and queries; what cannot be read of them is told as a problem.

use crate::problem::Problem;
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{StatusCode, request::Parts},
};
use engine_core::clock::Civil;
use serde::de::DeserializeOwned;

/// The parts of a path.
pub(crate) struct Named<T>(pub(crate) T);

/// What stands behind the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named<T>, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Named(path))
            .map_err(|error| Problem::new(error.status(), error.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Asked<T>, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| Asked(query))
            .map_err(|error| Problem::new(error.status(), error.body_text()))
    }
}

/// A moment, written as RFC 3339.
pub(crate) fn moment(name: &str, text: &str) -> Result<Civil, Problem> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let at = parsed.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    at.map(Civil).ok_or_else(|| {
        let words = format!("`{name}` is a moment, such as 2026-01-31T09:00:00Z, not `{text}`");
        Problem::new(StatusCode::BAD_REQUEST, words)
    })
}
