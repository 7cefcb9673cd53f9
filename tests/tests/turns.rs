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
