//! Commands that ask an engine somewhere else: by its socket they do everything, by a port they
//! read.

use crate::{
    api::{ASK, SHORT, Served},
    program::{Talking, gennaker, pipeline},
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A command of a user whose own state directory is empty.
fn elsewhere(folder: &Path, server: &str, arguments: &[&str]) -> Command {
    let mut command = gennaker(&folder.join("nowhere"), arguments);
    command.env("GENNAKER_SERVER", server).env_remove("KUBECONFIG");
    command
}

struct Told {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn told(mut command: Command) -> Told {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn whatever_reads_reads_the_same_by_store_socket_and_port() {
    let served = Served::start();
    let folder = served.folder.path();
    let short = served.begin(SHORT);
    served.until(&short, "succeeded");
    let ask = served.begin(ASK);
    served.until(&ask, "waiting");
    let unix = format!("unix:{}", served.socket().display());
    let http = format!("http://{}", served.address);
    let commands: [&[&str]; 14] = [
        &["get", "runs"],
        &["get", "runs", "-o", "json", "--status", "waiting"],
        &["get", "runs", "-o", "name", "--pipeline", "short"],
        &["get", "runs", "-o", "yaml", "--limit", "1"],
        &["describe", "run", "@latest", "-o", "json"],
        &["describe", "run", "short#1"],
        &["why", "latest"],
        &["why", "latest", "end"],
        &["wait", "short#1"],
        &["get", "runs", "-o", "wide", "--status", "succeeded", "--sort-by", "status"],
        &["get", "pipelines"],
        &["get", "pipelines", "-o", "json", "--application", "short"],
        &["get", "pipelines", "-o", "name"],
        &["logs", "short#1"],
    ];
    for arguments in commands {
        let home = told(gennaker(&served.state(), arguments));
        assert_eq!(home.code, Some(0), "{arguments:?}: {}", home.stderr);
        for server in [&unix, &http] {
            let away = told(elsewhere(folder, server, arguments));
            assert_eq!(
                (away.code, &away.stdout),
                (Some(0), &home.stdout),
                "{arguments:?} {server}"
            );
        }
    }
    let by_port = told(elsewhere(folder, &http, &["approve", "latest"]));
    assert_eq!(by_port.code, Some(1));
    assert!(by_port.stderr.contains("one may read and nothing else"), "{}", by_port.stderr);
    let by_socket = told(elsewhere(folder, &unix, &["approve", "latest"]));
    assert_eq!(by_socket.code, Some(0), "{}", by_socket.stderr);
    let waited = told(elsewhere(folder, &http, &["wait", &ask, "--timeout", "1m"]));
    assert_eq!((waited.code, waited.stderr.trim()), (Some(0), "ask#1 has ended: succeeded"));
    let watched = told(elsewhere(folder, &http, &["watch", &ask]));
    assert!(watched.stderr.contains("ask#1 goLive: succeeded"), "{}", watched.stderr);
    // With the engine gone, the state directory still tells; a server that is named does not.
    let Served { folder: kept, engine, .. } = served;
    let described = |folder: &Path| {
        told(gennaker(&folder.join("state"), &["describe", "run", &ask, "-o", "json"])).stdout
    };
    let by_engine = described(kept.path());
    drop(engine);
    assert_eq!(described(kept.path()), by_engine, "the store tells what the engine told");
    let home = told(gennaker(&kept.path().join("state"), &["get", "runs", "-o", "name"]));
    assert_eq!((home.code, home.stdout.as_str()), (Some(0), "ask#1\nshort#1\n"));
    let away = told(elsewhere(kept.path(), &http, &["get", "runs"]));
    assert_eq!(away.code, Some(1));
    assert!(away.stderr.contains("does not answer"), "{}", away.stderr);
    let wrong = told(elsewhere(kept.path(), "https://x", &["get", "runs"]));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("unix:/path/engine.sock"), "{}", wrong.stderr);
}

#[test]
fn a_pipeline_is_run_by_the_engine_that_is_named() {
    let served = Served::start();
    let folder = served.folder.path();
    let unix = format!("unix:{}", served.socket().display());
    let file = pipeline(folder, "ask.yaml", ASK);
    let mut command = elsewhere(folder, &unix, &["run", &file, "--watch", "-o", "json"]);
    let mut run = Talking::start(command.stdout(Stdio::piped()));
    run.until("goLive: ship it?");
    let approved = told(elsewhere(folder, &unix, &["approve", "latest"]));
    assert_eq!(approved.code, Some(0), "{}", approved.stderr);
    let mut stdout = run.child.stdout.take().unwrap();
    run.until("ended: succeeded");
    assert_eq!(run.code(), Some(0));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["status"], "succeeded");
    assert!(!folder.join("nowhere").exists());
}

#[test]
fn whoever_watches_goes_on_when_the_engine_is_followed_by_another() {
    let served = Served::start();
    let run = served.begin(ASK);
    served.until(&run, "waiting");
    let (state, engine) = (served.state(), served.engine);
    let mut watch = Talking::start(gennaker(&state, &["watch", "latest"]).stdout(Stdio::null()));
    let mut wait = Talking::start(gennaker(&state, &["wait", "latest"]).stdout(Stdio::null()));
    watch.until("goLive: ship it?");
    drop(engine); // killed
    // Nobody drives; the answer is recorded, and the next engine goes on.
    let approved = told(gennaker(&state, &["approve", "latest"]));
    assert_eq!(approved.code, Some(0), "{}", approved.stderr);
    let mut next = Talking::start(gennaker(&state, &["serve"]).stdout(Stdio::null()));
    next.until("listening on");
    let said = watch.until("ended: succeeded");
    let news = |line: &&String| line.contains("running") || line.contains("succeeded");
    let once: std::collections::BTreeSet<&String> = said.iter().filter(news).collect();
    assert_eq!(once.len(), said.iter().filter(news).count(), "{said:#?}");
    wait.until("has ended: succeeded");
    assert_eq!((watch.code(), wait.code()), (Some(0), Some(0)));
}
