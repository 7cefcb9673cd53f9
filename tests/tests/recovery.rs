//! The engine is killed, stopped and crowded; the runs go on.

use crate::program::{Talking, gennaker, pipeline};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

const SIX: &str = "version: 1\nname: six\nstages:
  a: {wait: {duration: 1s}}
  b: {needs: [a], wait: {duration: 1s}}
  c: {needs: [a], wait: {duration: 1s}}
  d: {needs: [b, c], wait: {duration: 1s}}
  e: {needs: [d], wait: {duration: 1s}}
  f: {needs: [d], wait: {duration: 1s}}
";

/// Starts a watched run and reads along until a line says `mark`.
fn run_until(state: &Path, file: &str, mark: &str) -> Child {
    let mut child = gennaker(state, &["run", file, "--watch"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let found = lines.map_while(Result::ok).any(|line| line.contains(mark));
    assert!(found, "the run never said `{mark}`");
    child
}

fn latest(state: &Path) -> Value {
    let output = gennaker(state, &["describe", "run", "latest", "-o", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_run_whose_engine_is_killed_at_any_stage_is_recovered_and_does_nothing_twice() {
    for mark in
        ["started by", "a: running", "a: succeeded", "c: running", "d: running", "f: running"]
    {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let file = pipeline(folder.path(), "six.yaml", SIX);
        let mut child = run_until(&state, &file, mark);
        child.kill().unwrap();
        child.wait().unwrap();
        // At its very beginning it may not have had its place in its group yet.
        let status = latest(&state)["status"].clone();
        assert!(status == "running" || status == "queued", "killed at `{mark}`: {status}");
        let recovered = gennaker(&state, &["recover"]).output().unwrap();
        assert_eq!(recovered.status.code(), Some(0), "{recovered:?}");
        let run = latest(&state);
        assert_eq!(run["status"], "succeeded", "killed at `{mark}`");
        for (id, stage) in run["stages"].as_object().unwrap() {
            assert_eq!(stage["attempts"], 1, "{id}, killed at `{mark}`");
        }
    }
}

#[test]
fn an_interrupted_run_ends_cancelled_and_leaves_nothing_to_recover() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(folder.path(), "six.yaml", SIX);
    let mut child = run_until(&state, &file, "b: running");
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(latest(&state)["status"], "cancelled");
    let recovered = gennaker(&state, &["recover"]).output().unwrap();
    assert!(String::from_utf8_lossy(&recovered.stderr).contains("nothing is unfinished"));
}

#[test]
fn a_second_engine_on_the_same_state_is_refused_with_the_pid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(folder.path(), "six.yaml", SIX);
    let mut child = run_until(&state, &file, "a: running");
    let second = gennaker(&state, &["recover"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&second.stderr).into_owned();
    child.kill().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr.contains(&format!("process {pid} ")), "{stderr}");
}

#[test]
fn a_run_that_was_handed_to_an_engine_goes_on_when_that_engine_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(folder.path(), "six.yaml", SIX);
    let mut first = Talking::start(gennaker(&state, &["serve"]).stdout(Stdio::null()));
    first.until("listening on");
    let arguments = ["run", &file, "--watch"];
    let mut second = Talking::start(gennaker(&state, &arguments).stdout(Stdio::null()));
    second.until("a: running");
    drop(first); // killed
    second.until("this process goes on");
    assert_eq!(second.code(), Some(0));
}
