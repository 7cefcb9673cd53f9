//! Runs done again: by the files that were kept with them, with the same or other parameters.

use crate::program::{Talking, gennaker, pipeline};
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
