//! One sentence for whatever waits, the same by every way of asking and at every moment.

mod desk;
mod kinds;

use crate::{
    api::Served,
    doors::slow_server,
    program::{PROGRAM, Talking, gennaker, pipeline},
};
use desk::{Desk, Engine};
use std::{
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const ASK: &str = "version: 1
name: ask
stages:
  goLive: {approval: {message: ship it?}}
  flaky: {needs: [goLive], onFailure: hold, checks: [{assert: 1 > 2, message: not yet}]}
  end: {needs: [flaky], setVariables: {done: true}}
";

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
    let desk = Desk::beside(folder, state.clone(), "latest");
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
