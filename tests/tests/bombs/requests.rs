//! Requests to an engine that runs, and answers of servers that its stages ask.

use super::{Cost, GOOD, Judge, WAIT, best, memory_kib, processor, stages};
use crate::{
    api::Served,
    server::{Reaction, Script, Server},
    wire::{Reply, exchange, get, post, socket},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

/// What an engine spends on `work`. Its high-water mark is set back before.
fn spent(served: &Served, work: impl FnOnce()) -> Cost {
    let engine = served.engine.child.id();
    fs::write(format!("/proc/{engine}/clear_refs"), "5").unwrap();
    let (before_kib, (_, before)) = (memory_kib(engine, "VmRSS:"), processor(engine));
    work();
    let (_, after) = processor(engine);
    let peak_kib = memory_kib(engine, "VmHWM:").saturating_sub(before_kib);
    Cost { processor: after - before, peak_kib }
}

/// A request as it stands on the wire, and what may be answered.
struct Request {
    name: String,
    text: String,
    refused: bool,
}

fn sent(name: impl Into<String>, path: &str, body: &str) -> Request {
    static KEYS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let key = KEYS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let headers = format!("host: x\r\nidempotency-key: bomb {key}\r\n");
    Request { name: name.into(), text: post(path, &headers, body), refused: true }
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
const VALIDATE: &str = "/api/v1/pipelines/validate";
const PLAN: &str = "/api/v1/pipelines/plan";
const RUNS: &str = "/api/v1/runs";

/// JSON that is made to hurt, whatever it is sent to.
fn bodies() -> Vec<(&'static str, String)> {
    vec![
        ("open brackets", "[".repeat(1_000_000)),
        ("open braces", "{\"a\":".repeat(500_000)),
        ("brackets", "[".repeat(60) + &"]".repeat(60)),
        ("values", format!("[{}0]", "0,".repeat(1_000_000))),
        ("empty lists", format!("[{}0]", "[],".repeat(1_000_000))),
        (
            "keys",
            format!(
                "{{{}\"z\":0}}",
                (0..200_000).map(|n| format!("\"k{n}\":0,")).collect::<String>()
            ),
        ),
        ("one key", format!("{{{}\"name\":\"x\"}}", "\"name\":\"x\",".repeat(9_000))),
        ("a number", "9".repeat(1_000_000)),
        ("a fraction", format!("{{\"name\":0.{}}}", "9".repeat(1_000_000))),
        ("an exponent", format!("{{\"name\":1e{}}}", "9".repeat(1_000_000))),
        ("a text", format!("{{\"name\":\"{}\"}}", "x".repeat(7_000_000))),
        ("escapes", format!("{{\"name\":\"{}\"}}", "\\u0041".repeat(1_000_000))),
        ("half pairs", format!("{{\"name\":\"{}\"}}", "\\ud800".repeat(500_000))),
        ("backslashes", format!("{{\"name\":\"{}\"}}", "\\\\".repeat(3_000_000))),
        ("a text that never ends", format!("{{\"name\":\"{}", "x".repeat(5_000_000))),
        ("spaces", " ".repeat(7_000_000)),
        ("NUL", "\0".repeat(1_000_000)),
        ("9 MB", format!("\"{}\"", "x".repeat(9_000_000))),
        ("nothing", String::new()),
        ("null", "null".to_owned()),
    ]
}

fn raw() -> Vec<Request> {
    let mut requests = Vec::new();
    for path in [VALIDATE, RUNS, "/api/v1/runs/latest/cancel", "/api/v1/runs/latest/rerun"] {
        let name = |what| format!("{what} to {path}");
        requests.extend(bodies().into_iter().map(|(what, body)| sent(name(what), path, &body)));
    }
    requests
}

fn submission(source: &str) -> Value {
    json!({"name": "bomb.yaml", "source": source})
}

fn with(mut submission: Value, key: &str, value: Value) -> Value {
    submission[key] = value;
    submission
}

fn submissions() -> Vec<(&'static str, Value)> {
    let parameters = |count: usize, value: Value| {
        let given: BTreeMap<String, Value> =
            (0..count).map(|n| (format!("p{n}"), value.clone())).collect();
        with(submission(GOOD), "parameters", json!(given))
    };
    let files = |count: usize, text: &str| {
        let files: BTreeMap<String, &str> =
            (0..count).map(|n| (format!("k8s/f{n}.yaml"), text)).collect();
        let deploy =
            "version: 1\nname: d\nstages: {a: {environment: e, deploy: {manifests: [k8s/]}}}\n";
        let paths: Vec<&String> = files.keys().collect();
        let patterns = json!({"k8s/": paths});
        with(with(submission(deploy), "patterns", patterns), "files", json!(files))
    };
    let declared = |declaration: &str, value: Value| {
        let text = format!("parameters: {{p: {declaration}}}\n{GOOD}");
        with(submission(&text), "parameters", json!({"p": value}))
    };
    let unknown =
        "stages: {}\n".to_owned() + &(0..9_000).map(|n| format!("k{n}: 1\n")).collect::<String>();
    let list: Vec<String> = (0..9_000).map(|n| format!("a{n}")).collect();
    vec![
        (
            "70 files of 45,000 values",
            files(70, &format!("{OBJECT}data: [{}]\n", "1,".repeat(45_000))),
        ),
        (
            "7 files of 1 MB of text",
            files(7, &format!("{OBJECT}data: {{a: \"{}\"}}\n", "x".repeat(1_000_000))),
        ),
        ("90,000 parameters", parameters(90_000, json!("x"))),
        ("9,000 parameters", parameters(9_000, json!("x"))),
        ("100 unknown parameters", parameters(100, json!("x"))),
        ("100 parameters of 60 KB", parameters(100, json!("x".repeat(60_000)))),
        ("a parameter of 7 MB", declared("{type: string}", json!("x".repeat(7_000_000)))),
        ("a parameter of 9,000 texts", declared("{type: list}", json!(list))),
        ("a parameter of maps", declared("{type: string}", json!(vec![json!({"a": 1}); 9_000]))),
        ("a list that is none", declared("{type: list}", json!(vec![vec!["x"; 20]; 400]))),
        ("a list with a text of 7 MB", declared("{type: list}", json!(["x".repeat(7_000_000)]))),
        (
            "a text of 60 KB and a pattern",
            declared("{type: string, pattern: '[01]*1[01]{500}'}", json!("01".repeat(30_000))),
        ),
        ("40,000 files", files(40_000, "")),
        ("2,001 files", files(2_001, "")),
        ("1,900 broken files", files(1_900, "[")),
        ("a file of 7 MB", files(1, &"a".repeat(7_000_000))),
        ("7 files of 1 MB", files(7, &"- ".repeat(500_000))),
        ("a source of 7 MB", submission(&"a".repeat(7_000_000))),
        ("a source of open brackets", submission(&"[".repeat(7_000_000))),
        ("a name of 7 MB", with(submission(&unknown), "name", json!("n".repeat(7_000_000)))),
        ("9,000 faults", submission(&unknown)),
        (
            "9,000 faults and a name of 4,000",
            with(submission(&unknown), "name", json!("n".repeat(4_000))),
        ),
        (
            "9,000 patterns",
            with(
                submission(GOOD),
                "patterns",
                json!((0..9_000).map(|n| (format!("p{n}"), json!([]))).collect::<BTreeMap<_, _>>()),
            ),
        ),
        (
            "9,000 pipelines",
            with(
                submission(GOOD),
                "pipelines",
                json!((0..9_000).map(|n| (format!("p{n}"), json!(""))).collect::<BTreeMap<_, _>>()),
            ),
        ),
        (
            "32 large pipelines",
            with(
                submission(GOOD),
                "pipelines",
                json!(
                    (0..32)
                        .map(|n| (format!("p{n}"), json!("a: 1\n".repeat(40_000))))
                        .collect::<BTreeMap<_, _>>()
                ),
            ),
        ),
        ("5,000 stages", submission(&stages(5_000, |_| format!("{{{WAIT}}}")))),
        (
            "990 large conditions",
            submission(&stages(990, |_| {
                format!("{{when: \"{}\", {WAIT}}}", ["true"; 60].join(" && "))
            })),
        ),
    ]
}

/// Large, and nothing is wrong with it.
const FINE: &str = "a parameter of 9,000 texts";

fn large() -> Vec<Request> {
    let mut requests = Vec::new();
    for (name, body) in submissions() {
        for path in [VALIDATE, PLAN, RUNS] {
            let request = sent(format!("{name} to {path}"), path, &body.to_string());
            requests.push(Request { refused: name != FINE, ..request });
        }
    }
    requests
}

fn heads() -> Vec<Request> {
    let asked = |name: &str, path: String| Request {
        name: name.to_owned(),
        text: get(&path, "host: x\r\n"),
        refused: true,
    };
    let long = "x".repeat(15_000);
    let headers = |count: usize| (0..count).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    vec![
        asked("an id of 15,000", format!("/api/v1/runs/{long}")),
        asked("an id of escapes", format!("/api/v1/runs/{}", "%F0%9F%92%A3".repeat(1_000))),
        asked("an id of broken escapes", format!("/api/v1/runs/{}", "%ff".repeat(4_000))),
        asked("an id that goes up", format!("/api/v1/runs/{}", "..%2f".repeat(2_000))),
        asked("a stage of 15,000", format!("/api/v1/runs/latest/stages/{long}/logs")),
        asked("a cursor of 15,000", format!("/api/v1/runs?cursor={long}")),
        asked("2,000 filters", format!("/api/v1/runs?{}", "status=running&".repeat(900))),
        asked("an unknown filter of 15,000", format!("/api/v1/runs?{long}=1")),
        asked("a limit of digits", format!("/api/v1/runs?limit={}", "9".repeat(15_000))),
        asked("a path of 40,000", format!("/{}", "a/".repeat(20_000))),
        Request {
            name: "a header of 20,000".to_owned(),
            text: get("/livez", &format!("host: x\r\nx-y: {}\r\n", "z".repeat(20_000))),
            refused: true,
        },
        Request {
            name: "900 headers".to_owned(),
            text: get("/livez", &format!("host: x\r\n{}", headers(900))),
            refused: true,
        },
        Request {
            name: "100 cookies".to_owned(),
            text: get("/livez", &format!("host: x\r\n{}", "cookie: a=b\r\n".repeat(90))),
            refused: false,
        },
        Request { name: "no request".to_owned(), text: "\u{0}".repeat(100_000), refused: true },
        Request {
            name: "lengths".to_owned(),
            text: format!(
                "POST {RUNS} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n",
                "9".repeat(200)
            ),
            refused: true,
        },
    ]
}

#[test]
fn requests_that_are_made_to_hurt_cost_an_engine_little() {
    let served = Served::start();
    // What it needs for the first request of all is not of the bombs.
    assert_eq!(served.post(VALIDATE, &submission(GOOD)).status, 200);
    let mut judge = Judge::default();
    for request in [raw(), large(), heads()].into_iter().flatten() {
        let mut reply = None;
        let cost = best(|| {
            spent(&served, || {
                let text = request.text.as_bytes();
                reply = Some(exchange(socket(&served.socket()), text));
            })
        });
        let reply: Reply = reply.unwrap();
        let is_refusal = |reply: &Reply| match reply.status {
            // Of what is not HTTP, or is too much of it, the connection is all that is heard.
            0 | 400..500 => true,
            200 => reply.body.contains("\"valid\":false"),
            _ => false,
        };
        assert!(is_refusal(&reply) || !request.refused, "{}: {}", request.name, reply.head);
        judge.add(&request.name, cost);
    }
    assert_eq!(served.get("/livez").status, 200, "the engine lives");
    judge.end("requests", 150);
}

/// What a server may answer, and what is asked of it.
fn answers() -> Vec<(&'static str, String)> {
    let mib = 1024 * 1024 - 64;
    vec![
        ("open brackets", "[".repeat(mib)),
        ("open braces", "{\"a\":".repeat(mib / 5)),
        ("brackets", "[".repeat(120) + &"]".repeat(120)),
        ("numbers", format!("[{}0]", "0,".repeat(mib / 2 - 4))),
        ("empty lists", format!("[{}0]", "[],".repeat(mib / 3 - 4))),
        ("empty maps", format!("[{}0]", "{},".repeat(mib / 3 - 4))),
        (
            "keys",
            format!(
                "{{{}\"z\":0}}",
                (0..90_000).map(|n| format!("\"{n:x}\":0,")).collect::<String>()
            ),
        ),
        ("a number", "9".repeat(mib)),
        ("a text", format!("\"{}\"", "x".repeat(mib - 8))),
        ("escapes", format!("\"{}\"", "\\u00e9".repeat(mib / 6 - 4))),
        ("no JSON", "x".repeat(mib)),
        ("2 MiB", "1".repeat(2 * mib)),
    ]
}

#[test]
fn answers_that_are_made_to_hurt_cost_an_engine_little() {
    let answers = answers();
    let script: Vec<(&'static str, &'static [Reaction])> = answers
        .iter()
        .enumerate()
        .map(|(n, (_, body))| {
            let path: &'static str = Box::leak(format!("/{n}").into_boxed_str());
            let body: &'static str = Box::leak(body.clone().into_boxed_str());
            (path, &*Box::leak(vec![Reaction::Answer(200, body)].into_boxed_slice()))
        })
        .collect();
    let script: Script = Box::leak(script.into_boxed_slice());
    let server = Server::start(script);
    let served = Served::start();
    let good = served.begin(GOOD);
    served.until(&good, "succeeded");
    let mut judge = Judge::default();
    for (n, (name, _)) in answers.iter().enumerate() {
        let url = format!("{}/{n}", server.address);
        let conditions = ["json.all(x, x == x)", "json == json", "size(json) > 0"]
            .map(|it| format!("(has(json.a) || {it})"))
            .join(" || ");
        let source = format!(
            "version: 1\nname: ask\nstages:\n  a: {{http: {{url: \"{url}\", expect: {{assert: \"{conditions}\"}}}}, onFailure: continue}}\n"
        );
        let cost = spent(&served, || {
            let run = served.begin(&source);
            served.until(&run, "succeeded");
        });
        judge.add(name, cost);
    }
    judge.end("answers", 12);
}
