//! Runs done again: whole, by the files that were kept with them, or as far as they did not succeed.

use crate::{
    program::{Talking, gennaker, pipeline},
    server::{Reaction, Server},
};
use serde_json::Value;
use std::process::Stdio;
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
}

struct Told {
    code: Option<i32>,
    said: String,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    fn told(&self, arguments: &[&str]) -> Told {
        let mut command = gennaker(&self.folder.path().join("state"), arguments);
        let output = command.env_remove("KUBECONFIG").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        Told { code: output.status.code(), said: String::from_utf8(said).unwrap() }
    }

    fn talk(&self, arguments: &[&str]) -> Talking {
        let mut command = gennaker(&self.folder.path().join("state"), arguments);
        Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"))
    }

    fn run(&self, named: &str) -> Value {
        let command = ["describe", "run", named, "-o", "json"];
        let output = gennaker(&self.folder.path().join("state"), &command).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

const ECHO: &str = "version: 1
name: echo
parameters:
  tag: {type: string, default: v1}
  times: {type: number, default: 1}
stages:
  say: {setVariables: {tag: \"${{ parameters.tag }}\", times: \"${{ parameters.times }}\"}}
  look:
    needs: [say]
    checks:
      - {assert: \"stages.say.outputs.tag != 'bad'\", message: the tag is bad}
      - {assert: stages.say.outputs.times < 3.0, message: too often}
";

/// Everything that a rerun must do, whether an engine is there already or not.
fn repeats(desk: &Desk) {
    let again = desk.told(&["rerun", "echo#1", "--watch"]);
    assert_eq!(again.code, Some(0), "{}", again.said);
    let run = desk.run("echo#2");
    assert_eq!(run["trigger"]["type"], "rerun");
    assert_eq!(run["trigger"]["repeats"], "echo#1");
    assert_eq!(run["trigger"]["repeatsId"], desk.run("echo#1")["id"]);
    let other = desk.told(&["rerun", "echo#2", "-p", "times=7"]);
    assert_eq!(other.code, Some(5), "{}", other.said);
    let reason = desk.run("echo#3")["stages"]["look"]["reason"].to_string();
    assert!(reason.contains("stages.say.outputs.times is 7"), "{reason}");
    let kept = desk.told(&["rerun", "echo#3", "-p", "tag=bad"]);
    assert_eq!(kept.code, Some(5), "what is not given anew is as it was");
    let reason = desk.run("echo#4")["stages"]["look"]["reason"].to_string();
    assert!(reason.contains("the tag is bad") && reason.contains("too often"), "{reason}");
    let words = desk.told(&["describe", "run", "echo#4"]).said;
    assert!(words.contains("a rerun of echo#3, asked for by "), "{words}");
    for (wrong, fault) in [
        ("times=often", "parameter `times`: `often` is no number"),
        ("tags=v2", "there is no parameter `tags`"),
    ] {
        let refused = desk.told(&["rerun", "echo#1", "-p", wrong]);
        assert_eq!(refused.code, Some(3), "{}", refused.said);
        assert!(refused.said.contains(fault), "{}", refused.said);
    }
    assert_eq!(desk.told(&["rerun", "echo#9"]).code, Some(1));
    assert_eq!(desk.told(&["get", "runs", "-o", "name"]).said.lines().count(), 4);
}

#[test]
fn a_run_is_done_again_without_its_file_with_the_same_or_other_parameters() {
    let desk = Desk::new();
    let file = pipeline(desk.folder.path(), "echo.yaml", ECHO);
    assert_eq!(desk.told(&["run", &file]).code, Some(0));
    std::fs::remove_file(file).unwrap();
    repeats(&desk);
}

#[test]
fn an_engine_that_serves_does_runs_again_as_well() {
    let desk = Desk::new();
    let file = pipeline(desk.folder.path(), "echo.yaml", ECHO);
    let mut engine = desk.talk(&["serve"]);
    engine.until("listening on");
    assert_eq!(desk.told(&["run", &file]).code, Some(0));
    std::fs::remove_file(file).unwrap();
    repeats(&desk);
}

const AGAIN: &str = "version: 1
name: again
stages:
  build: {http: {url: SERVER/build, method: POST, body: v7}}
  goLive: {needs: [build], approval: {excludeTriggerer: false}}
  tell: {needs: [goLive], http: {url: SERVER/tell, method: POST}}
  sure: {needs: [tell], checks: [{assert: stages.tell.outputs.json.id == 'seven'}]}
  smoke: {needs: [sure], http: {url: SERVER/smoke}}
";

#[test]
fn a_retry_takes_over_what_succeeded_and_asks_people_and_checks_again() {
    use Reaction::Answer;
    let server = Server::start(&[
        ("/build", &[Answer(200, "{}")]),
        ("/tell", &[Answer(200, r#"{"id": "seven"}"#)]),
        ("/smoke", &[Answer(500, "not yet"), Answer(200, "{}")]),
    ]);
    let desk = Desk::new();
    let text = AGAIN.replace("SERVER", &server.address);
    let file = pipeline(desk.folder.path(), "again.yaml", &text);
    let mut first = desk.talk(&["run", &file, "--watch"]);
    first.until("goLive: 0 of 1");
    let early = desk.told(&["retry", "again#1"]);
    assert!(early.said.contains("no stage of this run takes `retry` now"), "{}", early.said);
    assert_eq!(desk.told(&["approve", "again#1"]).code, Some(0));
    assert_eq!(first.code(), Some(5));
    assert_eq!(server.heard().len(), 3);

    let named = desk.told(&["retry", "again#1", "smoke"]);
    assert!(named.said.contains("without a stage, tries it again as a new run"), "{}", named.said);
    let mut second = desk.talk(&["retry", "again#1", "--watch"]);
    second.until("build: succeeded, taken over from #1");
    second.until("goLive: 0 of 1");
    assert_eq!(desk.run("again#2")["stages"]["tell"]["status"], "pending", "its guard is asked");
    assert_eq!(desk.told(&["approve", "again#2"]).code, Some(0));
    assert_eq!(second.code(), Some(0));
    let requests: Vec<String> = server.heard().into_iter().map(|heard| heard.line).collect();
    assert_eq!(requests.len(), 4, "only the smoke test is done again: {requests:?}");
    let run = desk.run("again#2");
    assert_eq!(run["trigger"]["type"], "retry");
    assert_eq!(run["trigger"]["repeats"], "again#1");
    let stage =
        |id: &str| (run["stages"][id]["attempts"].clone(), run["stages"][id]["reason"].clone());
    let taken = (0.into(), "taken over from again#1".into());
    assert_eq!((stage("build"), stage("tell")), (taken.clone(), taken));
    assert_eq!((stage("goLive").0, stage("sure").0), (1.into(), 1.into()));
    let refused = desk.told(&["retry", "again#2"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.said.contains("nothing to retry: `gennaker rerun`"), "{}", refused.said);
}

#[test]
fn a_stage_runs_again_in_a_retry_when_something_before_it_does() {
    use Reaction::Answer;
    let server = Server::start(&[
        ("/build", &[Answer(500, "{}"), Answer(200, "{}")]),
        ("/tell", &[Answer(200, "{}")]),
    ]);
    let desk = Desk::new();
    let text = format!(
        "version: 1\nname: late\nstages:\n  \
           build: {{http: {{url: \"{0}/build\"}}}}\n  \
           tell: {{needs: [{{stage: build, status: [failed, succeeded]}}], http: {{url: \"{0}/tell\"}}}}\n",
        server.address
    );
    let file = pipeline(desk.folder.path(), "late.yaml", &text);
    assert_eq!(desk.told(&["run", &file]).code, Some(5));
    let mut engine = desk.talk(&["serve"]);
    engine.until("listening on");
    assert_eq!(desk.told(&["retry", "latest"]).code, Some(0));
    assert_eq!(server.heard().len(), 4, "both are asked twice");
}
