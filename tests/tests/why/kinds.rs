//! Each kind of wait has its sentence, and it is the same everywhere.

use super::desk::{Desk, Engine};
use crate::{
    cluster::{Room, web},
    outage::Way,
    program::{Talking, gennaker, pipeline},
    server::{Reaction, Script, Server},
};
use std::process::Stdio;

const SERVICE: Script =
    &[("/lost", &[Reaction::HangUp]), ("/down", &[Reaction::Answer(503, "{}")])];

const KINDS: &str = "version: 1
name: kinds
stages:
  timed: {wait: {duration: 1h}}
  again: {retry: {limit: 3, causes: [error, failure], backoff: {initial: 1h, max: 1h}}, http: {url: SERVER/down}}
  asked: {http: {url: SERVER/lost, method: POST}}
  called: {pipeline: {name: callee}}
  row: {matrix: {axes: {x: [a, b]}, maxParallel: 1}, wait: {duration: 1h}}
  gate: {approval: {excludeTriggerer: false, message: on?}}
  after: {needs: [gate], setVariables: {a: 1}}
  held: {onFailure: hold, checks: [{assert: 1 > 2, message: never}]}
";
const CALLEE: &str =
    "version: 1\nname: callee\napplication: kinds\nstages:\n  a: {wait: {duration: 1h}}\n";

#[test]
fn every_kind_of_wait_says_why_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let service = Server::start(SERVICE);
    let state = folder.path().join("state");
    pipeline(folder.path(), "callee.yaml", CALLEE);
    let text = KINDS.replace("SERVER", &service.address);
    let file = pipeline(folder.path(), "kinds.yaml", &text);
    let mut run =
        Talking::start(gennaker(&state, &["run", &file, "--watch"]).stdout(Stdio::null()));
    run.until("called: ");
    let desk = Desk::beside(folder, state.clone(), "kinds#1");
    let parts = [
        ("timed", "timer", "1h from its start"),
        ("again", "retry", "503"),
        ("asked", "question", "POST"),
        ("called", "child", "callee#1"),
        ("row[b]", "concurrency", "row"),
        ("gate", "approval", "on?"),
        ("held", "hold", "never"),
    ];
    for (stage, kind, words) in parts {
        println!("{kind}: {}", desk.why_of(stage, (kind, words)));
    }
    assert_eq!(desk.why("after", Engine::Listens), "waits for `gate`");
    desk.says(&["pause"]);
    desk.says(&["approve"]);
    println!("paused: {}", desk.why_of("after", ("paused", "paused")));
}

const PLACED: &str = "version: 1
name: kinds
concurrency: {limit: 2}
stages:
  go: {environment: ENV, deploy: {manifests: [k8s/]}}
  gate: {approval: {excludeTriggerer: false}}
  more: {needs: [gate], environment: ENV, deploy: {manifests: [more/], component: more}}
";

#[test]
fn what_waits_for_a_cluster_says_why_in_one_sentence() {
    let room = Room::new("kinds");
    let (way, detour) = Way::open();
    let detour = room.write("detour.yaml", &detour);
    room.write("k8s/web.yaml", &web("fate.test/never-ready", 1));
    room.write("more/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n");
    let file = room.write("web.yaml", PLACED);
    let arguments = ["serve", "--kubeconfig", &detour];
    let mut engine = Talking::start(room.command(&arguments).stdout(Stdio::null()));
    engine.until("listening on");
    let begin = || Talking::start(room.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    let mut first = begin();
    first.until("go: running");
    let desk = Desk::beside(tempfile::tempdir().unwrap(), room.state(), "kinds#1");
    println!("readiness: {}", desk.why_of("go", ("readiness", "deployment web")));
    let mut second = begin();
    second.until("go: ");
    let behind = Desk::beside(tempfile::tempdir().unwrap(), room.state(), "kinds#2");
    println!("target: {}", behind.why_of("go", ("target", "kinds#1")));
    way.cut();
    desk.says(&["approve"]);
    println!("cluster: {}", desk.why_of("more", ("cluster", "cannot be reached")));
    way.mend();
    for run in ["kinds#2", "kinds#1"] {
        assert_eq!(room.gennaker(&["cancel", run]).code, Some(0));
    }
    assert_eq!((first.code(), second.code()), (Some(5), Some(5)));
}
