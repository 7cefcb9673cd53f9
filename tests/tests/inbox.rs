//! What arrives, as people see it on the command line: listed, shown, looked at again.

mod unread;

use crate::{
    api::Served,
    program::{Talking, gennaker, pipeline},
    wire::{Events, Reply, exchange, get, post, socket},
};
use serde_json::Value;
use std::{
    process::{Output, Stdio},
    time::{Duration, Instant},
};

const SECRET: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

const HOOKED: &str = "version: 1
name: checkout
application: shop
parameters: {tag: {type: string, default: none}}
triggers:
  - webhook: {name: released, verify: {scheme: bearer, secrets: [SHOP_HOOK]}}
    when: trigger.payload.tag != 'skip'
    parameters: {tag: \"${{ trigger.payload.tag }}\"}
stages:
  a: {setVariables: {done: true}}
";

/// An engine that serves the folder in which it was started.
fn serving(files: &[(&str, &str)]) -> Served {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".gennaker")).unwrap();
    for (name, content) in files {
        pipeline(&folder.path().join(".gennaker"), name, content);
    }
    let mut command = gennaker(&folder.path().join("state"), &["serve", "--listen", "127.0.0.1:0"]);
    command.current_dir(folder.path()).env("GENNAKER_SECRET_SHOP_HOOK", SECRET);
    let mut engine = Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"));
    let said = engine.until("listening on");
    let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
    let address = address.unwrap().to_owned();
    Served { folder, engine, address }
}

fn deliver(served: &Served, body: &str) -> Reply {
    let headers = format!("host: x\r\nauthorization: Bearer {SECRET}\r\n");
    let request = post("/hooks/shop/released", &headers, body);
    exchange(socket(&served.socket()), request.as_bytes())
}

fn delivered(served: &Served, body: &str) -> u64 {
    let reply = deliver(served, body);
    assert_eq!(reply.status, 202, "{reply:?}");
    reply.json()["delivery"].as_u64().unwrap()
}

fn asked(served: &Served, arguments: &[&str]) -> Output {
    let mut command = gennaker(&served.state(), arguments);
    command.current_dir(served.folder.path()).output().unwrap()
}

fn told(served: &Served, arguments: &[&str]) -> String {
    let output = asked(served, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(served: &Served, arguments: &[&str]) -> Value {
    serde_json::from_str(&told(served, &[arguments, &["-o", "json"]].concat())).unwrap()
}

/// Waits until a delivery is decided.
fn decided(served: &Served, id: u64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let shown = json(served, &["describe", "delivery", &id.to_string()]);
        if shown["state"] == "decided" {
            return shown;
        }
        assert!(Instant::now() < deadline, "never decided: {shown:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_delivery_is_listed_and_shown_with_what_became_of_it_and_without_an_engine_too() {
    let mut served = serving(&[("checkout.yaml", HOOKED)]);
    let started = delivered(&served, r#"{"tag": "v7"}"#);
    assert_eq!(decided(&served, started)["outcomes"][0]["end"], "started");
    let skipped = delivered(&served, r#"{"tag": "skip"}"#);
    let shown = decided(&served, skipped);
    assert_eq!(shown["outcomes"][0]["end"], "filtered", "{shown:#}");
    assert_eq!(shown["body"], r#"{"tag": "skip"}"#);
    let text = told(&served, &["describe", "delivery", &skipped.to_string()]);
    for words in ["shop/checkout, trigger 1 (webhook): filtered: `when`", "hook shop/released"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let table = |served: &Served| told(served, &["get", "deliveries"]);
    let text = table(&served);
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &str, id: u64| line.trim_start().starts_with(&id.to_string());
    assert!(begins(lines[1], skipped) && lines[1].contains("`when` said no"), "{text}");
    assert!(begins(lines[2], started) && lines[2].ends_with("started checkout#1"), "{text}");
    let newest = told(&served, &["get", "deliveries", "--limit", "1", "-o", "name"]);
    assert_eq!(newest.trim(), skipped.to_string());
    served.until("latest", "succeeded");
    served.engine.child.kill().unwrap();
    served.engine.child.wait().unwrap();
    assert_eq!(table(&served), text);
    let without = json(&served, &["describe", "delivery", &skipped.to_string()]);
    assert_eq!((&without["outcomes"], &without["body"]), (&shown["outcomes"], &Value::Null));
    let replay = asked(&served, &["deliveries", "replay", "1"]);
    let said = String::from_utf8_lossy(&replay.stderr);
    assert!(replay.status.code() == Some(1) && said.contains("gennaker serve"), "{said}");
}

#[test]
fn a_replay_is_a_delivery_of_its_own_by_whoever_asked() {
    let served = serving(&[("checkout.yaml", HOOKED)]);
    let first = delivered(&served, r#"{"tag": "v7"}"#);
    decided(&served, first);
    let again = json(&served, &["deliveries", "replay", &first.to_string(), "--watch"]);
    assert_ne!(again["id"], first);
    assert_eq!(again["door"], format!("replay of {first}"));
    assert_eq!(again["outcomes"][0]["end"], "started", "{again:#}");
    assert_ne!(again["outcomes"][0]["runId"], decided(&served, first)["outcomes"][0]["runId"]);
    assert!(again["askedBy"].as_str().is_some_and(|name| !name.is_empty()), "{again:#}");
    let none = asked(&served, &["deliveries", "replay", "999"]);
    let said = String::from_utf8_lossy(&none.stderr);
    assert!(none.status.code() == Some(1) && said.contains("no delivery 999"), "{said}");
    let hostile = "{\"tag\": \"\\u001b[2J\u{202e}skip\"}";
    let id = delivered(&served, hostile);
    decided(&served, id);
    let text = told(&served, &["describe", "delivery", &id.to_string()]);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn what_is_refused_is_counted_and_told_and_a_flood_of_it_is_a_few_rows() {
    let served = serving(&[("checkout.yaml", HOOKED)]);
    let good = delivered(&served, r#"{"tag": "v7"}"#);
    decided(&served, good);
    let refused = |path: &str, headers: &str, body: &str| {
        exchange(socket(&served.socket()), post(path, headers, body).as_bytes()).status
    };
    let bad = "host: x\r\nauthorization: Bearer somebody else\r\n";
    for _ in 0..200 {
        assert_eq!(refused("/hooks/shop/released", bad, "{}"), 401);
    }
    assert_eq!(refused("/hooks/shop/released", "host: x\r\n", "{}"), 401);
    assert_eq!(refused("/hooks/shop/relaesed", bad, "{}"), 404);
    assert_eq!(deliver(&served, "no json").status, 400);
    let deadline = Instant::now() + Duration::from_secs(30);
    let refusals = loop {
        let told =
            exchange(socket(&served.socket()), get("/api/v1/refusals", "host: x\r\n").as_bytes());
        let told = told.json()["items"].as_array().unwrap().clone();
        if told.len() == 4 {
            break told;
        }
        assert!(Instant::now() < deadline, "{told:#?}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut reasons: Vec<&str> = refusals.iter().map(|it| it["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["badSignature", "nobody", "notSigned", "unreadable"]);
    let text = told(&served, &["describe", "receiver", "shop/released"]);
    for words in [
        "hook shop/released: 1 refused because they were not signed since ",
        "refused for a bad signature since ",
        "started checkout#1",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = told(&served, &["get", "deliveries"]);
    assert!(text.contains("unknown addresses: 1 refused because nothing listens there"), "{text}");
    // What was told: the delivery, what became of it, and one row for each reason, whatever their number.
    let mut events = Events::follow(&served.socket(), "?after=0", "");
    let (mut facts, mut rows) = (Vec::new(), 0);
    while facts.len() < 6 {
        let heard = events.next().unwrap();
        if heard.event == "system" {
            facts.extend(heard.data["facts"].as_array().unwrap().clone());
            rows += 1;
        }
    }
    assert!(rows <= 6, "{facts:#?}");
    let of = |name: &str| facts.iter().filter(|it| it["fact"] == name).collect::<Vec<_>>();
    assert_eq!(of("deliveryArrived")[0]["delivery"], good);
    assert_eq!((&of("deliveryDecided")[0]["started"], of("deliveryDecided").len()), (&1.into(), 1));
    assert_eq!(of("postsRefused").len(), 4, "{facts:#?}");
    assert!(delivered(&served, r#"{"tag": "v8"}"#) > good, "the flood has taken nothing from it");
}

#[test]
fn why_of_a_commit_or_an_image_says_what_became_of_it_or_where_to_look() {
    let served = serving(&[("checkout.yaml", HOOKED)]);
    let commit = "1a2b3c4d5e6f7890123456789012345678901234";
    let body =
        format!(r#"{{"tag": "skip", "commit": "{commit}", "image": "example.com/shop/web:v7"}}"#);
    let id = delivered(&served, &body);
    decided(&served, id);
    let other = delivered(&served, r#"{"tag": "v8", "commit": "00000000aa"}"#);
    let run = decided(&served, other)["outcomes"][0]["runId"].as_str().unwrap().to_owned();
    served.until(&run, "succeeded");
    for asked in [commit, "1A2B3C4", "example.com/shop/web:v7", "shop/web:v7"] {
        let text = told(&served, &["why", asked]);
        assert!(text.starts_with(&format!("delivery {id}: `when` said no")), "{asked}: {text}");
        assert!(!text.contains(&format!("delivery {other}:")), "{asked}: {text}");
    }
    for asked in ["fffffff", "shop/web:v9"] {
        let text = told(&served, &["why", asked]);
        for words in ["nothing that has arrived speaks of", "/receivers/NAME", "poll"] {
            assert!(text.contains(words), "{asked}: {words}: {text}");
        }
    }
    let end = run.rsplit('-').next().unwrap();
    let text = told(&served, &["why", end]);
    assert!(text.starts_with("checkout#1 is succeeded"), "a run's own name wins: {text}");
    let none = asked(&served, &["why", "checkout#9"]);
    assert_eq!(none.status.code(), Some(1), "{none:?}");
}

#[test]
fn pipelines_that_are_served_are_listed_with_their_triggers_and_what_is_wrong() {
    let served = serving(&[
        ("checkout.yaml", HOOKED),
        (
            "broken.yaml",
            "version: 1\nname: broken\ntriggers: [{manual: {}}]\nstages: {a: {wat: 1}}\n",
        ),
        ("nameless.yaml", "stages: []\n"),
    ]);
    let rows = json(&served, &["get", "pipelines"]);
    let row = |name: &str| {
        let rows = rows.as_array().unwrap();
        rows.iter()
            .find(|row| row["pipeline"] == name)
            .unwrap_or_else(|| panic!("{rows:#?}"))
            .clone()
    };
    let good = &row("checkout")["served"][0];
    assert_eq!(
        (&good["standing"], &good["path"]),
        (&"good".into(), &".gennaker/checkout.yaml".into())
    );
    assert_eq!(good["triggers"][0]["looksAt"][0], "hook:shop/released");
    let broken = &row("broken")["served"][0];
    assert_eq!(broken["standing"], "refused");
    assert!(broken["faults"][0].as_str().unwrap().contains("wat"), "{broken:#}");
    assert_eq!(row("")["served"][0]["path"], ".gennaker/nameless.yaml");
    let table = told(&served, &["get", "pipelines"]);
    let line = |begun: &str| table.lines().find(|it| it.starts_with(begun)).unwrap();
    assert!(line("shop").ends_with("webhook") && line("shop").contains(" good "), "{table}");
    assert!(table.contains(".gennaker/broken.yaml: E"), "{table}");
    let names = told(&served, &["get", "pipelines", "-o", "name"]);
    assert_eq!(names, "broken/broken\nshop/checkout\n");
    // It breaks while it is served: what it was stays in force.
    pipeline(
        &served.folder.path().join(".gennaker"),
        "checkout.yaml",
        &format!("{HOOKED}  b: {{wat: 1}}\n"),
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let table = told(&served, &["get", "pipelines"]);
        if table.contains("superseded") {
            assert!(table.contains("an earlier version is in force: E"), "{table}");
            break;
        }
        assert!(Instant::now() < deadline, "{table}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let id = delivered(&served, r#"{"tag": "v7"}"#);
    assert!(decided(&served, id)["outcomes"][0]["end"].is_string());
}

const PUSHED: &str = "version: 1
name: checkout
parameters: {commit: {type: string, default: none}}
triggers:
  - git: {branches: [main], paths: ['src/**']}
    parameters: {commit: \"${{ trigger.commit }}\"}
  - {image: {repository: example.com/shop/web}}
  - {git: {branches: [main]}, enabled: false}
stages:
  a: {setVariables: {done: true}}
";

#[test]
fn a_payload_at_hand_is_tried_on_a_file_without_an_engine() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(folder.path(), "pushed.yaml", PUSHED);
    let hooked = pipeline(folder.path(), "hooked.yaml", HOOKED);
    let commit = "1a2b3c4d5e6f7890123456789012345678901234";
    let push = |branch: &str| {
        serde_json::json!({
            "ref": format!("refs/heads/{branch}"), "before": "f".repeat(40), "after": commit,
            "created": false, "deleted": false, "forced": false,
            "repository": {
                "full_name": "shop/checkout",
                "html_url": "https://github.com/shop/checkout",
                "clone_url": "https://github.com/shop/checkout.git",
                "ssh_url": "git@github.com:shop/checkout.git",
            },
            "pusher": {"name": "ann"}, "sender": {"login": "ann"},
            "head_commit": {"id": commit, "message": "m", "author": {"name": "Ann"}},
        })
        .to_string()
    };
    let tried = |file: &str, body: &str, more: &[&str]| {
        let event = pipeline(folder.path(), "event.json", body);
        let arguments = [&["test-trigger", file, "--event", &event, "-o", "json"], more].concat();
        let output = gennaker(&state, &arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), said)
    };
    let github = ["--provider", "github", "--header", "X-GitHub-Event: push"];
    let (code, told, said) = tried(&file, &push("main"), &github);
    assert_eq!((code, &told["tries"][0]["starts"]), (Some(0), &true.into()), "{told:#} {said}");
    assert_eq!(told["tries"][0]["parameters"]["commit"], commit);
    assert_eq!(told["tries"][1]["filter"], "image", "{told:#}");
    assert_eq!(told["tries"][2]["filter"], "enabled", "{told:#}");
    let (_, told, _) = tried(&file, &push("other"), &github);
    assert_eq!(told["tries"][0]["filter"], "branches", "{told:#}");
    for (path, expected) in [("src/a.rs", Value::Null), ("docs/a.md", "paths".into())] {
        let (_, told, _) =
            tried(&file, &push("main"), &[&github[..], &["--changed", path]].concat());
        assert_eq!(told["tries"][0]["filter"], expected, "{path}: {told:#}");
    }
    let (_, told, _) = tried(&hooked, r#"{"tag": "v7"}"#, &[]);
    assert_eq!(told["tries"][0]["parameters"]["tag"], "v7", "{told:#}");
    let (_, told, _) = tried(&hooked, r#"{"tag": "skip"}"#, &[]);
    assert_eq!(told["tries"][0]["filter"], "when", "{told:#}");
    for (file, body, more, words) in [
        (&file, "{}", &[][..], "--provider"),
        (&file, "{}", &["--provider", "nobody"], "there are"),
        (&file, "no json", &github, "is not what github sends"),
    ] {
        let (code, _, said) = tried(file, body, more);
        assert!(code == Some(1) && said.contains(words), "{words}: {said}");
    }
    let broken =
        pipeline(folder.path(), "broken.yaml", "version: 1\nname: a\nstages: {a: {wat: 1}}\n");
    assert_eq!(tried(&broken, "{}", &[]).0, Some(3));
    assert!(!state.exists(), "nothing is kept");
}

/// Nobody knows who posts to such a hook.
#[test]
fn whoever_proves_nothing_never_reaches_production_and_reaches_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = folder.path().join("shop/.gennaker");
    std::fs::create_dir_all(&pipelines).unwrap();
    for (name, stage) in [
        ("far", "{environment: prod, http: {url: \"http://127.0.0.1:1/\"}}"),
        ("near", "{setVariables: {done: true}}"),
    ] {
        let text = format!(
            "version: 1\nname: {name}\napplication: shop\ntriggers:\n  - webhook: {{name: open, verify: none}}\n\
             stages:\n  a: {stage}\n"
        );
        pipeline(&pipelines, &format!("{name}.yaml"), &text);
    }
    let config = pipeline(
        folder.path(),
        "gennaker.yaml",
        "version: 1
environments:
  prod: {cluster: here, namespace: prod, production: true}
clusters: {here: {}}
http: {allow: [\"GET http://127.0.0.1:1/\"]}
sources: [{directory: shop, applications: [shop], environments: [\"*\"]}]
",
    );
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--config", &config];
    let mut command = gennaker(&folder.path().join("state"), &arguments);
    let mut engine = Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"));
    let said = engine.until("listening on");
    let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
    let served = Served { address: address.unwrap().to_owned(), folder, engine };
    let text = post("/hooks/shop/open", "host: x\r\n", "{}");
    let reply = exchange(socket(&served.socket()), text.as_bytes());
    assert_eq!(reply.status, 202, "{reply:?}");
    let shown = decided(&served, reply.json()["delivery"].as_u64().unwrap());
    let outcomes = shown["outcomes"].as_array().unwrap();
    let of = |name: &str| outcomes.iter().find(|it| it["pipeline"] == name).unwrap();
    let why = of("shop/far")["why"].as_str().unwrap();
    assert!(
        why.contains("prod is a production environment") && why.contains("`verify: none`"),
        "{shown:#}"
    );
    assert_eq!(of("shop/near")["end"], "started", "{shown:#}");
    assert_eq!(served.get("/api/v1/runs").json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn pipelines_that_are_served_come_page_by_page_each_once() {
    let names: Vec<String> = (0..7).map(|it| format!("p{it}.yaml")).collect();
    let texts: Vec<String> =
        (0..7).map(|it| HOOKED.replace("checkout", &format!("checkout{it}"))).collect();
    let files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let served = serving(&files);
    let whole = served.get("/api/v1/catalogue").json();
    assert_eq!(whole["items"].as_array().unwrap().len(), 7, "{whole:#}");
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, Some(String::new()));
    while let Some(from) = cursor {
        let from =
            if from.is_empty() { from } else { format!("&cursor={}", from.replace('/', "%2F")) };
        let page = served.get(&format!("/api/v1/catalogue?limit=3{from}")).json();
        items.extend(page["items"].as_array().unwrap().clone());
        (pages, cursor) = (pages + 1, page["next"].as_str().map(str::to_owned));
    }
    assert_eq!((Value::from(items), pages), (whole["items"].clone(), 3));
    for wrong in ["cursor=x", "cursor=99:x", "colour=red", "limit=x"] {
        assert_eq!(served.get(&format!("/api/v1/catalogue?{wrong}")).status, 400, "{wrong}");
    }
}
