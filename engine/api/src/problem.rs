//! Errors as RFC 9457 has them: `application/problem+json`.

use crate::NotBegun;
use axum::{
    Json,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use engine_core::store::StoreError;
use engine_runtime::{
    engine::{ActError, SignalError},
    reader::{NameError, ReadError},
};
use serde_json::{Value, json};

/// What went wrong, for a person and for a program.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    diagnostics: Vec<Value>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), diagnostics: Vec::new() }
    }

    /// A file with faults.
    pub(crate) fn invalid(diagnostics: Vec<Value>) -> Problem {
        let detail = "the pipeline has faults, see `diagnostics`".to_owned();
        Problem { status: StatusCode::UNPROCESSABLE_ENTITY, detail, diagnostics }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { status, detail, diagnostics } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "type": "about:blank",
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        });
        if !diagnostics.is_empty() {
            body["diagnostics"] = Value::Array(diagnostics);
        }
        let mut response = (status, Json(body)).into_response();
        let media_type = axum::http::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        response
    }
}

impl From<NotBegun> for Problem {
    fn from(error: NotBegun) -> Problem {
        match error {
            NotBegun::Invalid { diagnostics } => Problem::invalid(diagnostics),
            NotBegun::Refused { reason } => Problem::new(StatusCode::CONFLICT, reason),
            NotBegun::Unavailable { reason } => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::NoRun(_) => Problem::new(StatusCode::NOT_FOUND, error.to_string()),
            ReadError::Unreadable { .. } => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
            ReadError::Store(error) => error.into(),
        }
    }
}

impl From<NameError> for Problem {
    fn from(error: NameError) -> Problem {
        match error {
            NameError::None | NameError::Unknown { .. } => {
                Problem::new(StatusCode::NOT_FOUND, error.to_string())
            }
            NameError::Several { .. } => Problem::new(StatusCode::CONFLICT, error.to_string()),
            NameError::Store(error) => error.into(),
        }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Problem {
        match error {
            ActError::NotTaken(_) => Problem::new(StatusCode::CONFLICT, error.to_string()),
            ActError::Read(error) => error.into(),
            ActError::Store(error) => error.into(),
        }
    }
}

impl From<SignalError> for Problem {
    fn from(error: SignalError) -> Problem {
        match error {
            SignalError::Ended { .. } => Problem::new(StatusCode::CONFLICT, error.to_string()),
            SignalError::Refused { .. } => Problem::new(StatusCode::FORBIDDEN, error.to_string()),
            SignalError::Act(error) => error.into(),
        }
    }
}
