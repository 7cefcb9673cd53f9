//! Environments that go back, and runs that stand in each other's way, by the whole program.

use crate::{
    cluster::{Room, web},
    program::{Talking, gennaker, pipeline},
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
};

const DEPLOY: &str = "version: 1
name: web
stages:
  web: {environment: ENV, timeout: 60s, deploy: {manifests: [k8s/]}}
";

const GUARDED: &str = "version: 1
name: web
stages:
  web: {environment: ENV, timeout: 60s, onFailure: rollback, deploy: {manifests: [k8s/]}}
  smoke:
    needs: [web]
    environment: ENV
    onFailure: rollback
    checks: [{assert: 1 > 2, message: not as it should be}]
";

const ASKED: &str = "version: 1
name: web
stages:
  web: {environment: ENV, timeout: 60s, deploy: {manifests: [k8s/]}}
  go: {needs: [web], environment: ENV, approval: {}}
  after: {needs: [go], setVariables: {x: 1}}
";

/// A room in which `nginx:1` runs and is good.
fn room(name: &str) -> Room {
    let room = Room::new(name);
    let file = room.write("web.yaml", DEPLOY);
    room.write("k8s/web.yaml", &web("nginx:1", 2));
    room.succeed(&file);
    room
}

fn image(room: &Room) -> Value {
    let deployment = room.get(&["deployment", "web"]);
    assert_eq!(deployment["status"]["readyReplicas"], 2);
    deployment["spec"]["template"]["spec"]["containers"][0]["image"].clone()
}

#[test]
fn a_deploy_that_fails_takes_its_environment_back() {
    let room = room("back");
    let file = room.write("web.yaml", GUARDED);
    room.write("k8s/web.yaml", &web("fate.test/pull-error:v2", 2));
    let told = room.gennaker(&["run", &file, "--watch"]);
    assert_eq!(told.code, Some(5), "{}", told.stderr);
    let run = room.latest();
    assert_eq!(run["status"], "rolledBack", "{}", told.stderr);
    assert_eq!(run["stages"]["web"]["status"], "rolledBack");
    let reason = run["stages"]["web"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("taken back after: ") && reason.contains("ImagePull"), "{reason}");
    assert_eq!(run["stages"]["smoke"]["status"], "omitted");
    assert_eq!(image(&room), "nginx:1");
}

#[test]
fn a_check_after_a_good_deploy_takes_it_back_and_the_next_rollback_knows() {
    let room = room("smoke");
    let file = room.write("web.yaml", GUARDED);
    room.write("k8s/web.yaml", &web("nginx:2", 2));
    let told = room.gennaker(&["run", &file, "--watch"]);
    assert_eq!((told.code, room.latest()["status"].clone()), (Some(5), "rolledBack".into()));
    assert_eq!(image(&room), "nginx:1", "{}", told.stderr);
    // What was taken back is bad, and what is there now is the only good set.
    let told = room.gennaker(&["rollback", "web", "--env", &room.environment]);
    assert_eq!(told.code, Some(5), "{}", told.stderr);
    let reason = room.latest()["stages"]["rollback"]["reason"].to_string();
    assert!(reason.contains("no good revision to go back to"), "{reason}");
}

#[test]
fn a_first_deploy_that_fails_has_nothing_to_go_back_to_and_asks_a_person() {
    let room = Room::new("first");
    let file = room.write("web.yaml", GUARDED);
    room.write("k8s/web.yaml", &web("fate.test/pull-error:v1", 2));
    let mut run = Talking::start(room.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    let said = run.until("held for a person");
    let words = "the rollback failed: no good revision to go back to";
    assert!(said.last().unwrap().contains(words), "{said:?}");
    let aborted = room.gennaker(&["abort", "latest"]);
    assert_eq!(aborted.code, Some(0), "{}", aborted.stderr);
    assert_eq!(run.code(), Some(5));
    assert_eq!(room.latest()["status"], "failed");
}

#[test]
fn a_persons_rollback_goes_before_the_run_that_holds_the_target() {
    let room = room("ahead");
    let file = room.write("web.yaml", ASKED);
    room.write("k8s/web.yaml", &web("nginx:2", 2));
    let mut run = Talking::start(room.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    run.until("go: 0 of 1 approvals");
    assert_eq!(image(&room), "nginx:2");
    let told = room.gennaker(&["rollback", "web", "--env", &room.environment, "--watch"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    let said = run.until("go: cancelled");
    let gives_up = |line: &String| line.contains("gives") && line.contains("up to rollback#1");
    assert!(said.iter().any(gives_up), "{said:?}");
    assert_eq!(run.code(), Some(5));
    assert_eq!(image(&room), "nginx:1");
    let of_web = room.gennaker(&["describe", "run", "web#2", "-o", "json"]);
    let of_web: Value = serde_json::from_str(&of_web.stdout).unwrap();
    assert_eq!(of_web["status"], "cancelled");
    assert_eq!(of_web["stages"]["go"]["reason"], "rollback#1 takes its target back");
    let of_back = room.gennaker(&["describe", "run", "rollback#1"]).stdout;
    let words = format!("takes {} back from web#2", room.environment);
    assert!(of_back.contains(&words), "{of_back}");
    assert_eq!(of_web["stages"]["after"]["status"], "omitted");
}

#[test]
fn a_cancel_may_bring_back_what_the_run_has_changed() {
    let room = room("undo");
    let file = room.write("web.yaml", ASKED);
    room.write("k8s/web.yaml", &web("nginx:2", 2));
    let mut run = Talking::start(room.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    run.until("go: 0 of 1 approvals");
    let told = room.gennaker(&["cancel", "web#2", "--rollback", "-m", "wrong one"]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    run.until("web#2 ended: cancelled");
    run.code();
    room.gennaker(&["recover"]);
    assert_eq!(image(&room), "nginx:1");
    let back = room.gennaker(&["describe", "run", "rollback#1", "-o", "json"]);
    let back: Value = serde_json::from_str(&back.stdout).unwrap();
    assert_eq!(back["status"], "succeeded", "{}", told.stderr);
}

/// A pipeline that asks, in a group with this strategy.
fn asks(folder: &Path, strategy: &str) -> String {
    let text = format!(
        "version: 1\nname: ask\nconcurrency: {{group: \"g-${{{{ application.name }}}}\", strategy: {strategy}}}\nstages:\n  go: {{approval: {{excludeTriggerer: false}}}}\n"
    );
    pipeline(folder, "ask.yaml", &text)
}

fn begin(state: &Path, file: &str) -> Talking {
    let mut command: Command = gennaker(state, &["run", file, "--watch"]);
    Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"))
}

fn said(state: &Path, arguments: &[&str]) -> String {
    let output = gennaker(state, arguments).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[test]
fn a_newer_run_takes_the_place_of_one_that_only_waits_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = asks(folder.path(), "supersede");
    let mut first = begin(&state, &file);
    first.until("go: 0 of 1 approvals");
    let mut second = begin(&state, &file);
    second.until("go: 0 of 1 approvals");
    first.until("ask#1 is superseded by ask#2");
    let why = said(&state, &["why", "ask#1"]);
    assert!(why.contains("run: superseded by ask#2"), "{why}");
    said(&state, &["approve", "ask#2"]);
    assert_eq!((first.code(), second.code()), (Some(5), Some(0)));
}

#[test]
fn a_queued_run_says_whom_it_waits_for_and_begins_when_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = asks(folder.path(), "queue");
    let mut first = begin(&state, &file);
    first.until("go: 0 of 1 approvals");
    let mut second = begin(&state, &file);
    second.until("asks for a place in group g-ask");
    let why = said(&state, &["why", "ask#2"]);
    assert!(why.contains("waits for its turn in group g-ask after ask#1"), "{why}");
    assert!(said(&state, &["get", "runs"]).contains("queued"));
    said(&state, &["approve", "ask#1"]);
    second.until("go: 0 of 1 approvals");
    said(&state, &["approve", "ask#2"]);
    assert_eq!((first.code(), second.code()), (Some(0), Some(0)));
}

#[test]
fn a_full_group_turns_a_run_away_that_is_not_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = asks(folder.path(), "reject");
    let mut first = begin(&state, &file);
    first.until("go: 0 of 1 approvals");
    let mut second = begin(&state, &file);
    second.until("its group is full, and it is not to wait: ask#1 is in it");
    assert_eq!(second.code(), Some(5));
    said(&state, &["approve", "ask#1"]);
    assert_eq!(first.code(), Some(0));
}
