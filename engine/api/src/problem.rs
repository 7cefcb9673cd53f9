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
use serde::Serialize;
use serde_json::Value;

/// Its body.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Told {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    /// The faults of a pipeline, as `gennaker validate --format json` tells them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    diagnostics: Vec<Value>,
}

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
        let status_code = status.as_u16();
        let body = Told { kind: "about:blank", title, status: status_code, detail, diagnostics };
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
            NotBegun::Full { reason } => Problem::new(StatusCode::TOO_MANY_REQUESTS, reason),
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
            NameError::None | NameError::Unknown { .. } | NameError::Gone { .. } => {
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
            ActError::NotAllowed(_) => Problem::new(StatusCode::FORBIDDEN, error.to_string()),
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
            SignalError::Unfit { .. } => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            }
            SignalError::Act(error) => error.into(),
        }
    }
}
