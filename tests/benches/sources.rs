//! An engine over 300 repositories with 9,000 pipelines: `cargo bench -p integration-tests --bench sources`.
//!
//! Prints how long it takes from its start until it is ready and knows them all, cold and warm, what that
//! takes of memory beside an engine without sources, and how long a push takes until its repository is
//! read, with how many repositories were asked for it. The raw limits are git itself in the same run: one
//! call for each repository, and one fetch. `GENNAKER_REPOSITORIES` (300) has 30 pipelines each.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench ends at its first surprise")]

#[path = "common/program.rs"]
mod program;

use git_server::{Change, Repository, Server};
use program::PROGRAM;
use ring::hmac;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const PIPELINES: usize = 30;
const SECRET: &str = "only both sides know of this bench";
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    // `cargo test --benches` only looks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let asked = std::env::var("GENNAKER_REPOSITORIES");
    let count: usize = asked.map_or(300, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let repositories: Vec<Repository> = (0..count).map(|it| filled(&server, it)).collect();
    let folder = tempfile::tempdir().unwrap();
    let bare = Engine::start(folder.path(), ("bare", "version: 1\n"));
    std::thread::sleep(Duration::from_secs(1));
    let base_mib = bare.resident_mib();
    println!("without sources: ready after {:.2?}, {base_mib} MiB", bare.ready);
    drop(bare);

    let platform = platform(&server, count);
    let all = count * PIPELINES;
    for name in ["cold", "warm", "warm", "warm"] {
        let engine = Engine::start(folder.path(), ("full", &platform));
        let (ready, known) = (engine.ready, engine.until_known(all));
        std::thread::sleep(Duration::from_secs(3));
        let mib = engine.resident_mib();
        println!(
            "{name}: ready after {ready:.2?}, {all} pipelines known after {known:.2?}, {mib} MiB, {} over base",
            mib.saturating_sub(base_mib)
        );
    }
    println!("to hold: warm <= 1.5 s and <= 100 MiB over base");
    let raw = each_asked(&repositories);
    println!("raw: one `git rev-parse` for each repository {raw:.2?}");
    push(&server, (&repositories[count / 2], count / 2), (folder.path(), &platform, all));
}

fn file(repository: usize, pipeline: usize) -> String {
    let other = match pipeline % 3 {
        0 => "cron: {schedule: \"30 2 * * 1-5\", timezone: Europe/Berlin}".to_owned(),
        1 => format!(
            "webhook: {{name: built{pipeline}, verify: {{scheme: bearer, secrets: [HOOK]}}}}"
        ),
        _ => format!("pipeline: {{name: p{}}}", pipeline + 1),
    };
    format!(
        "version: 1\nname: p{pipeline}\napplication: r{repository}\ntriggers:\n  \
         - git: {{branches: [main, \"release/**\"], paths: [\"services/p{pipeline}/**\", \"lib/**\", \"!**/*.md\"]}}\n  \
         - {other}\nstages:\n  build: {{setVariables: {{version: \"{pipeline}\"}}}}\n  \
         test: {{needs: [build], wait: {{duration: 1s}}}}\n  done: {{needs: [test], setVariables: {{done: true}}}}\n"
    )
}

fn filled(server: &Server, number: usize) -> Repository {
    let repository = server.repository(&format!("r{number}"));
    let files: Vec<(String, String)> =
        (0..PIPELINES).map(|it| (format!(".gennaker/p{it}.yaml"), file(number, it))).collect();
    let changes: Vec<Change<'_>> =
        files.iter().map(|(path, text)| Change::File(path, text.as_bytes())).collect();
    repository.commit("main", &changes);
    repository
}

fn platform(server: &Server, count: usize) -> String {
    let source = |it: usize| {
        let url = server.url(&format!("r{it}"));
        format!("  - {{git: \"{url}\", poll: 1h, applications: [r{it}]}}\n")
    };
    let sources: String = (0..count).map(source).collect();
    format!(
        "version: 1\nreceivers: {{github: {{provider: github, secrets: [GIT_HOOK]}}}}\nsources:\n{sources}"
    )
}

/// What asking git once for each would take.
fn each_asked(repositories: &[Repository]) -> Duration {
    let began = Instant::now();
    repositories.iter().for_each(|it| drop(it.resolve("refs/heads/main")));
    began.elapsed()
}

/// One more pipeline in one repository, told by a webhook.
fn push(
    server: &Server,
    (repository, number): (&Repository, usize),
    (folder, platform, all): (&Path, &str, usize),
) {
    let engine = Engine::start(folder, ("full", platform));
    engine.until_known(all);
    // Everything was looked at: from here on only the push is asked for.
    let mut before = server.seen().len();
    loop {
        std::thread::sleep(Duration::from_secs(3));
        match server.seen().len() {
            now if now == before => break,
            now => before = now,
        }
    }
    let copy = folder.join("copy.git");
    let url = server.url(&format!("r{number}"));
    git(&["clone", "--quiet", "--mirror", &url, copy.to_str().unwrap()]);
    let before = server.seen().len();
    let text = file(number, PIPELINES);
    let old = repository.resolve("refs/heads/main").unwrap();
    let new = repository.commit("main", &[Change::File(".gennaker/new.yaml", text.as_bytes())]);
    let began = Instant::now();
    engine.tell(&json!({
        "ref": "refs/heads/main", "before": old, "after": new,
        "repository": {"clone_url": url},
    }));
    let known = engine.until(began, |count| count > all);
    let asked: BTreeSet<String> = server.seen()[before..]
        .iter()
        .map(|it| it.path.split('/').nth(1).unwrap_or_default().to_owned())
        .collect();
    let raw = Instant::now();
    git(&["--git-dir", copy.to_str().unwrap(), "fetch", "--quiet"]);
    let raw = raw.elapsed();
    let ratio = known.as_secs_f64() / raw.as_secs_f64();
    println!(
        "a push is read after {known:.2?}, asking {asked:?}; raw: one `git fetch` {raw:.2?}, {ratio:.1}x"
    );
}

fn git(arguments: &[&str]) {
    let status = Command::new("git").args(arguments).status().unwrap();
    assert!(status.success(), "git {arguments:?}");
}

struct Engine {
    child: Child,
    address: String,
    began: Instant,
    ready: Duration,
}

impl Engine {
    fn start(folder: &Path, (name, platform): (&str, &str)) -> Engine {
        let config = folder.join(format!("{name}.yaml"));
        std::fs::write(&config, platform).unwrap();
        let began = Instant::now();
        let mut command = Command::new(&*PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0", "--state"]).arg(folder.join(name));
        command.arg("--config").arg(config).env("GENNAKER_SECRET_GIT_HOOK", SECRET);
        command.env_remove("KUBECONFIG").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref().map_while(Result::ok) {
            address = address.or(line.strip_prefix("for reading: http://").map(str::to_owned));
            if line.starts_with("listening on") {
                break;
            }
        }
        let ready = began.elapsed();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Engine { child, address: address.expect("the engine listens"), began, ready }
    }

    fn resident_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    fn until_known(&self, count: usize) -> Duration {
        self.until(self.began, |known| known >= count)
    }

    fn until(&self, began: Instant, is_enough: impl Fn(usize) -> bool) -> Duration {
        while !is_enough(self.known()) {
            assert!(began.elapsed() < PATIENCE, "{} are known", self.known());
            std::thread::sleep(Duration::from_millis(10));
        }
        began.elapsed()
    }

    /// How many pipelines it knows, page by page.
    fn known(&self) -> usize {
        let (mut count, mut cursor) = (0, String::new());
        loop {
            let url = format!("http://{}/api/v1/catalogue?limit=1000{cursor}", self.address);
            let output = Command::new("curl").args(["-sS", &url]).output().unwrap();
            let page: Value = serde_json::from_slice(&output.stdout).unwrap();
            count += page["items"].as_array().unwrap().len();
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", escaped(next)),
                None => return count,
            }
        }
    }

    fn tell(&self, push: &Value) {
        let body = push.to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let signature = hex::encode(hmac::sign(&key, body.as_bytes()));
        let url = format!("http://{}/receivers/github", self.address);
        let mut command = Command::new("curl");
        command.args(["-sS", "--fail-with-body", &url, "-H", "x-github-event: push"]);
        command.args(["-H", "content-type: application/json", "-H", "x-github-delivery: bench"]);
        command.args(["-H", &format!("x-hub-signature-256: sha256={signature}"), "-d", &body]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn escaped(text: &str) -> String {
    let letter = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}
