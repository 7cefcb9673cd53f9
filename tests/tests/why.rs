//! One sentence for whatever waits, the same by every way of asking and at every moment.

use crate::{
    api::Served,
    doors::slow_server,
    program::{PROGRAM, Talking, gennaker, pipeline},
    wire::{exchange, get, socket},
};
use serde_json::Value;
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const ASK: &str = "version: 1
name: ask
stages:
  goLive: {approval: {message: ship it?}}
  flaky: {needs: [goLive], onFailure: hold, checks: [{assert: 1 > 2, message: not yet}]}
  end: {needs: [flaky], setVariables: {done: true}}
";

/// Whether an engine listens at the moment.
#[derive(Clone, Copy, PartialEq)]
enum Engine {
    Listens,
    Gone,
}

struct Desk {
    folder: TempDir,
    state: PathBuf,
    /// A live tree on a terminal of its own.
    tree: Child,
}

impl Desk {
    /// A desk beside a run that is there already.
    fn beside(folder: TempDir, state: PathBuf) -> Desk {
        let (program, shown) = (PROGRAM.display(), state.display());
        let line = format!("stty cols 400 rows 60; {program} --state {shown} watch latest");
        let transcript = folder.path().join("transcript");
        let tree = Command::new("script")
            .args(["--quiet", "--flush", "--command", &line])
            .arg(&transcript)
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Desk { folder, state, tree }
    }

    fn stdout(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.state, arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one sentence, asked for by every way.
    fn why(&self, stage: &str, engine: Engine) -> String {
        let described = self.stdout(&["describe", "run", "latest", "-o", "json"]);
        let described: Value = serde_json::from_str(&described).unwrap();
        let view = &described["stages"][stage];
        let why = view["why"].as_str().unwrap_or_else(|| panic!("{stage}: {view:#}")).to_owned();
        let status = view["status"].as_str().unwrap();
        let told = self.stdout(&["why", "latest", stage]);
        assert_eq!(told.lines().next_back().unwrap(), format!("{stage}: {status}: {why}"));
        let table = self.stdout(&["describe", "run", "latest"]);
        let ends = |line: &str| line.contains(&format!(" {stage} ")) && line.ends_with(&why);
        assert!(table.lines().any(ends), "{why} is not in {table}");
        if engine == Engine::Listens {
            let path = self.state.join("engine.sock");
            let request = get("/api/v1/runs/latest", "host: x\r\n");
            let view = exchange(socket(&path), request.as_bytes()).json();
            assert_eq!(view["stages"][stage]["why"], why);
        }
        self.until_seen(stage, &why);
        why
    }

    /// Waits until the live tree has such a line.
    fn until_seen(&self, stage: &str, why: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = std::fs::read(self.folder.path().join("transcript")).unwrap_or_default();
            let seen = String::from_utf8_lossy(&seen).into_owned();
            let lines = seen.split(['\r', '\n']);
            let has = |line: &str| line.contains(&format!(" {stage} ")) && line.contains(why);
            if lines.into_iter().any(has) {
                return;
            }
            assert!(Instant::now() < deadline, "the tree never said {why:?}: {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.tree.kill());
        drop(self.tree.wait());
    }
}

fn second_user(program: &Path, state: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut second = Command::new("setpriv");
    second.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    let output = second.arg("--state").arg(state).args(arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_run_that_is_killed_recovered_and_approved_by_a_second_user_says_why_at_each_moment() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        eprintln!("NOT RUN: only root can become a second user of this machine");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    let state = folder.path().join("state");
    let program = folder.path().join("gennaker");
    std::fs::copy(&*PROGRAM, &program).unwrap();
    let file = pipeline(folder.path(), "ask.yaml", ASK);
    let arguments = ["run", &file, "--watch", "--socket-group", "nogroup"];
    let mut run = Talking::start(gennaker(&state, &arguments).stdout(Stdio::null()));
    let said = run.until("goLive: ship it?");
    let desk = Desk::beside(folder, state.clone());
    let asks = desk.why("goLive", Engine::Listens);
    assert!(said.last().unwrap().ends_with(&asks), "{asks}: {said:?}");
    assert_eq!(desk.why("flaky", Engine::Listens), "waits for `goLive`");

    let own = gennaker(&state, &["approve", "latest"]).output().unwrap();
    assert_eq!(own.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&own.stderr).contains("root started the run"));
    assert_eq!(desk.why("goLive", Engine::Listens), asks);

    drop(run); // killed
    assert_eq!(desk.why("goLive", Engine::Gone), asks);

    let arguments = ["recover", "--watch", "--socket-group", "nogroup"];
    let mut recover = Talking::start(gennaker(&state, &arguments).stdout(Stdio::null()));
    let said = recover.until("goLive: ship it?");
    assert!(said.last().unwrap().ends_with(&asks), "{asks}: {said:?}");
    assert_eq!(desk.why("goLive", Engine::Listens), asks);

    let (code, said) = second_user(&program, &state, &["why", "latest", "goLive"]);
    assert_eq!((code, said.trim()), (Some(0), format!("goLive: waiting: {asks}").as_str()));
    let (code, said) = second_user(&program, &state, &["approve", "latest", "-m", "looks fine"]);
    assert_eq!(code, Some(0), "{said}");
    recover.until("goLive: nobody says approve");
    let said = recover.until("flaky: held");
    let held = desk.why("flaky", Engine::Listens);
    assert!(said.last().unwrap().ends_with(&held), "{held}: {said:?}");

    let (code, said) = second_user(&program, &state, &["abort", "latest"]);
    assert_eq!(code, Some(0), "{said}");
    let said = recover.until("flaky: failed");
    let failed = desk.why("flaky", Engine::Gone);
    assert!(said.last().unwrap().ends_with(&failed), "{failed}: {said:?}");
    desk.why("end", Engine::Gone);
}

#[test]
fn how_long_a_stage_usually_takes_is_told_once_enough_runs_have_ended() {
    let served = Served::start();
    let slow = slow_server(1);
    let source = format!("version: 1\nname: slow\nstages:\n  ask: {{http: {{url: \"{slow}\"}}}}\n");
    let why = || {
        let output = gennaker(&served.state(), &["why", "latest", "ask"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let begin = || {
        let run = served.begin(&source);
        served.until(&run, "running");
        run
    };
    let first = begin();
    assert!(
        why().contains("ask: how long it usually takes is not known: 0 earlier runs"),
        "{}",
        why()
    );
    let others: Vec<String> = (0..4).map(|_| begin()).collect();
    [first].iter().chain(&others).for_each(|run| drop(served.until(run, "succeeded")));
    let last = begin();
    let said = why();
    assert!(said.contains("ask: usually takes 1s, the median of 5 earlier runs"), "{said}");
    let view = served.get(&format!("/api/v1/runs/{last}")).json();
    let usual = &view["stages"]["ask"]["usual"];
    assert_eq!(usual["runs"], 5);
    assert!(usual["medianMs"].as_u64().is_some_and(|it| (900..5_000).contains(&it)), "{usual}");
}
