//! What happens, while it happens: server-sent events.

use crate::{
    problem::{Problem, Told},
    query::Asked,
    service::Service,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use engine_core::{
    id::Position,
    store::FeedRow,
    view::{RowView, SystemView},
};
use engine_runtime::reader::{Feed, News, Wanted};
use futures::{StreamExt, stream};
use serde::Deserialize;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// A comment that keeps the connection open, and finds out that it is not.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a browser comes back after the stream has broken off.
const RETRY: Duration = Duration::from_secs(3);
/// One stream can follow so many runs by name.
const RUNS: usize = 16;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Follow {
    /// Only what happens to these: names with commas between them.
    run: Option<String>,
    /// Goes on after this position, as `Last-Event-ID` does; without either from now on.
    after: Option<u64>,
}

/// What happens, as it happens. An event `row` has one row of a run's log, `system` one of what is
/// about no run (deliveries, refusals, the configuration), with the row's position as its id; `reset` says that the cursor meant nothing, and where the stream goes on: read again
/// what was made of it.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(
    Follow,
    ("Last-Event-ID" = Option<u64>, Header, description = "The position of the last event that came in"),
), responses(
    (status = OK, body = String, content_type = "text/event-stream"),
    (status = "4XX", body = Told, content_type = "application/problem+json"),
    (status = "5XX", body = Told, content_type = "application/problem+json"),
))]
pub(crate) async fn events(
    State(service): State<Service>,
    Asked(follow): Asked<Follow>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let place = service.streams.clone().try_acquire_owned().map_err(|_| {
        let words = "too many follow already: end another stream, or ask for pages";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, words)
    })?;
    let cursor = last(&headers)?.or(follow.after.map(Position));
    let wanted = wanted(&service, follow.run.as_deref()).await?;
    let feed = service.reader.feed(wanted, cursor).await?;
    let told = stream::unfold(Following { feed, told: VecDeque::new(), _place: place }, next);
    let mut left = service.left.clone();
    let left = async move { drop(left.wait_for(|left| *left).await) };
    let beat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let body = Sse::new(told.take_until(Box::pin(left))).keep_alive(beat);
    // A proxy would gather what is to be seen at once.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], body))
}

fn last(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    let position = id.to_str().ok().and_then(|id| id.parse().ok());
    let position = position.ok_or_else(|| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "`Last-Event-ID` is the id of an event of this stream",
        )
    });
    position.map(|position| Some(Position(position)))
}

async fn wanted(service: &Service, runs: Option<&str>) -> Result<Wanted, Problem> {
    let Some(runs) = runs else { return Ok(Wanted::All) };
    let names: Vec<&str> = runs.split(',').collect();
    if names.len() > RUNS {
        let words = format!("at most {RUNS} runs are followed by name");
        return Err(Problem::new(StatusCode::BAD_REQUEST, words));
    }
    let mut ids = std::collections::BTreeSet::new();
    for name in names {
        ids.insert(service.reader.named(name).await?.run);
    }
    Ok(Wanted::Runs(ids))
}

/// A stream reads on only when what it has told is taken: one page is all that it keeps.
struct Following {
    feed: Feed,
    told: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

async fn next(mut following: Following) -> Option<(Result<Event, Infallible>, Following)> {
    while following.told.is_empty() {
        match following.feed.next().await {
            Ok(News::Rows(rows)) => {
                following.told.extend(rows.into_iter().filter_map(sent));
            }
            Ok(News::Reset { from }) => {
                let body = serde_json::json!({ "from": from });
                following.told.extend(event("reset", from, &body));
            }
            Err(error) => {
                // Whoever follows comes back with the last id.
                tracing::warn!(%error, "a stream ends");
                return None;
            }
        }
    }
    let event = following.told.pop_front()?;
    Some((Ok(event), following))
}

fn sent(row: FeedRow) -> Option<Event> {
    let position = row.position();
    match row {
        FeedRow::Run(row) => event("row", position, &RowView::from(row)),
        FeedRow::System(row) => event("system", position, &SystemView::from(row)),
    }
}

fn event(name: &str, id: Position, body: &impl serde::Serialize) -> Option<Event> {
    let event = Event::default().event(name).id(id.0.to_string()).retry(RETRY);
    event.json_data(body).ok()
}
