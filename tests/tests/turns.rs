//! Runs that share a target take turns, and a rollout can be stopped.

use crate::{
    cluster::{Room, web},
    program::Talking,
};
use serde_json::Value;
use std::{
    io::Read,
    process::{Command, Stdio},
};

fn pipeline(name: &str, component: &str) -> String {
    format!(
        "version: 1\nname: {name}\napplication: web\nstages:\n  go: {{environment: ENV, timeout: 60s, deploy: {{manifests: [k8s/{component}.yaml], component: {component}}}}}\n"
    )
}

const LATE: &str = "version: 1
name: late
concurrency: {group: late, limit: 3, strategy: queue}
parameters: {tag: {type: string, required: true}}
stages:
  gate: {when: parameters.tag == 'v1', approval: {excludeTriggerer: false}}
  go:
    needs: [gate]
    environment: ENV
    onFailure: rollback
    deploy: {manifests: [k8s/web.yaml], images: {ready: \"fate.test/ready:${{ parameters.tag }}\"}}
";

#[test]
fn a_deploy_that_a_later_run_has_overtaken_asks_a_person_before_it_writes() {
    let room = Room::new("late");
    let file = room.write("late.yaml", LATE);
    room.write("k8s/web.yaml", &web("fate.test/ready:v0", 1));
    let mut engine = Talking::start(room.command(&["serve"]).stdout(Stdio::null()));
    engine.until("listening on");
    let start = |tag: &str| {
        let tag = format!("tag={tag}");
        let mut command = room.command(&["run", &file, "--watch", "-p", &tag]);
        Talking::start(command.stdout(Stdio::null()))
    };
    let image = || {
        let path = "jsonpath={.spec.template.spec.containers[0].image}";
        room.kubectl(&["get", "deployment/web", "-o", path])
    };
    let mut first = start("v1");
    first.until("gate: 0 of 1");
    let mut second = start("v1");
    second.until("gate: 0 of 1");
    assert_eq!(start("v2").code(), Some(0));
    assert_eq!(image(), "fate.test/ready:v2");

    let [early, later] = ["late#1", "late#2"];
    for run in [early, later] {
        room.gennaker(&["approve", run]);
    }
    first.until("go: out of date");
    second.until("go: waits for its turn in");
    let why = room.gennaker(&["why", early, "go"]).stdout;
    assert!(why.contains("holds revision 1 of the later run late#3"), "{why}");
    assert_eq!(image(), "fate.test/ready:v2", "nothing is written before the answer");
    room.gennaker(&["answer", "no", early, "-m", "v2 is right"]);
    assert_eq!(first.code(), Some(5));
    let run = room.gennaker(&["describe", "run", early, "-o", "json"]).stdout;
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!(
        (&run["status"], &run["stages"]["go"]["status"]),
        (&"rejected".into(), &"rejected".into())
    );
    assert_eq!(image(), "fate.test/ready:v2", "a no writes nothing, and takes nothing back");

    second.until("go: out of date");
    room.gennaker(&["answer", "yes", later]);
    assert_eq!(second.code(), Some(0));
    assert_eq!(image(), "fate.test/ready:v1");
}

#[test]
fn an_interrupted_rollout_ends_cancelled_and_leaves_nothing_to_recover() {
    let room = Room::new("stop");
    let file = room.write("web.yaml", &pipeline("web", "main"));
    room.write("k8s/main.yaml", &web("fate.test/never-ready:v1", 2));
    let mut run = Talking::start(room.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    // The rollout's own words: everything is applied.
    run.until("go: deployment web");
    let pid = run.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    run.until("ended: cancelled");
    assert_eq!(run.code(), Some(130));
    assert_eq!(room.latest()["status"], "cancelled");
    let recovered = room.gennaker(&["recover"]);
    assert!(recovered.stderr.contains("nothing is unfinished"), "{}", recovered.stderr);
    assert!(room.has("deployment/web"), "a cancel keeps what is deployed");
}

#[test]
fn two_pipelines_to_one_target_go_one_after_the_other_and_the_second_says_whom_it_waits_for() {
    let room = Room::new("turns");
    let files = ["first", "second"].map(|name| {
        room.write(&format!("k8s/{name}.yaml"), &web("fate.test/ready:2s", 1).replace("web", name));
        room.write(&format!("{name}.yaml"), &pipeline(name, name))
    });
    let arguments = ["run", &files[0], &files[1], "--watch", "-o", "json"];
    let mut run = Talking::start(room.command(&arguments).stdout(Stdio::piped()));
    let said = run.until("go: waits for its turn in");
    assert!(said.last().unwrap().ends_with("after first#1"), "{said:?}");
    let runs: Value =
        serde_json::from_str(&room.gennaker(&["get", "runs", "-o", "json"]).stdout).unwrap();
    let ids = runs.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
    let described = ids.map(|id| room.gennaker(&["describe", "run", &id, "-o", "json"]).stdout);
    let described: Vec<Value> =
        described.map(|text| serde_json::from_str(&text).unwrap()).collect();
    let waits = |run: &&Value| run["stages"]["go"]["waiting"]["kind"] == "target";
    let waiting = described.iter().find(waits).unwrap_or_else(|| panic!("{described:#?}"));
    let other = described.iter().find(|run| run["id"] != waiting["id"]).unwrap();
    let blocked_by = waiting["stages"]["go"]["waiting"]["blockedBy"].to_string();
    let label = format!("{}#{}", other["pipeline"].as_str().unwrap(), other["number"]);
    assert!(blocked_by.contains(&label), "{blocked_by} does not name {label}");
    let mut stdout = run.child.stdout.take().unwrap();
    let mut json = String::new();
    stdout.read_to_string(&mut json).unwrap();
    assert_eq!(run.code(), Some(0));
    let runs: Value = serde_json::from_str(&json).unwrap();
    let mut times: Vec<(String, String)> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            let stage = &run["stages"]["go"];
            let at = |key: &str| stage[key].as_str().unwrap().to_owned();
            (at("startedAt"), at("endedAt"))
        })
        .collect();
    times.sort();
    assert!(times[0].1 <= times[1].0, "the second began before the first had ended: {times:?}");
}
