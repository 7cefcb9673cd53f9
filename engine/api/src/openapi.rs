//! The description of this API, made of the same types that answer.

use crate::routes::declared;
use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use engine_core::{
    event::{RunAct, Signal},
    view::PipelineItem,
};
use std::sync::LazyLock;
use utoipa::{OpenApi, openapi};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    document().to_json().unwrap_or_else(|error| format!("{{\"x\": \"{error}\"}}"))
});

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gennaker",
        description = "The engine's API. Changes are asked for by the socket in the state \
                       directory; over loopback TCP one may read. Errors are \
                       `application/problem+json`."
    ),
    components(schemas(RunAct, Signal, PipelineItem))
)]
struct Head;

pub(crate) fn head() -> openapi::OpenApi {
    let mut head = Head::openapi();
    head.info.version = "v1".to_owned();
    head.info.license = None;
    head
}

/// OpenAPI 3.1.
pub fn document() -> openapi::OpenApi {
    declared().into_openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", responses((status = OK, body = Object)))]
pub(crate) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}
