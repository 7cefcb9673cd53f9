//! What other products were broken by, tried on the whole program; `docs/advisories.md` lists them.

use crate::{
    api::Served,
    bombs::memory_kib,
    wire::{Reply, exchange, post, tcp},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    path::Path,
    time::{Duration, Instant},
};

const SECRET: &str = "f00dfeedf00dfeedf00dfeedf00dfeed";
const CREDENTIALS: &str = "robot:q8Zr2vLk0pTx";

/// An engine with one receiver that has a secret, one that has none, and a hook.
fn served(pipeline: &str) -> (Served, tempfile::TempDir) {
    let outside = tempfile::tempdir().unwrap();
    for (name, value) in [
        ("GIT_HOOK", SECRET),
        ("SHOP_HOOK", SECRET),
        ("REGISTRY", CREDENTIALS),
        ("GIT", CREDENTIALS),
    ] {
        fs::write(outside.path().join(name), value).unwrap();
    }
    let folder = outside.path().join("shop/.gennaker");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("web.yaml"), pipeline).unwrap();
    let secrets = outside.path().display();
    let served = Served::with(&format!(
        "version: 1
sources:
  - {{directory: {secrets}/shop, applications: [shop], environments: [\"*\"]}}
  - {{git: \"https://127.0.0.1:1/x/else.git\", applications: [else], credentials: GIT, poll: 1h}}
receivers:
  github: {{provider: github, secrets: [GIT_HOOK]}}
  forgotten: {{provider: github, secrets: [NOWHERE]}}
  bare: {{provider: dockerHub, secrets: [GIT_HOOK]}}
registries: {{\"127.0.0.1:1\": {{credentials: REGISTRY}}}}
secrets:
  directory: {secrets}
  grants: [{{names: [SHOP_HOOK], applications: [shop]}}]
"
    ));
    (served, outside)
}

const HOOKED: &str = "version: 1
name: web
application: shop
parameters: {tag: {type: string, default: none}}
triggers:
  - webhook: {name: out, verify: {scheme: bearer, secrets: [SHOP_HOOK]}}
stages:
  a: {setVariables: {x: 1}}
";

fn deliveries(served: &Served) -> Vec<Value> {
    served.get("/api/v1/deliveries?limit=200").json()["items"].as_array().unwrap().clone()
}

fn decided(served: &Served, id: &Value) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let view = served.get(&format!("/api/v1/deliveries/{id}")).json();
        if view["state"] == "decided" {
            return view;
        }
        assert!(Instant::now() < deadline, "never decided: {view:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The answer once all sources were tried: until then a hook may be one that nobody has read yet.
fn once_read(served: &Served, request: &str) -> Reply {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = exchange(tcp(&served.address), request.as_bytes());
        if reply.status != 503 {
            return reply;
        }
        assert!(Instant::now() < deadline, "{reply:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// CVE-2024-40634, CVE-2022-31054.
#[test]
fn a_body_without_an_end_is_cut_and_fills_no_memory() {
    let (served, _outside) = served(HOOKED);
    let engine = served.engine.child.id();
    fs::write(format!("/proc/{engine}/clear_refs"), "5").unwrap();
    let before_kib = memory_kib(engine, "VmRSS:");
    let chunk = [b"100000\r\n".as_slice(), &vec![b'['; 1 << 20], b"\r\n"].concat();
    for path in ["/receivers/github", "/hooks/shop/out"] {
        let mut stream = tcp(&served.address);
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = "POST PATH HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.replace("PATH", path).as_bytes()).unwrap();
        let sent_mib = (0..1024).take_while(|_| stream.write_all(&chunk).is_ok()).count();
        assert!(sent_mib < 1024, "{path}: a GiB was taken");
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        // Whoever goes on to speak may not hear why the line is cut.
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{path}: {answer}");
        let length = format!("host: x\r\ncontent-length: {}\r\n", 1_u64 << 30);
        let text = format!("POST {path} HTTP/1.1\r\nconnection: close\r\n{length}\r\n");
        assert_eq!(exchange(tcp(&served.address), text.as_bytes()).status, 413, "{path}");
    }
    let grown_kib = memory_kib(engine, "VmHWM:").saturating_sub(before_kib);
    assert!(grown_kib <= 8 * 1024, "{grown_kib} KiB");
    assert_eq!(deliveries(&served), Vec::<Value>::new());
}

/// CVE-2023-40034: whatever is posted without proof is not even read.
#[test]
fn a_bad_signature_changes_nothing_and_its_body_is_not_looked_at() {
    let (served, _outside) = served(HOOKED);
    let catalogue = served.get("/api/v1/catalogue").body;
    let signature = format!("x-hub-signature-256: sha256={}\r\n", "0".repeat(64));
    let headers = format!("host: x\r\nx-github-event: push\r\nx-github-delivery: 1\r\n{signature}");
    let push = json!({"ref": "refs/heads/main", "after": "1".repeat(40)}).to_string();
    let answers = [push.as_str(), "{", "[[[[", "\0", ""].map(|body| {
        exchange(tcp(&served.address), post("/receivers/github", &headers, body).as_bytes())
    });
    assert_eq!(answers[0].status, 401, "{:?}", answers[0]);
    for answer in &answers[1..] {
        assert_eq!((answer.status, &answer.body), (401, &answers[0].body));
    }
    assert_eq!(served.get("/api/v1/catalogue").body, catalogue);
    let posted = |it: &Value| it["happenings"].as_array().is_some_and(|it| !it.is_empty());
    assert!(!deliveries(&served).iter().any(posted), "{:#?}", deliveries(&served));
}

/// CVE-2025-59531: without a secret there is no receiver, and who asks for it cannot tell.
#[test]
fn a_receiver_without_its_secret_does_not_exist() {
    let (served, _outside) = served(HOOKED);
    let asked = |path: &str| {
        let text = post(path, "host: x\r\nx-github-event: push\r\n", "{}");
        let reply = once_read(&served, &text);
        (reply.status, reply.body)
    };
    let nobody = asked("/receivers/nobody");
    assert_eq!(nobody.0, 404, "{nobody:?}");
    assert_eq!(asked("/receivers/forgotten"), nobody);
    assert_eq!(asked("/hooks/shop/nobody"), asked("/hooks/nobody/out"));
}

/// CVE-2024-27198: a path leads to one door, however it is written.
#[test]
fn no_way_of_writing_a_path_leads_around_a_signature() {
    let (served, _outside) = served(HOOKED);
    let key = "host: x\r\nidempotency-key: x\r\nx-github-event: push\r\n";
    for path in [
        "/receivers/github;.jsp",
        "/receivers/github/",
        "/receivers/github/..",
        "/receivers//github",
        "//receivers/github",
        "/receivers/../api/v1/runs",
        "/receivers/%2e%2e/api/v1/runs",
        "/receivers/github/%2e%2e/%2e%2e/api/v1/runs",
        "/receivers/..%2fapi%2fv1%2fruns",
        "/receivers/github%00",
        "/hooks/shop/out;x",
        "/hooks/shop/../../api/v1/runs",
        "/hooks/shop/out/../../../api/v1/runs",
        "/RECEIVERS/github",
        "/receivers/bare/",
        "/receivers/bare/%20",
    ] {
        let reply = once_read(&served, &post(path, key, "{}"));
        assert!((400..500).contains(&reply.status), "{path}: {reply:?}");
    }
    assert_eq!(deliveries(&served), Vec::<Value>::new());
    assert_eq!(served.get("/api/v1/runs").json()["items"], json!([]));
}

/// CVE-2025-55190: nothing that can be asked has what the engine proves itself or others with.
#[test]
fn no_answer_holds_a_secret_of_a_receiver_a_source_or_a_registry() {
    let (served, outside) = served(HOOKED);
    let bearer = format!("host: x\r\nauthorization: Bearer {SECRET}\r\n");
    let hooked = post(
        "/hooks/shop/out",
        &bearer,
        &json!({"token": SECRET, "more": CREDENTIALS}).to_string(),
    );
    let reply = exchange(tcp(&served.address), hooked.as_bytes());
    assert_eq!(reply.status, 202, "{reply:?}");
    decided(&served, &reply.json()["delivery"]);
    let document = served.get("/api/v1/openapi.json").json();
    let run = served.get("/api/v1/runs").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let mut said = Vec::new();
    for (template, methods) in document["paths"].as_object().unwrap() {
        if methods.get("get").is_some() && !template.ends_with("/events") {
            let path = template.replace("{run}", &run).replace("{stage}", "a").replace("{id}", "1");
            let reply = served.get(&path);
            said.push((path, reply.head + &reply.body));
        }
    }
    assert!(said.len() > 10, "{said:#?}");
    let config = served.folder.path().join("gennaker.yaml");
    for arguments in [["config", "view"].as_slice(), &["config", "view", "--show-origin"]] {
        said.push((arguments.join(" "), told(outside.path(), &config, arguments)));
    }
    let parts = CREDENTIALS.split(':').nth(1).unwrap();
    for (what, text) in said {
        assert!(!text.contains(SECRET) && !text.contains(parts), "{what}: {text}");
    }
}

fn told(folder: &Path, config: &Path, arguments: &[&str]) -> String {
    let mut command = crate::program::gennaker(&folder.join("other-state"), arguments);
    command.arg("--config").arg(config);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// CVE-2026-32613: what others post is never a program, in whichever field it comes to stand.
#[test]
fn expressions_of_triggers_reach_nothing_and_what_is_posted_is_no_expression() {
    let pipeline = HOOKED.replace(
        "secrets: [SHOP_HOOK]}}\n",
        "secrets: [SHOP_HOOK]}}\n    parameters: {tag: \"${{ trigger.payload.tag }}\"}\n",
    );
    let pipeline = pipeline.replace("{x: 1}", "{said: \"${{ parameters.tag }}\"}");
    let (served, outside) = served(&pipeline);
    let bearer = format!("host: x\r\nauthorization: Bearer {SECRET}\r\n");
    for text in
        ["${{ 1 + 1 }}", "{{ env }}", "${secrets.SHOP_HOOK}", "$(id)", "${{ secrets.SHOP_HOOK }}"]
    {
        let body = json!({"tag": text}).to_string();
        let reply =
            exchange(tcp(&served.address), post("/hooks/shop/out", &bearer, &body).as_bytes());
        let delivery = decided(&served, &reply.json()["delivery"]);
        let run =
            delivery["outcomes"][0]["runId"].as_str().unwrap_or_else(|| panic!("{delivery:#}"));
        served.until(run, "succeeded");
        let log = served.get(&format!("/api/v1/runs/{run}/events")).body;
        assert!(log.contains(&json!({"said": text}).to_string()), "{text}: {log}");
    }
    for expression in [
        "T(java.lang.Runtime).getRuntime().exec('id')",
        "load('/etc/passwd')",
        "secrets.SHOP_HOOK == 'x'",
        "env.HOME != ''",
        "process.env.HOME != ''",
        "trigger.payload.class.forName('x')",
        "''.matches('(((((a{99}){99}){99}){99}){99})')",
        "[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, [1,2,3,4,5,6,7,8,9].map(c, [1,2,3,4,5,6,7,8,9].map(d, [1,2,3,4,5,6,7,8,9].map(e, 'x'))))).size() > 0",
    ] {
        let quoted = serde_json::to_string(expression).unwrap();
        let asked = HOOKED.replace(
            "secrets: [SHOP_HOOK]}}\n",
            &format!("secrets: [SHOP_HOOK]}}}}\n    when: {quoted}\n"),
        );
        let file = outside.path().join("hostile.yaml");
        fs::write(&file, asked).unwrap();
        let mut command = crate::program::gennaker(
            &outside.path().join("other-state"),
            &["validate", file.to_str().unwrap()],
        );
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{expression}: {said}");
        assert!(said.contains("error[E"), "{expression}: {said}");
    }
}

/// Each line of the page names tests that are there and that name it.
#[test]
fn every_advisory_of_the_page_is_named_by_its_tests() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let sources = sources(root);
    let page = fs::read_to_string(root.join("docs/advisories.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| CVE-"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 25, "{}", rows.len());
    let mut missing = Vec::new();
    for row in rows {
        let names: Vec<&str> = row[4].split(", ").map(|name| name.trim_matches('`')).collect();
        assert!(!names.is_empty(), "{row:?}");
        for id in row[0].split(", ") {
            let told = |name: &&str| sources.iter().any(|text| documents(text, name).contains(id));
            missing.extend(names.iter().filter(|name| !told(name)).map(|name| (id, *name)));
        }
    }
    assert_eq!(missing, Vec::new());
}

/// What stands above the test of this name.
fn documents<'a>(text: &'a str, name: &str) -> &'a str {
    let Some(at) = text.find(&format!("fn {name}(")) else { return "" };
    let begin = text[..at].rfind("\n\n").unwrap_or(0);
    &text[begin..at]
}

fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        let is_own = !["target", "node_modules", ".git"].iter().any(|it| name == **it);
        if entry.file_type().unwrap().is_dir() && is_own {
            texts.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}
