//! Pipelines that start others, by the whole program.

use crate::program::{Talking, gennaker, pipeline};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
};

const PARENT: &str = "version: 1
name: release
stages:
  schema: {pipeline: {name: schema, parameters: {version: v7}}}
  after: {needs: [schema], setVariables: {ran: \"${{ stages.schema.outputs.label }}\"}}
";

const CHILD: &str = "version: 1
name: schema
application: release
parameters: {version: {type: string, required: true}}
stages:
  go: {approval: {excludeTriggerer: false, message: \"schema ${{ parameters.version }}\"}}
";

fn begin(state: &Path, file: &str) -> Talking {
    let mut command: Command = gennaker(state, &["run", file, "--watch"]);
    Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"))
}

fn told(state: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = gennaker(state, arguments).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn described(state: &Path, run: &str) -> Value {
    let output = gennaker(state, &["describe", "run", run, "-o", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

struct Folder {
    folder: tempfile::TempDir,
    file: String,
}

impl Folder {
    fn new() -> Folder {
        let folder = tempfile::tempdir().unwrap();
        pipeline(folder.path(), "schema.yaml", CHILD);
        let file = pipeline(folder.path(), "release.yaml", PARENT);
        Folder { folder, file }
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Until the child asks.
    fn asking(&self) -> Talking {
        let mut run = begin(&self.state(), &self.file);
        run.until("schema: waits for the end of schema#1");
        let asks = || described(&self.state(), "schema#1")["status"] == "waiting";
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !asks() {
            assert!(std::time::Instant::now() < deadline, "the child never asks");
            std::thread::yield_now();
        }
        run
    }
}

#[test]
fn a_stage_waits_for_the_run_that_it_starts_and_hands_on_what_came_of_it() {
    let folder = Folder::new();
    let state = folder.state();
    let run = folder.asking();
    let child = described(&state, "schema#1");
    assert_eq!(
        (child["parent"].as_str(), child["trigger"]["type"].as_str()),
        (Some("release#1"), Some("pipeline"))
    );
    assert_eq!(told(&state, &["approve", "schema#1"]).0, Some(0));
    assert_eq!(run.code(), Some(0));
    let parent = described(&state, "release#1");
    assert_eq!(parent["stages"]["schema"]["status"], "succeeded");
    assert_eq!(parent["stages"]["schema"]["attempts"], 1);
}

#[test]
fn a_child_that_is_rejected_fails_its_stage() {
    let folder = Folder::new();
    let run = folder.asking();
    told(&folder.state(), &["reject", "schema#1"]);
    assert_eq!(run.code(), Some(5));
    let parent = described(&folder.state(), "release#1");
    assert_eq!(parent["stages"]["schema"]["reason"], "schema#1 ended rejected");
    assert_eq!(parent["status"], "failed");
}

#[test]
fn a_child_is_cancelled_with_its_parent() {
    let folder = Folder::new();
    let run = folder.asking();
    told(&folder.state(), &["cancel", "release#1"]);
    assert_eq!(run.code(), Some(5));
    let child = described(&folder.state(), "schema#1");
    assert_eq!(child["status"], "cancelled");
    assert_eq!(child["reason"], "release#1, which started it, needs it no more");
}

#[test]
fn an_engine_that_is_killed_starts_no_second_child() {
    let folder = Folder::new();
    let state = folder.state();
    let mut run = folder.asking();
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    assert_eq!(told(&state, &["approve", "schema#1"]).0, Some(0));
    let (code, said) = told(&state, &["recover"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(described(&state, "release#1")["status"], "succeeded");
    let (_, runs) = told(&state, &["get", "runs", "-o", "name"]);
    let mut runs: Vec<&str> = runs.lines().collect();
    runs.sort_unstable();
    assert_eq!(runs, ["release#1", "schema#1"]);
}

/// What is said of the release, whose child says whom it lets start it.
fn called_by(application: &str, callers: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let child = CHILD.replace("application: release", &format!("application: ledger{callers}"));
    pipeline(folder.path(), "schema.yaml", &child);
    let parent = PARENT.replace("name: schema,", "application: ledger, name: schema,");
    let parent = parent.replace("name: release", &format!("name: {application}"));
    let file = pipeline(folder.path(), "release.yaml", &parent);
    let between = "version: 1\nname: between\napplication: between\nstages:\n  again: {pipeline: {application: release, name: release}}\n";
    let between = between.replace("release", application);
    pipeline(folder.path(), "between.yaml", &between);
    let state = folder.path().join("state");
    let between = folder.path().join("between.yaml").display().to_string();
    let (code, said) = told(&state, &["validate", &file]);
    let (through, also) = told(&state, &["validate", &between]);
    assert_eq!(code, through, "{said}\n{also}");
    (code, format!("{said}{also}"))
}

#[test]
fn a_pipeline_is_started_by_whom_it_lets() {
    assert_eq!(called_by("release", "").0, Some(0));
    assert_eq!(called_by("release", "\ncallers: [release]").0, Some(0));
    assert_eq!(called_by("ledger", "\ncallers: [payments]").0, Some(0));
    let (code, said) = called_by("release", "\ncallers: [payments, shop]");
    assert_eq!(code, Some(3), "{said}");
    let words = "error[E019]: `ledger/schema` is not started by application `release`, only by payments, shop";
    assert!(said.contains(words), "{said}");
    assert!(said.contains("release.yaml:4:50"), "{said}");
    assert!(said.contains("help: let `release` stand in `callers` of "), "{said}");
    assert!(said.contains("between.yaml:5:50"), "{said}");
    assert!(said.contains("release.yaml names it"), "{said}");
}

#[test]
fn a_pipeline_that_is_not_there_is_told_before_anything_runs_and_a_ring_when_it_closes() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(folder.path(), "release.yaml", PARENT);
    let (code, said) = told(&state, &["run", &file]);
    assert_eq!(code, Some(3));
    assert!(said.contains("no pipeline `schema` of application `release` is known here"), "{said}");
    let ring = "version: 1\nname: ring\nstages:\n  again: {pipeline: {name: ring2}}\n";
    let file = pipeline(folder.path(), "ring.yaml", ring);
    let back =
        "version: 1\nname: ring2\napplication: ring\nstages:\n  again: {pipeline: {name: ring}}\n";
    pipeline(folder.path(), "ring2.yaml", back);
    let (code, said) = told(&state, &["run", &file]);
    assert_eq!(code, Some(5), "{said}");
    let reason = described(&state, "ring2#1")["stages"]["again"]["reason"].to_string();
    let words = "pipelines start each other in a ring: ring/ring -> ring/ring2 -> ring/ring";
    assert!(reason.contains(words), "{reason}");
}
