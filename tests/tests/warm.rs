//! What an engine knows of its repositories outlives it: the next one has it at once, reads only what is
//! new, and starts nothing of what may be gone.

use crate::{
    program::{gennaker, pipeline},
    wire::{exchange, get, post, socket},
};
use git_server::{Change, Manners, Repository, Server};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(60);
const SHOPS: [&str; 3] = ["alpha", "beta", "gamma"];

/// Three repositories, and the folder of their engine.
struct Company {
    folder: TempDir,
    server: Server,
    repositories: Vec<Repository>,
    _runtime: Runtime,
}

/// An engine of it, which is killed when this is dropped.
struct Engine {
    child: Child,
    state: PathBuf,
    log: PathBuf,
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn text(name: &str, application: &str) -> String {
    format!(
        "version: 1\nname: {name}\napplication: {application}\ntriggers:\n  - webhook: {{name: {name}, \
         verify: none}}\nstages:\n  a: {{setVariables: {{done: true}}}}\n"
    )
}

impl Company {
    fn open() -> Company {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start());
        let folder = tempfile::tempdir().unwrap();
        let mut sources = String::new();
        let repository = |name: &&str| {
            let repository = server.repository(&format!("shop/{name}"));
            for pipeline in ["one", "two"] {
                commit(&repository, name, pipeline);
            }
            let url = server.url(&format!("shop/{name}"));
            sources += &format!("  - {{git: \"{url}\", poll: 5s, applications: [{name}]}}\n");
            repository
        };
        let repositories = SHOPS.iter().map(repository).collect();
        pipeline(folder.path(), "gennaker.yaml", &format!("version: 1\nsources:\n{sources}"));
        counting_git(folder.path());
        Company { folder, server, repositories, _runtime: runtime }
    }

    /// One more engine, which has said that it listens.
    fn serve(&self) -> Engine {
        let (folder, number) = (self.folder.path(), Instant::now().elapsed().as_nanos());
        let log = folder.join(format!("said-{number}-{}", fs::read_dir(folder).unwrap().count()));
        let (state, config) = (folder.join("state"), folder.join("gennaker.yaml"));
        let mut command = gennaker(&state, &["serve", "--config", config.to_str().unwrap()]);
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        command
            .env("PATH", path)
            .env("GENNAKER_LOG", "warn,gennaker=debug")
            .env_remove("KUBECONFIG");
        let child = command.stdout(Stdio::null()).stderr(File::create(&log).unwrap());
        let engine = Engine { child: child.spawn().unwrap(), state, log };
        until("it listens", || engine.said().contains("listening on").then_some(()));
        engine
    }

    /// What git was asked to do, by the folder it was asked in.
    fn asked_of_git(&self) -> Vec<(String, String)> {
        let log = fs::read_to_string(self.folder.path().join("git.log")).unwrap_or_default();
        let line = |line: &str| {
            let (folder, rest) = line.split_once(' ')?;
            let folder = Path::new(folder).file_name()?.to_str()?.to_owned();
            Some((folder, rest.split(' ').nth(1)?.to_owned()))
        };
        log.lines().filter_map(line).collect()
    }

    fn indexes(&self) -> Vec<PathBuf> {
        let mirrors = fs::read_dir(self.folder.path().join("state/repositories")).unwrap();
        let mut all: Vec<PathBuf> =
            mirrors.map(|it| it.unwrap().path().join("gennaker-index")).collect();
        all.sort();
        all
    }
}

/// The git of this machine, which leaves a line of each call.
fn counting_git(folder: &Path) {
    let git = std::process::Command::new("sh").args(["-c", "command -v git"]).output().unwrap();
    let git = String::from_utf8(git.stdout).unwrap();
    let log = folder.join("git.log");
    let script =
        format!("#!/bin/sh\necho \"$PWD $*\" >> {}\nexec {} \"$@\"\n", log.display(), git.trim());
    let path = PathBuf::from(pipeline(folder, "git", &script));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn commit(repository: &Repository, application: &str, name: &str) {
    let (path, text) = (format!(".gennaker/{name}.yaml"), text(name, application));
    repository.commit("main", &[Change::File(&path, text.as_bytes())]);
}

impl Engine {
    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// How many files it has read.
    fn read(&self) -> usize {
        self.said().matches("it is read").count()
    }

    fn get(&self, path: &str) -> Value {
        let stream = socket(&self.state.join("engine.sock"));
        exchange(stream, get(path, "host: x\r\n").as_bytes()).json()
    }

    fn catalogue(&self) -> BTreeSet<(String, String)> {
        let word = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
        let page = self.get("/api/v1/catalogue");
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| (word(it, "application"), word(it, "pipeline"))).collect()
    }

    fn has(&self, application: &str, pipeline: &str) -> bool {
        self.catalogue().contains(&(application.to_owned(), pipeline.to_owned()))
    }

    /// Posts to a pipeline's own address; what became of it so far.
    fn posted(&self, application: &str, hook: &str) -> (u16, String) {
        let stream = socket(&self.state.join("engine.sock"));
        let path = format!("/hooks/{application}/{hook}");
        let reply = exchange(stream, post(&path, "host: x\r\n", "{}").as_bytes());
        let delivery = match reply.status {
            202 => reply.json()["delivery"].to_string(),
            _ => String::new(),
        };
        (reply.status, delivery)
    }

    fn delivery(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/deliveries/{id}"))
    }

    fn decided(&self, id: &str) -> Value {
        until("it is decided", || Some(self.delivery(id)).filter(|it| it["state"] == "decided"))
    }
}

fn until<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// An engine that has seen everything, and is gone.
fn seen(company: &Company) {
    let engine = company.serve();
    until("all are read", || (engine.catalogue().len() == 6).then_some(()));
    assert_eq!(engine.read(), 6, "each once");
    let kept = || company.indexes().iter().all(|it| it.is_file());
    until("all is kept", || kept().then_some(()));
}

#[test]
fn an_engine_that_starts_again_knows_all_at_once_and_reads_only_what_is_new() {
    let company = Company::open();
    seen(&company);
    commit(&company.repositories[1], "beta", "three");
    company.server.behave(Manners::Fails(503));
    let engine = company.serve();
    assert_eq!(engine.catalogue().len(), 6, "though no server tells anything");
    assert_eq!(engine.read(), 0);
    company.server.behave(Manners::Honest);
    until("what is new is seen", || engine.has("beta", "three").then_some(()));
    assert_eq!(engine.read(), 1, "{}", engine.said());
}

#[test]
fn a_push_has_only_its_own_repository_read() {
    let company = Company::open();
    seen(&company);
    let engine = company.serve();
    let listed = |it: &&(String, String)| it.1 == "ls-remote";
    // Each is asked for its branches, and for the main one of them.
    until("all are looked at", || {
        (company.asked_of_git().iter().filter(listed).count() >= 12).then_some(())
    });
    until("nothing is under way", || {
        let before = company.asked_of_git().len();
        std::thread::sleep(Duration::from_millis(500));
        (company.asked_of_git().len() == before).then_some(())
    });
    let before = company.asked_of_git().len();
    commit(&company.repositories[2], "gamma", "three");
    until("it is seen", || engine.has("gamma", "three").then_some(()));
    let asked = company.asked_of_git().split_off(before);
    let reads = asked.iter().filter(|(_, what)| !["ls-remote", "show-ref"].contains(&&**what));
    let folders: BTreeSet<&str> = reads.map(|(folder, _)| folder.as_str()).collect();
    assert!(folders.iter().all(|it| it.starts_with("gamma-")) && folders.len() == 1, "{asked:?}");
}

#[test]
fn what_was_kept_and_is_damaged_is_told_and_read_again() {
    let company = Company::open();
    seen(&company);
    let indexes = company.indexes();
    let mut content = fs::read(&indexes[0]).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(&indexes[0], &content).unwrap();
    let half = fs::read(&indexes[1]).unwrap();
    fs::write(&indexes[1], &half[..half.len() / 2]).unwrap();
    fs::remove_file(&indexes[2]).unwrap();
    let engine = company.serve();
    until("all are read", || (engine.catalogue().len() == 6).then_some(()));
    let said = engine.said();
    assert_eq!(said.matches("it is damaged").count(), 2, "{said}");
    assert_eq!(engine.read(), 6);
}

#[test]
fn nothing_starts_of_what_an_earlier_engine_has_seen_and_is_gone() {
    let company = Company::open();
    seen(&company);
    company.repositories[0].commit("main", &[Change::Delete(".gennaker/one.yaml")]);
    company.server.behave(Manners::Fails(503));
    let engine = company.serve();
    let (status, gone) = engine.posted("alpha", "one");
    assert_eq!(status, 202, "it is kept");
    let (_, stays) = engine.posted("alpha", "two");
    until("it waits", || {
        let waits = engine.delivery(&gone)["waitsFor"].to_string();
        waits.contains("alpha").then_some(())
    });
    company.server.behave(Manners::Honest);
    let gone = engine.decided(&gone);
    assert_eq!(gone["outcomes"], serde_json::json!([]), "{gone:#}");
    let stays = engine.decided(&stays);
    assert_eq!(stays["outcomes"][0]["end"], "started", "{stays:#}");
}

#[test]
fn a_hook_that_nobody_has_read_yet_is_sent_again() {
    let company = Company::open();
    company.server.behave(Manners::Fails(503));
    let engine = company.serve();
    let (status, _) = engine.posted("alpha", "one");
    // Once each was tried, what nobody knows is nobody's.
    assert!([503, 404].contains(&status), "{status}");
    company.server.behave(Manners::Honest);
    let id = until("it is taken", || {
        let (status, id) = engine.posted("alpha", "one");
        (status == 202).then_some(id)
    });
    assert_eq!(engine.decided(&id)["outcomes"][0]["end"], "started");
}
