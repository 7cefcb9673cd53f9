//! Runs that are older than they are to be kept: they go, and nobody is left in the dark.

use crate::{
    program::{Talking, gennaker, pipeline},
    schedules::library,
    wire::{Events, exchange, get, socket},
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const SHORT: &str = "version: 1\nname: web\nstages:\n  a: {setVariables: {x: 1}}\n";
const FAILS: &str =
    "version: 1\nname: web\nstages:\n  a:\n    checks:\n      - assert: trigger.actor == \"\"\n";
const PATIENCE: Duration = Duration::from_secs(60);

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = gennaker(&folder.join("state"), arguments);
    command.current_dir(folder).env_remove("KUBECONFIG").env("HOME", "/nowhere");
    command
}

fn said(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

/// So many days ago.
fn ago(days: u32, folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command(folder, arguments);
    command.env("LD_PRELOAD", library()).env("FAKETIME", format!("-{days}d"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    said(command)
}

fn runs(folder: &Path) -> Vec<Value> {
    let (_, text) = said(command(folder, &["get", "runs", "-o", "json"]));
    serde_json::from_str(&text).unwrap()
}

fn labels(folder: &Path) -> Vec<String> {
    let label = |run: &Value| format!("{}#{}", run["pipeline"].as_str().unwrap(), run["number"]);
    runs(folder).iter().map(label).collect()
}

#[test]
fn runs_go_once_they_are_older_than_they_are_to_be_kept_and_whoever_asks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let short = pipeline(folder, "web.yaml", SHORT);
    let fails = pipeline(folder, "fails.yaml", FAILS);
    pipeline(folder, "gennaker.yaml", "version: 1\nretention: {runs: 30d}\n");
    for (days, file, code) in
        [(400, &short, 0), (399, &short, 0), (390, &fails, 5), (31, &fails, 5), (29, &fails, 5)]
    {
        let (ended, text) = ago(days, folder, &["run", file]);
        assert_eq!(ended, Some(code), "{text}");
    }
    let oldest = runs(folder).last().unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(labels(folder), ["web#5", "web#4", "web#3", "web#2", "web#1"]);

    let mut engine = Talking::start(command(folder, &["serve"]).stdout(Stdio::null()));
    engine.until("listening on");
    // The newest success is what `lastSucceeded` reads, however old it is.
    let (left, begun) = (["web#5", "web#2"], Instant::now());
    while labels(folder) != left {
        assert!(begun.elapsed() < PATIENCE, "{:?}", labels(folder));
        std::thread::sleep(Duration::from_millis(50));
    }
    let gone = "is gone: it began before 2";
    for named in ["web#1", "web#3", &oldest] {
        let (code, text) = said(command(folder, &["describe", "run", named]));
        assert!(code == Some(1) && text.contains(gone), "{named}: {text}");
    }
    let (code, text) = said(command(folder, &["rerun", "web#1"]));
    assert!(code == Some(1) && text.contains(gone), "{text}");
    let (_, text) = said(command(folder, &["describe", "run", "web#77"]));
    assert!(text.contains("no run is `web#77`"), "{text}");
    let door = folder.join("state/engine.sock");
    let path = format!("/api/v1/runs/{oldest}");
    let reply = exchange(socket(&door), get(&path, "host: x\r\n").as_bytes());
    assert!(reply.status == 404 && reply.json()["detail"].as_str().unwrap().contains(gone));

    // The feed tells where something is missing, and goes on.
    let mut events = Events::follow(&door, "?after=0", "");
    let first = events.next().unwrap();
    assert_eq!(first.event, "reset");
    let mut resets = 1;
    loop {
        let heard = events.next().unwrap();
        resets += usize::from(heard.event == "reset");
        if heard.data["run"] == runs(folder)[0]["id"] {
            break;
        }
    }
    assert_eq!(resets, 1, "one stands for all that is missing, before web#2 and before web#5");

    let (code, text) = said(command(folder, &["run", &short]));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(labels(folder)[0], "web#6", "numbers never come again");
    let (code, text) = said(command(folder, &["describe", "run", "web#2"]));
    assert!(code == Some(0) && text.contains("succeeded"), "{text}");
    assert!(Command::new("kill").arg(engine.child.id().to_string()).status().unwrap().success());
    assert_eq!(engine.code(), Some(0));
    let (_, text) = said(command(folder, &["doctor"]));
    assert!(text.contains("engine.sqlite: sound"), "{text}");
}
