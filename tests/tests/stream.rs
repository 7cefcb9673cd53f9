//! What happens, followed while it happens.

use crate::{
    api::{ASK, SHORT, Served},
    wire::{Events, Heard, exchange, get, socket},
};
use serde_json::json;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

fn names(heard: &[Heard]) -> Vec<String> {
    let events = heard.iter().flat_map(|it| it.data["events"].as_array().unwrap().clone());
    events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

/// Listens until a run has ended.
fn to_the_end(events: &mut Events) -> Vec<Heard> {
    let mut heard = Vec::new();
    while let Some(event) = events.next() {
        heard.push(event);
        if names(&heard).iter().any(|name| name == "runEnded") {
            return heard;
        }
    }
    panic!("the stream ended: {heard:#?}")
}

#[test]
fn a_stream_tells_each_row_once_and_goes_on_where_it_broke_off() {
    let served = Served::start();
    let other = served.begin(SHORT);
    served.until(&other, "succeeded");
    let run = served.begin(ASK);
    served.until(&run, "waiting");
    let query = format!("?run={run}&after=0");
    let mut first = Events::follow(&served.socket(), &query, "");
    let begun = first.next().unwrap();
    assert_eq!((begun.event.as_str(), &begun.data["run"]), ("row", &json!(run)));
    drop(first); // the connection breaks off
    let resumed = format!("last-event-id: {}\r\n", begun.id);
    let mut second = Events::follow(&served.socket(), &query, &resumed);
    let approve = format!("/api/v1/runs/{run}/stages/goLive/approve");
    assert_eq!(served.post(&approve, &json!({})).status, 202);
    let mut heard = vec![begun];
    heard.extend(to_the_end(&mut second));
    let told: Vec<_> = heard.iter().map(|heard| heard.data.clone()).collect();
    let log = served.get(&format!("/api/v1/runs/{run}/events")).json();
    assert_eq!(json!(told), log["items"]);
    assert!(heard.iter().all(|heard| json!(heard.id) == heard.data["position"]));
}

#[test]
fn a_stream_without_a_run_tells_of_all_from_now_on() {
    let served = Served::start();
    let before = served.begin(SHORT);
    served.until(&before, "succeeded");
    let mut events = Events::follow(&served.socket(), "", "");
    // Only what comes after the stream began is told; it has begun once something is.
    let run = loop {
        let run = served.begin(SHORT);
        if let Some(heard) = events.next() {
            assert_ne!(heard.data["run"], json!(before));
            break run;
        }
    };
    served.until(&run, "succeeded");
    assert!(names(&to_the_end(&mut events)).contains(&"runEnded".to_owned()));
}

#[test]
fn a_cursor_that_means_nothing_is_told_and_a_broken_one_refused() {
    let served = Served::start();
    let run = served.begin(SHORT);
    served.until(&run, "succeeded");
    let mut events = Events::follow(&served.socket(), "?after=1000000", "");
    let reset = events.next().unwrap();
    assert_eq!((reset.event.as_str(), &reset.data["from"]), ("reset", &json!(reset.id)));
    served.begin(SHORT);
    assert_eq!(events.next().unwrap().event, "row");
    for (query, headers, status) in [
        ("", "last-event-id: x\r\n", 400),
        ("?after=x", "", 400),
        ("?run=nowhere", "", 404),
        ("?run=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "", 400),
    ] {
        let text = get(&format!("/api/v1/events{query}"), &format!("host: x\r\n{headers}"));
        let reply = exchange(socket(&served.socket()), text.as_bytes());
        assert_eq!(reply.status, status, "{query}: {reply:?}");
    }
}

/// Takes the oldest rows of the log away, as retention does.
fn forget(served: &Served, up_to: i64) {
    let path = served.state().join("engine.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        let statement = sqlx::query("DELETE FROM log WHERE position <= ?").bind(up_to);
        assert!(statement.execute(&mut connection).await.unwrap().rows_affected() > 0);
    });
}

#[test]
fn a_cursor_older_than_what_is_kept_is_told_so_and_goes_on_with_what_is() {
    let served = Served::start();
    for _ in 0..2 {
        let run = served.begin(SHORT);
        served.until(&run, "succeeded");
    }
    forget(&served, 2);
    let mut events = Events::follow(&served.socket(), "?after=1", "");
    let reset = events.next().unwrap();
    assert_eq!((reset.event.as_str(), reset.id, &reset.data["from"]), ("reset", 2, &json!(2)));
    let next = events.next().unwrap();
    assert_eq!((next.event.as_str(), next.id), ("row", 3));
    // Nothing was missed by who had come as far as that.
    let mut events = Events::follow(&served.socket(), "?after=2", "");
    assert_eq!(events.next().unwrap().id, 3);
}

#[test]
fn a_quiet_stream_is_kept_open_and_streams_have_their_number() {
    let served = Served::start();
    let mut kept: Vec<Events> = (0..64).map(|_| Events::follow(&served.socket(), "", "")).collect();
    let quiet = kept.last_mut().unwrap();
    assert!(quiet.comment());
    let one_more = get("/api/v1/events", "host: x\r\n");
    let reply = exchange(socket(&served.socket()), one_more.as_bytes());
    assert_eq!(reply.status, 503, "{reply:?}");
    drop(kept);
    assert_eq!(served.get("/livez").status, 200);
}
