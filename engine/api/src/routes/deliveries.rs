//! What has arrived: listed, shown, looked at again.

use super::pages::{Page, limit};
use crate::{
    act::Act,
    body::{Reason, Sent},
    mail::Replayed,
    problem::{Problem, Told},
    query::{Asked, Named},
    service::Service,
};
use axum::{Json, extract::State, http::StatusCode};
use engine_core::{
    delivery::{About, DeliveryFilter, NotAbout},
    id::DeliveryId,
    view::{DeliveryView, RefusalView},
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Usual and largest number in a page.
const DELIVERIES: (u32, u32) = (50, 200);

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// At most so many: 50 unless said, 200 at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<u64>,
    /// Only those that speak of this: a commit, by 7 of its digits or more, or an image, such as
    /// `host/name:tag`.
    about: Option<String>,
}

/// What has arrived, newest first, and what became of it.
#[utoipa::path(get, path = "/api/v1/deliveries", tag = "inbox", params(List), responses(
    (status = OK, body = Page<DeliveryView>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(service): State<Service>,
    Asked(list): Asked<List>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let limit = limit(list.limit, DELIVERIES);
    let before = list.cursor.map(DeliveryId);
    let about = list.about.as_deref().map(About::from_str).transpose();
    let about = about.map_err(|error: NotAbout| {
        Problem::new(StatusCode::BAD_REQUEST, format!("about: {error}"))
    })?;
    let filter = DeliveryFilter { limit: u32::try_from(limit).ok(), before };
    let found = service.reader.deliveries(filter).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|it| it.id.to_string());
    let wanted = found.iter().filter(|it| about.as_ref().is_none_or(|about| it.speaks_of(about)));
    Ok(Json(Page { items: wanted.map(DeliveryView::new).collect(), next }))
}

/// What was posted and left no delivery, by door and reason; the newest first. Told within a minute.
#[utoipa::path(get, path = "/api/v1/refusals", tag = "inbox", responses(
    (status = OK, body = Page<RefusalView>),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn refusals(
    State(service): State<Service>,
) -> Result<Json<Page<RefusalView>>, Problem> {
    let found = service.reader.refusals().await?;
    Ok(Json(Page { items: found.iter().map(RefusalView::from).collect(), next: None }))
}

/// A delivery with its body, as it is kept.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Whole {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// Cut, and without secrets; none if it had none, or is gone.
    body: Option<String>,
}

/// One delivery: what came, and for each trigger what became of it.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", tag = "inbox", params(("id" = u64, Path)), responses(
    (status = OK, body = Whole),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn show(
    State(service): State<Service>,
    Named(id): Named<u64>,
) -> Result<Json<Whole>, Problem> {
    let id = DeliveryId(id);
    let found = service.reader.delivery(id).await?.ok_or_else(|| none(id))?;
    let body = service.mailroom.body(id).await;
    Ok(Json(Whole { delivery: DeliveryView::new(&found), body }))
}

/// It is looked at again, as a delivery of its own.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Again {
    delivery: u64,
}

/// Has a delivery looked at again, as what it said then.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/replay", tag = "inbox", request_body = Reason,
    params(("id" = u64, Path),
        ("Idempotency-Key" = String, Header, description = "The sender's own name for this request"),
    ),
    responses(
    (status = ACCEPTED, body = Again),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn replay(
    State(service): State<Service>,
    Named(id): Named<u64>,
    act: Act,
    Sent(_): Sent<Reason>,
) -> Result<(StatusCode, Json<Again>), Problem> {
    match service.mailroom.replay(DeliveryId(id), act.actor).await {
        Replayed::As(again) => Ok((StatusCode::ACCEPTED, Json(Again { delivery: again.0 }))),
        Replayed::NoSuch => Err(none(DeliveryId(id))),
        Replayed::Unavailable { reason } => {
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason))
        }
    }
}

fn none(id: DeliveryId) -> Problem {
    let words = format!("there is no delivery {id}: it may be older than what is kept");
    Problem::new(StatusCode::NOT_FOUND, words)
}
