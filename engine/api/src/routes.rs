//! What can be asked and said, under `/api/v1`.

mod deliveries;
mod logs;
mod pages;
mod people;
mod pipelines;
mod runs;
mod stream;

pub use pages::{CataloguePage, DeliveryPage, Page, PipelinePage, RowPage, RunPage};
pub(crate) use runs::{StartedRun, begun};

use crate::{
    gate::gate, health, library, mail, openapi, problem::Problem, repeat, rollback,
    service::Service,
};
use axum::{Router, http::StatusCode, middleware};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Every route, with its description.
pub(crate) fn declared() -> OpenApiRouter<Service> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::openapi))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::show))
        .routes(routes!(runs::events))
        .routes(routes!(runs::plan))
        .routes(routes!(logs::logs))
        .routes(routes!(logs::of_run))
        .routes(routes!(people::tell))
        .routes(routes!(repeat::rerun))
        .routes(routes!(rollback::roll_back))
        .routes(routes!(rollback::cancel_and_roll_back))
        .routes(routes!(repeat::retry))
        .routes(routes!(people::signal))
        .routes(routes!(pipelines::list))
        .routes(routes!(pipelines::validate))
        .routes(routes!(pipelines::plan))
        .routes(routes!(pipelines::schema))
        .routes(routes!(pipelines::catalogue))
        .routes(routes!(library::start))
        .routes(routes!(stream::events))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::refusals))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::replay))
        .routes(routes!(mail::receiver))
        .routes(routes!(mail::receiver_with_secret))
        .routes(routes!(mail::hook))
}

pub(crate) fn routes(service: Service) -> Router {
    let (router, _) = declared().split_for_parts();
    let nothing = || async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here") };
    let not_so = || async {
        let words = "this is not asked for by this method: see /api/v1/openapi.json";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, words)
    };
    router
        .fallback(nothing)
        .method_not_allowed_fallback(not_so)
        .layer(middleware::from_fn_with_state(service.clone(), gate))
        .with_state(service)
}

#[cfg(test)]
mod tests {
    use super::declared;
    use std::collections::BTreeSet;

    /// What stands for everything else.
    const FALLBACK: [&str; 2] = ["/", "/{*__private__axum_fallback}"];

    /// The router's own account of itself: paths are the quoted words that begin with a slash.
    fn routed(router: &axum::Router<super::Service>) -> BTreeSet<String> {
        let account = format!("{router:?}");
        let words = account.split('"').skip(1).step_by(2);
        let paths = words.filter(|word| word.starts_with('/') && !FALLBACK.contains(word));
        paths.map(str::to_owned).collect()
    }

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let (router, document) = declared().split_for_parts();
        let described: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
        assert!(described.len() > 10);
        assert_eq!(routed(&router), described);
        let more = router.route("/hidden", axum::routing::get(|| async {}));
        assert_ne!(routed(&more), described);
    }

    #[test]
    fn whatever_the_description_names_is_in_it() {
        let text = serde_json::to_string(&crate::document()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let named: BTreeSet<&str> =
            text.split("\"#").skip(1).map(|it| it.split('"').next().unwrap()).collect();
        assert!(named.len() > 5, "{named:?}");
        for name in named {
            assert!(document.pointer(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_answer_of_the_description_has_a_shape() {
        let text = serde_json::to_value(crate::document()).unwrap();
        assert_eq!(text["openapi"], "3.1.0");
        for (path, methods) in text["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(!responses.is_empty(), "{method} {path}");
                for (status, response) in responses {
                    let content = response["content"].as_object();
                    assert!(content.is_some_and(|it| it.len() == 1), "{method} {path} {status}");
                }
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
    }
}
