//! The API as it describes itself: every operation answers, and answers in the shape it promises.

use crate::{
    program::{Talking, gennaker, pipeline},
    wire::{Reply, exchange, get, post, socket},
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub(crate) const ASK: &str = "version: 1
name: ask
stages:
  goLive: {approval: {message: ship it?, excludeTriggerer: false}}
  end: {needs: [goLive], setVariables: {done: true}}
";
pub(crate) const SHORT: &str =
    "version: 1\nname: short\nstages:\n  a: {setVariables: {done: true}}\n";

/// An engine that serves a state directory of its own.
pub(crate) struct Served {
    pub(crate) folder: TempDir,
    pub(crate) engine: Talking,
    /// `127.0.0.1:port`
    pub(crate) address: String,
}

impl Served {
    pub(crate) fn start() -> Served {
        Served::of(tempfile::tempdir().unwrap(), &[])
    }

    /// With such a platform's file.
    pub(crate) fn with(platform: &str) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let config = pipeline(folder.path(), "gennaker.yaml", platform);
        Served::of(folder, &["--config", &config])
    }

    fn of(folder: TempDir, more: &[&str]) -> Served {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], more].concat();
        let mut command = gennaker(&folder.path().join("state"), &arguments);
        let mut engine = Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"));
        let said = engine.until("listening on");
        let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
        let address = address.unwrap().to_owned();
        Served { folder, engine, address }
    }

    /// The engine dies, and another one goes on with what it has left.
    pub(crate) fn restarted(self) -> Served {
        let Served { folder, engine, .. } = self;
        drop(engine);
        let config = folder.path().join("gennaker.yaml");
        Served::of(folder, &["--config", config.to_str().unwrap()])
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.state().join("engine.sock")
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        exchange(socket(&self.socket()), get(path, "host: x\r\n").as_bytes())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        static KEYS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let key = KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let headers = format!("host: x\r\nidempotency-key: key {key}\r\n");
        exchange(socket(&self.socket()), post(path, &headers, &body.to_string()).as_bytes())
    }

    /// Starts a pipeline by the API and gives its id.
    pub(crate) fn begin(&self, source: &str) -> String {
        let reply = self.post("/api/v1/runs", &json!({"name": "x.yaml", "source": source}));
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a run has such a status.
    pub(crate) fn until(&self, run: &str, status: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let view = self.get(&format!("/api/v1/runs/{run}")).json();
            if view["status"] == status {
                return view;
            }
            assert!(Instant::now() < deadline, "never {status}: {view:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Holds a reply to what the description says of it.
fn as_described(document: &Value, (method, template): (&str, &str), reply: &Reply) {
    let responses = &document["paths"][template][method]["responses"];
    let kind = format!("{}XX", reply.status / 100);
    let exact = reply.status.to_string();
    let response = [exact, kind].iter().find_map(|key| responses.get(key)).unwrap_or_else(|| {
        panic!("{method} {template} answers {}, which is not described: {reply:?}", reply.status)
    });
    let (media, content) = response["content"].as_object().unwrap().iter().next().unwrap();
    assert!(reply.head.contains(&format!("content-type: {media}")), "{template}: {}", reply.head);
    if media.ends_with("json") {
        let mut schema = content["schema"].clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let (body, told) = (reply.json(), format!("{method} {template}"));
        let faults: Vec<String> = validator.iter_errors(&body).map(|it| it.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{told}: {body:#}");
    }
}

fn filled(template: &str, run: &str, word: &str) -> String {
    let path = template.replace("{run}", run).replace("{stage}", "goLive");
    path.replace("{signal}", word).replace("{act}", word)
}

#[test]
fn every_operation_answers_as_the_description_says() {
    let served = Served::start();
    let run = served.begin(ASK);
    served.until(&run, "waiting");
    let document = served.get("/api/v1/openapi.json").json();
    let mut asked = 0;
    for (template, methods) in document["paths"].as_object().unwrap() {
        if methods.get("get").is_some() && !template.ends_with("/events") {
            as_described(&document, ("get", template), &served.get(&filled(template, &run, "")));
            asked += 1;
        }
        if template.contains("{run}") && methods.get("get").is_some() {
            let reply = served.get(&filled(template, "nowhere", ""));
            assert_eq!(reply.status, 404);
            as_described(&document, ("get", template), &reply);
        }
        if methods.get("post").is_some() {
            let reply = served.post(&filled(template, &run, "nonsense"), &json!({"x": 1}));
            assert!((400..500).contains(&reply.status), "{template}: {reply:?}");
            as_described(&document, ("post", template), &reply);
            asked += 1;
        }
    }
    assert!(asked > 12, "{asked}");
    let rows = "/api/v1/runs/{run}/events";
    as_described(&document, ("get", rows), &served.get(&filled(rows, &run, "")));
    let whole = json!({"name": "x.yaml", "source": ASK});
    for (template, word, body, status) in [
        ("/api/v1/pipelines/validate", "", &whole, 200),
        ("/api/v1/pipelines/plan", "", &whole, 200),
        ("/api/v1/pipelines/plan", "", &json!({"name": "x", "source": "version: 1"}), 422),
        ("/api/v1/runs/{run}/{act}", "pause", &json!({"reason": "lunch"}), 202),
        ("/api/v1/runs/{run}/stages/{stage}/{signal}", "approve", &json!({}), 202),
    ] {
        let reply = served.post(&filled(template, &run, word), body);
        assert_eq!(reply.status, status, "{template}: {reply:?}");
        as_described(&document, ("post", template), &reply);
    }
    served.until(&run, "paused");
    assert_eq!(served.post(&format!("/api/v1/runs/{run}/resume"), &json!({})).status, 202);
    let ended = served.until(&run, "succeeded");
    assert_eq!(served.get("/api/v1/runs/latest").json(), ended);
}

#[test]
fn runs_are_listed_by_pages_and_filters_without_their_logs() {
    let served = Served::start();
    // One after the other: of one pipeline the newest waiting run takes the place of the others.
    let all: Vec<String> = (0..5)
        .map(|_| served.begin(SHORT))
        .inspect(|run| drop(served.until(run, "succeeded")))
        .collect();
    let asks = served.begin(ASK);
    served.until(&asks, "waiting");
    let ids = |reply: &Value| -> Vec<String> {
        let items = reply["items"].as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let newest_first: Vec<String> = all.iter().rev().cloned().collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.get(&format!("/api/v1/runs?pipeline=short&limit=2{cursor}")).json();
        assert!(ids(&page).len() <= 2);
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, newest_first);
    let started = served.get(&format!("/api/v1/runs/{}", all[2])).json()["startedAt"].clone();
    let started = started.as_str().unwrap();
    for (query, expected) in [
        ("status=waiting", vec![asks.clone()]),
        ("status=waiting,running", vec![asks.clone()]),
        ("status=failed", vec![]),
        ("application=ask", vec![asks.clone()]),
        ("application=ask&status=succeeded", vec![]),
        (&format!("pipeline=short&startedAfter={started}"), newest_first[..3].to_vec()),
        (&format!("pipeline=short&startedBefore={started}"), newest_first[3..].to_vec()),
    ] {
        assert_eq!(ids(&served.get(&format!("/api/v1/runs?{query}")).json()), expected, "{query}");
    }
    for wrong in ["status=odd", "startedAfter=noon", "cursor=1", "colour=red", "limit=x"] {
        let reply = served.get(&format!("/api/v1/runs?{wrong}"));
        assert_eq!(reply.status, 400, "{wrong}: {reply:?}");
        assert!(reply.head.contains("application/problem+json"), "{wrong}: {}", reply.head);
    }
    let item = served.get("/api/v1/runs?status=waiting").json()["items"][0].clone();
    assert_eq!((&item["waiting"], &item["stages"]["all"]), (&json!("approval"), &json!(2)));
}

#[test]
fn a_log_is_read_page_by_page_and_a_repeated_start_starts_nothing() {
    let served = Served::start();
    let body = json!({"name": "x.yaml", "source": SHORT}).to_string();
    let start = post("/api/v1/runs", "host: x\r\nidempotency-key: same\r\n", &body);
    let id = |reply: Reply| reply.json()["id"].clone();
    let first = id(exchange(socket(&served.socket()), start.as_bytes()));
    assert_eq!(id(exchange(socket(&served.socket()), start.as_bytes())), first);
    let run = first.as_str().unwrap();
    served.until(run, "succeeded");
    let whole = served.get(&format!("/api/v1/runs/{run}/events")).json();
    let (mut rows, mut cursor) = (Vec::new(), Some("0".to_owned()));
    while let Some(from) = cursor {
        let path = format!("/api/v1/runs/{run}/events?limit=1&cursor={from}");
        let page = served.get(&path).json();
        rows.extend(page["items"].as_array().unwrap().clone());
        cursor = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(Value::from(rows.clone()), whole["items"]);
    assert_eq!(rows[0]["events"][0]["event"], "runStarted");
    assert_eq!(
        rows.last().unwrap()["events"].as_array().unwrap().last().unwrap()["event"],
        "runEnded"
    );
}
