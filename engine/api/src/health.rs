//! Whether this engine lives, whether it can be asked, and its figures.

use crate::{Configuration, service::Service};
use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// A store that takes longer is none to be asked.
const DEADLINE: Duration = Duration::from_secs(2);

/// Begins the line of what does not keep the engine from working, and has to be looked at.
pub const REFUSED: &str = "[!]";

/// The process answers. It does not look at the store: a restart would not mend that.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = OK, body = String)))]
pub(crate) async fn livez() -> &'static str {
    "alive\n"
}

/// It can be asked: the store answers, and the engine is not leaving. A line for each of the
/// two, and one for the platform's file: if that is at fault, what it said before is in force.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = OK, body = String),
    (status = SERVICE_UNAVAILABLE, body = String),
))]
pub(crate) async fn readyz(State(service): State<Service>) -> (StatusCode, String) {
    let store = match tokio::time::timeout(DEADLINE, service.reader.head()).await {
        Ok(Ok(_)) => Ok("store answers".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("the store does not answer within {DEADLINE:?}")),
    };
    let engine = match service.engine.is_leaving() {
        false => Ok("engine begins what is due".to_owned()),
        true => Err("the engine is leaving".to_owned()),
    };
    let checks = [store, engine];
    let status = match checks.iter().all(Result::is_ok) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let lines = checks.map(|check| match check {
        Ok(words) => format!("[+]{words}\n"),
        Err(words) => format!("[-]{words}\n"),
    });
    let configuration = match &*service.configuration.now() {
        Configuration::None => "[+]nothing is restricted: there is no gennaker.yaml\n".to_owned(),
        Configuration::InForce { file } => format!("[+]{file} is in force\n"),
        Configuration::Refused { file, fault } => {
            format!("{REFUSED}{file} is refused, what it said before is in force: {fault}\n")
        }
    };
    (status, lines.concat() + &configuration)
}

/// Figures, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = OK, body = String, content_type = "application/openmetrics-text"),
))]
pub(crate) async fn metrics(State(service): State<Service>) -> Response {
    match service.reader.unfinished().await {
        Ok(gates) => service.metrics.stand(gates.iter().map(|gate| &gate.summary)),
        Err(error) => tracing::warn!(%error, "figures of runs are old"),
    }
    let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, text)], service.metrics.text()).into_response()
}
