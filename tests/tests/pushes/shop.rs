//! A company: its repository on a server of its own, an engine that watches it, and GitHub's webhooks.

use crate::wire::{exchange, post, tcp};
use crate::{api::Served, program};
use git_server::{Change, Repository, Server};
use serde_json::Value;
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(super) const MAIN: &str = "refs/heads/main";
const SECRET: &str = "the-secret-of-the-hook";
const NOBODY: &str = "0000000000000000000000000000000000000000";
const PATIENCE: Duration = Duration::from_secs(60);

/// Where what senders publish lies.
static PAYLOADS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("payloads");
    let output = Command::new(folder.join("fetch")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/payloads/fetch: {said}");
    folder
});

/// What the platform says of the source.
pub(super) struct Watch {
    pub(super) poll: &'static str,
    /// More keys of the source.
    pub(super) source: String,
    /// More of the platform's file.
    pub(super) platform: String,
}

impl Watch {
    /// So seldom asked that nothing is found that way.
    pub(super) fn by_webhooks() -> Watch {
        let source =
            "branches: [main, feature], applications: [web], environments: [\"*\"]".to_owned();
        Watch { poll: "1h", source, platform: String::new() }
    }

    pub(super) fn by_polling() -> Watch {
        Watch { poll: "5s", ..Watch::by_webhooks() }
    }
}

pub(super) struct Shop {
    pub(super) served: Served,
    pub(super) repository: Repository,
    /// Of another team, which means no good.
    pub(super) evil: Repository,
    pub(super) server: Server,
    _runtime: Runtime,
    secrets: TempDir,
}

impl Shop {
    /// With a first commit, which the engine has seen.
    pub(super) fn open(watch: &Watch) -> Shop {
        Shop::open_with(watch, &[("README.md", "one")])
    }

    pub(super) fn open_with(watch: &Watch, files: &[(&str, &str)]) -> Shop {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start());
        let repository = server.repository("shop/web");
        repository.commit("main", &changes(files));
        let evil = server.repository("evil/evil");
        let secrets = tempfile::tempdir().unwrap();
        std::fs::write(secrets.path().join("WEB_HOOK"), "another-secret").unwrap();
        std::fs::write(secrets.path().join("GIT_HOOK"), SECRET).unwrap();
        let Watch { poll, source, platform } = watch;
        let web = format!("git: \"{}\", poll: {poll}, {source}", server.url("shop/web"));
        let evil_too = format!(
            "git: \"{}\", poll: 1h, branches: [\"**\"], applications: [evil], environments: [\"dev*\"]",
            server.url("evil/evil")
        );
        let text = file((&[web, evil_too], platform), secrets.path());
        let served = Served::with(&text);
        let shop = Shop { served, repository, evil, server, _runtime: runtime, secrets };
        until("the engine has seen the repository", || shop.has_seen(MAIN).then_some(()));
        shop
    }

    /// Puts another platform's file in the place of the one that is there, and waits until the engine
    /// has said so.
    pub(super) fn put(&mut self, (sources, more): (&[String], &str), says: &str) {
        let text = file((sources, more), self.secrets.path());
        let beside = program::pipeline(self.served.folder.path(), ".beside", &text);
        std::fs::rename(beside, self.served.folder.path().join("gennaker.yaml")).unwrap();
        self.served.engine.until(says);
    }

    /// The paths of what the catalogue has, in order.
    pub(super) fn catalogue(&self) -> Vec<String> {
        let items = self.served.get("/api/v1/catalogue").json()["items"].clone();
        let path = |it: &Value| it["path"].as_str().unwrap().to_owned();
        let mut paths: Vec<String> = items.as_array().unwrap().iter().map(path).collect();
        paths.sort();
        paths
    }

    /// Where the engine keeps its copy of the repository.
    pub(super) fn mirror(&self) -> PathBuf {
        let mirrors = std::fs::read_dir(self.served.state().join("repositories")).unwrap();
        let mut mirrors = mirrors.map(|it| it.unwrap().path());
        let is_ours = |it: &PathBuf| {
            let name = it.file_name().unwrap().to_str().unwrap();
            name.starts_with("web-") && !name.contains('.')
        };
        mirrors.find(is_ours).expect("it is named by the repository")
    }

    /// Whether the engine's mirror has the branch as it is.
    fn has_seen(&self, name: &str) -> bool {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(self.mirror());
        let output = git.args(["rev-parse", "--verify", "--quiet", name]).output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        self.repository.resolve(name) == Some(seen)
    }

    pub(super) fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        self.repository.commit(branch, &changes(files))
    }

    /// Tells of a push as GitHub does, and gives what became of it.
    pub(super) fn pushed(&self, name: &str, before: Option<&str>, after: Option<&str>) -> Value {
        self.pushed_to("shop/web", name, (before, after))
    }

    pub(super) fn pushed_to(
        &self,
        repository: &str,
        name: &str,
        (before, after): (Option<&str>, Option<&str>),
    ) -> Value {
        let (repository, (before, after)) =
            (self.server.url(repository), (before.unwrap_or(NOBODY), after.unwrap_or(NOBODY)));
        let mut command = self.github();
        command.args(["push", &repository, name, before, after]);
        self.delivered(command.output().unwrap())
    }

    /// Tells of anything else as GitHub does.
    pub(super) fn told(&self, event: &str, body: &Value) -> Value {
        let mut command = self.github();
        let mut child =
            command.arg(event).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(body.to_string().as_bytes()).unwrap();
        self.delivered(child.wait_with_output().unwrap())
    }

    /// Posts to a pipeline's own address, and gives what became of it.
    pub(super) fn posted(&self, path: &str, words: &str) -> Value {
        let headers = "host: x\r\nauthorization: Bearer another-secret\r\n";
        let text = post(path, headers, &serde_json::json!({ "words": words }).to_string());
        let reply = until("its source is read", || {
            let reply = exchange(tcp(&self.served.address), text.as_bytes());
            (reply.status != 503).then_some(reply)
        });
        assert_eq!(reply.status, 202, "{reply:?}");
        self.decided(&reply.json()["delivery"])
    }

    fn github(&self) -> Command {
        let url = format!("http://{}/receivers/github", self.served.address);
        let mut command = Command::new("node");
        command.arg(PAYLOADS.join("deliver.mjs")).args([&url, SECRET]);
        command
    }

    fn delivered(&self, output: Output) -> Value {
        let said = String::from_utf8(output.stdout).unwrap();
        let (status, body) = said.split_once('\n').unwrap_or_default();
        assert_eq!(status, "202", "{said}{}", String::from_utf8_lossy(&output.stderr));
        let id = serde_json::from_str::<Value>(body).unwrap()["delivery"].clone();
        self.decided(&id)
    }

    fn decided(&self, id: &Value) -> Value {
        until("it is decided", || {
            let view = self.served.get(&format!("/api/v1/deliveries/{id}")).json();
            (view["state"] == "decided").then_some(view)
        })
    }

    /// What has arrived, the newest first.
    pub(super) fn deliveries(&self) -> Vec<Value> {
        let page = self.served.get("/api/v1/deliveries?limit=200").json();
        page["items"].as_array().unwrap().clone()
    }

    /// What came of the finding that speaks of `words`.
    pub(super) fn found(&self, words: &str) -> Value {
        let speaks = |it: &&Value| {
            it["door"].as_str().unwrap().starts_with("poll ")
                && it["happenings"].to_string().contains(&words[..7])
        };
        let id = until("it is found", || {
            self.deliveries().iter().find(speaks).map(|it| it["id"].clone())
        });
        self.decided(&id)
    }

    /// The one run that a delivery has started, as it ended.
    pub(super) fn run_of(&self, delivery: &Value) -> Value {
        let id = outcome(delivery)["runId"].clone();
        let id = id.as_str().unwrap_or_else(|| panic!("it started nothing: {delivery:#}"));
        until("its run has ended", || {
            let view = self.served.get(&format!("/api/v1/runs/{id}")).json();
            let is_over = ["succeeded", "failed", "invalid"].iter().any(|it| view["status"] == *it);
            is_over.then_some(view)
        })
    }
}

fn file((sources, more): (&[String], &str), secrets: &Path) -> String {
    let sources: String = sources.iter().map(|it| format!("\n  - {{{it}}}")).collect();
    format!(
        "version: 1\nsources:{sources}\n\
         receivers: {{github: {{provider: github, secrets: [GIT_HOOK]}}}}\n\
         secrets: {{directory: {}, grants: [{{names: [WEB_HOOK], applications: [web]}}]}}\n\
         {more}",
        secrets.display()
    )
}

fn changes<'a>(files: &'a [(&str, &str)]) -> Vec<Change<'a>> {
    files.iter().map(|(path, text)| Change::File(path, text.as_bytes())).collect()
}

/// The only outcome.
pub(super) fn outcome(delivery: &Value) -> &Value {
    match delivery["outcomes"].as_array().unwrap().as_slice() {
        [one] => one,
        other => panic!("{} outcomes: {delivery:#}", other.len()),
    }
}

/// A pipeline of one stage with such a trigger `git`.
pub(super) fn pipeline(name: &str, trigger: &str) -> String {
    format!(
        "version: 1\nname: {name}\ntriggers:\n  - git: {trigger}\nstages:\n  a: {{setVariables: {{done: true}}}}\n"
    )
}

/// Asks until there is an answer.
pub(super) fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
