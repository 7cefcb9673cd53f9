//! The ways into the engine: who may do what by which, and what is refused before it is looked at.

use crate::{
    api::{ASK, SHORT, Served},
    program::{Talking, gennaker},
    wire::{Reply, exchange, get, post, socket, tcp},
};
use serde_json::json;
use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn over_tcp(served: &Served, text: &str) -> Reply {
    exchange(tcp(&served.address), text.as_bytes())
}

#[test]
fn over_loopback_one_reads_and_nothing_else() {
    let served = Served::start();
    let run = served.begin(ASK);
    served.until(&run, "waiting");
    let host = format!("host: {}\r\n", served.address);
    for path in ["/api/v1/runs", "/api/v1/runs/latest", "/livez", "/readyz", "/metrics"] {
        assert_eq!(over_tcp(&served, &get(path, &host)).status, 200, "{path}");
    }
    let key = format!("{host}idempotency-key: x\r\n");
    for path in [
        "/api/v1/runs",
        "/api/v1/runs/latest/cancel",
        "/api/v1/runs/latest/stages/goLive/approve",
        "/api/v1/pipelines/validate",
    ] {
        let reply = over_tcp(&served, &post(path, &key, "{}"));
        assert_eq!(reply.status, 403, "{path}: {reply:?}");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("GENNAKER_SERVER=unix:/"), "{detail}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let text = format!("{method} /api/v1/runs HTTP/1.1\r\nconnection: close\r\n{host}\r\n");
        assert_eq!(over_tcp(&served, &text).status, 403, "{method}");
    }
    served.until(&run, "waiting");
}

#[test]
fn a_page_of_another_name_is_refused_by_host_and_by_origin() {
    let served = Served::start();
    let port = served.address.rsplit(':').next().unwrap();
    let ours = format!("host: localhost:{port}\r\n");
    for (headers, status) in [
        (ours.clone(), 200),
        (format!("host: [::1]:{port}\r\n"), 200),
        (format!("{ours}origin: http://127.0.0.1:{port}\r\n"), 200),
        (format!("host: evil.example:{port}\r\n"), 403),
        ("host: localhost\r\n".to_owned(), 403),
        (String::new(), 403),
        (format!("{ours}host: evil.example:{port}\r\n"), 403),
        (format!("{ours}origin: http://evil.example\r\n"), 403),
        (format!("{ours}origin: https://localhost:{port}\r\n"), 403),
        (format!("{ours}origin: null\r\n"), 403),
        (format!("{ours}origin: http://localhost:{port}\r\norigin: http://evil.example\r\n"), 403),
    ] {
        let reply = over_tcp(&served, &get("/api/v1/runs", &headers));
        assert_eq!(reply.status, status, "{headers}: {reply:?}");
    }
    let absolute = get("http://evil.example/api/v1/runs", &ours);
    assert_eq!(over_tcp(&served, &absolute).status, 403);
    let by_socket = get("/api/v1/runs", "host: x\r\norigin: http://evil.example\r\n");
    assert_eq!(exchange(socket(&served.socket()), by_socket.as_bytes()).status, 403);
}

#[test]
fn a_network_is_not_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let output = gennaker(folder.path(), &["serve", "--listen", address]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("only 127.0.0.1 and [::1] are listened on"), "{said}");
    }
}

#[test]
fn what_is_too_large_too_deep_or_no_json_is_answered_in_bounded_time() {
    let served = Served::start();
    let path = "/api/v1/runs";
    let headers = "host: x\r\nidempotency-key: x\r\n";
    let nested = |open: &str, count: usize| format!("{{\"parameters\": {}", open.repeat(count));
    let wide = format!("{{\"parameters\": {{\"a\": [{}1]}}}}", "1,".repeat(4_000_000));
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(17 * 1024 * 1024));
    let mut worst = Duration::ZERO;
    for (words, body, status) in [
        ("deep lists", nested("[", 8_000_000), 400),
        ("deep maps", nested("{\"a\":", 1_000_000), 400),
        ("many values", wide, 400),
        ("large", large, 413),
        ("no JSON", "not json".to_owned(), 400),
        ("nothing", String::new(), 400),
        ("a huge number", "{\"name\": 1e999999999}".to_owned(), 400),
        ("another shape", "[]".to_owned(), 422),
    ] {
        let text = post(path, headers, &body);
        let before = Instant::now();
        let reply = exchange(socket(&served.socket()), text.as_bytes());
        let took = before.elapsed();
        worst = worst.max(took);
        assert!(
            reply.status == status || (status == 413 && reply.status == 0),
            "{words}: {reply:?}"
        );
        assert!(took < Duration::from_secs(2), "{words}: {took:?}");
    }
    println!("the slowest bomb took {worst:?}");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let text = post(path, headers, "{}");
        let text = text.replace("content-type: application/json", &format!("content-type: {kind}"));
        let reply = exchange(socket(&served.socket()), text.as_bytes());
        assert_eq!(reply.status, 415, "{kind}: {reply:?}");
    }
    let long = get("/livez", &format!("host: x\r\nx: {}\r\n", "y".repeat(20_000)));
    assert_eq!(exchange(socket(&served.socket()), long.as_bytes()).status, 431);
    assert_eq!(served.get("/livez").status, 200);
}

#[test]
fn whoever_says_nothing_or_half_a_request_is_shown_out() {
    let served = Served::start();
    let before = Instant::now();
    let said = ["", "GET /livez HTTP/1.1\r\nhost:", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"];
    let mut streams = said.map(|text| {
        let mut stream = socket(&served.socket());
        stream.write_all(text.as_bytes()).unwrap();
        stream
    });
    let body = post("/api/v1/runs", "host: x\r\nidempotency-key: x\r\n", "{}");
    let half = body.replace("content-length: 2", "content-length: 20");
    let reply = exchange(socket(&served.socket()), half.as_bytes());
    assert_eq!(reply.status, 408, "{reply:?}");
    for stream in &mut streams {
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[test]
fn more_connections_than_places_wait_for_a_place() {
    let served = Served::start();
    let idle: Vec<_> = (0..300).map(|_| socket(&served.socket())).collect();
    // By the other door there is room.
    let host = format!("host: {}\r\n", served.address);
    assert_eq!(over_tcp(&served, &get("/livez", &host)).status, 200);
    drop(idle);
    assert_eq!(served.get("/livez").status, 200);
}

#[test]
fn figures_tell_what_ran_and_what_runs() {
    let served = Served::start();
    let (short, ask) = (served.begin(SHORT), served.begin(ASK));
    served.until(&short, "succeeded");
    served.until(&ask, "waiting");
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut wanted = vec![
        "gennaker_runs_active{pipeline=\"ask\",status=\"waiting\"} 1",
        "gennaker_runs_started_total{pipeline=\"short\"} 1",
        "gennaker_run_duration_seconds_count{pipeline=\"short\",result=\"succeeded\"} 1",
        "gennaker_stages_ended_total{type=\"setVariables\",result=\"succeeded\"} 1",
        "gennaker_build_info{version=\"",
        "gennaker_step_duration_seconds_bucket{",
        "gennaker_appends_total ",
        "gennaker_http_requests_total{method=\"POST\",code=\"201\"} 2",
        "# EOF",
    ];
    while !wanted.is_empty() {
        let text = served.get("/metrics").body;
        wanted.retain(|line| !text.contains(line));
        assert!(Instant::now() < deadline, "never told: {wanted:#?} in {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server whose answers come after so many seconds.
pub(crate) fn slow_server(seconds: u64) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut stream = stream;
                std::thread::sleep(Duration::from_secs(seconds));
                let answer = "HTTP/1.1 200 ok\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                drop(stream.write_all(answer.as_bytes()));
            });
        }
    });
    format!("http://{address}/")
}

#[test]
fn an_engine_that_is_told_to_leave_under_load_starts_nothing_more_and_leaves_in_time() {
    let mut served = Served::start();
    let slow = slow_server(6);
    let busy = format!(
        "version: 1\nname: busy\nconcurrency: {{limit: 100}}\nstages:\n  ask: {{http: {{url: \"{slow}\"}}}}\n  after: {{needs: [ask], setVariables: {{x: 1}}}}\n"
    );
    let runs: Vec<String> = (0..40).map(|_| served.begin(&busy)).collect();
    runs.iter().for_each(|run| drop(served.until(run, "running")));
    let mut open = crate::wire::Events::follow(&served.socket(), "", "");
    let before = Instant::now();
    let id = served.engine.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    served.engine.until("leaving");
    // It says so just before it is so.
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut ready = served.get("/readyz");
    while ready.status != 503 {
        assert!(Instant::now() < deadline, "{ready:?}");
        ready = served.get("/readyz");
    }
    assert!(ready.body.contains("[-]the engine is leaving"), "{ready:?}");
    assert_eq!(served.get("/livez").status, 200);
    let refused = served.post("/api/v1/runs", &json!({"name": "x", "source": SHORT}));
    assert_eq!(refused.status, 503, "{refused:?}");
    while open.next().is_some() {}
    let Served { folder, engine, .. } = served;
    assert_eq!(engine.code(), Some(0));
    let took = before.elapsed();
    println!("left after {took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    let state = folder.path().join("state");
    let mut next = Talking::start(gennaker(&state, &["recover"]).stdout(Stdio::null()));
    next.until("succeeded");
    assert_eq!(next.code(), Some(0));
}

#[test]
fn a_step_that_takes_too_long_is_left_to_the_next_engine() {
    let served = Served::start();
    let slow = slow_server(60);
    let run = served
        .begin(&format!("version: 1\nname: long\nstages:\n  ask: {{http: {{url: \"{slow}\"}}}}\n"));
    served.until(&run, "running");
    let before = Instant::now();
    let id = served.engine.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let Served { folder, engine, .. } = served;
    assert_eq!(engine.code(), Some(0));
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    // The lease was given back: the next one need not wait, and finds the run as it was.
    let state = folder.path().join("state");
    let mut next = Talking::start(gennaker(&state, &["serve"]).stdout(Stdio::null()));
    next.until("listening on");
    let told = gennaker(&state, &["get", "runs", "-o", "json"]).output().unwrap();
    let runs: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(runs[0]["status"], "running");
}
