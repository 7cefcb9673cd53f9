//! Jobs: what they hand on, what they print, and that there is one of each, on a real cluster.

use crate::{
    cluster::{Audit, Room, kubectl},
    program::Talking,
    wire::{exchange, get, socket},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// A pipeline whose stage `run` is a job, and what comes after it.
fn pipeline(job: &str, rest: &str) -> String {
    format!(
        "version: 1\nname: jobs\nstages:\n  run: {{environment: ENV, timeout: 2m, job: {job}}}\n{rest}"
    )
}

/// A job that does what it is told, one instruction a text.
fn script(instructions: &[&str]) -> String {
    let arguments = serde_json::to_string(instructions).unwrap();
    format!("{{image: fate.test/script, args: {arguments}}}")
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

impl Room {
    fn log(&self) -> String {
        self.gennaker(&["logs", "latest", "run"]).stdout
    }

    fn jobs(&self) -> Vec<Value> {
        self.get(&["jobs"])["items"].as_array().unwrap().clone()
    }
}

/// The Jobs that were asked to be made, dry runs aside.
fn made(audit: &Audit, room: &Room) -> usize {
    let requests = audit.of(&room.environment);
    let made = requests.iter().filter(|request| {
        let uri = request["requestURI"].as_str().unwrap();
        request["verb"] == "create" && uri.contains("/jobs") && !uri.contains("dryRun")
    });
    made.count()
}

#[test]
fn a_job_hands_its_outputs_on_and_what_it_printed_is_kept() {
    let room = Room::new("job");
    assert!(kubectl(&["create", "namespace", &room.environment]).status.success());
    room.kubectl(&["create", "secret", "generic", "db", "--from-literal=url=postgres"]);
    room.kubectl(&["create", "configmap", "size", "--from-literal=size=large"]);
    let job = "{image: fate.test/script, args: [log one, pause 300ms, lines 3 more, environment, 'message {\"version\": 7}'],
      env: {PLAIN: 5, URL: {secretKeyRef: {name: db, key: url}}, SIZE: {configMapKeyRef: {name: size, key: size}}}}";
    let next = "  next: {needs: [run], checks: [{assert: stages.run.outputs.version == 7, message: wrong}]}\n";
    let file = room.write("job.yaml", &pipeline(job, next));
    let audit = Audit::open();
    let run = room.succeed(&file);
    assert_eq!(run["stages"]["next"]["status"], "succeeded");
    assert_eq!(room.log(), "one\nmore 1\nmore 2\nmore 3\nPLAIN=5\nSIZE=large\nURL=postgres\n");
    let tail = room.gennaker(&["logs", "latest", "--tail", "1"]);
    assert_eq!(tail.stdout, "run | URL=postgres\n");
    let [job] = room.jobs().try_into().unwrap();
    assert_eq!(made(&audit, &room), 1);
    let spec = &job["spec"];
    let kept = ["backoffLimit", "podReplacementPolicy", "ttlSecondsAfterFinished"];
    assert_eq!(kept.map(|key| spec[key].clone()), [json!(0), json!("Failed"), json!(3600)]);
    assert_eq!(job["metadata"]["annotations"]["gennaker.dev/stage"], "run");
    assert!(job["metadata"]["name"].as_str().unwrap().starts_with("jobs-run-1-"));
    assert!(!spec["template"].to_string().contains("gennaker.dev"), "{spec}");
}

#[test]
fn a_job_that_fails_says_so_in_its_own_words_within_seconds() {
    let room = Room::new("fails");
    let failing = script(&["log trying", "message no such column", "exit 3"]);
    let file = room.write("job.yaml", &pipeline(&failing, ""));
    assert_eq!(room.gennaker(&["run", &file]).code, Some(5));
    let reason = room.latest()["stages"]["run"]["reason"].to_string();
    assert!(reason.contains("container main exited with 3: no such column"), "{reason}");
    assert_eq!(room.log(), "trying\n");

    let file = room.write("pull.yaml", &pipeline("{image: 'fate.test/pull-error:v1'}", ""));
    let began = Instant::now();
    assert_eq!(room.gennaker(&["run", &file]).code, Some(5));
    println!("a failing pull was told after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(30));
    let reason = room.latest()["stages"]["run"]["reason"].to_string();
    assert!(reason.contains("ImagePull") && reason.contains("pull-error:v1"), "{reason}");
    // What could still come to run is taken away; what has ended stays.
    assert_eq!(room.jobs().len(), 1);
}

#[test]
fn a_message_that_is_no_json_is_no_outputs_and_the_log_says_so() {
    let room = Room::new("words");
    let next = "  next: {needs: [run], checks: [{assert: '!has(stages.run.outputs.x)', message: wrong}]}\n";
    let file = room.write("job.yaml", &pipeline(&script(&["message all is well"]), next));
    room.succeed(&file);
    assert!(room.log().contains("container main is no JSON object, so the stage has no outputs"));
}

#[test]
fn a_job_whose_engine_is_killed_is_made_once_and_its_lines_come_once() {
    let room = Room::new("killed");
    let mut instructions = Vec::new();
    for number in 0..30 {
        instructions.push(format!("log line {number}"));
        instructions.push("pause 150ms".to_owned());
    }
    instructions.push("message {\"done\": true}".to_owned());
    let instructions: Vec<&str> = instructions.iter().map(String::as_str).collect();
    let file = room.write("job.yaml", &pipeline(&script(&instructions), ""));
    let audit = Audit::open();
    let mut arguments = vec!["run", &file];
    for mark in ["line 3", "line 11", "line 19"] {
        let mut engine = room.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
        until(mark, || room.log().contains(mark));
        engine.kill().unwrap();
        engine.wait().unwrap();
        arguments = vec!["recover"];
    }
    assert_eq!(room.gennaker(&["recover"]).code, Some(0));
    let run = room.latest();
    assert_eq!(
        (&run["status"], &run["stages"]["run"]["attempts"]),
        (&json!("succeeded"), &json!(1))
    );
    assert_eq!(made(&audit, &room), 1);
    let expected: String = (0..30).map(|number| format!("line {number}\n")).collect();
    assert_eq!(room.log(), expected);
}

#[test]
fn a_job_whose_engine_is_killed_just_as_it_was_made_is_found_again() {
    let room = Room::new("made");
    let file = room.write("job.yaml", &pipeline(&script(&["log once", "pause 200ms"]), ""));
    let audit = Audit::open();
    for round in 1..=6 {
        let mut engine = room.command(&["run", &file]).stderr(Stdio::null()).spawn().unwrap();
        // The API server tells its audit log before it answers: nobody has recorded the Job yet.
        let deadline = Instant::now() + Duration::from_secs(60);
        while made(&audit, &room) < round {
            assert!(Instant::now() < deadline, "no job is made");
            thread::yield_now();
        }
        engine.kill().unwrap();
        engine.wait().unwrap();
        assert_eq!(room.gennaker(&["recover"]).code, Some(0), "round {round}");
        assert_eq!((made(&audit, &room), room.jobs().len()), (round, round));
        assert_eq!(room.log(), "once\n");
    }
}

#[test]
fn a_cancelled_job_is_gone_with_its_pods_and_its_log_is_kept() {
    let room = Room::new("cancel");
    let file = room.write("job.yaml", &pipeline(&script(&["log working", "stay"]), ""));
    let run = Talking::start(room.command(&["run", &file]).stdout(Stdio::null()));
    until("it prints", || room.log() == "working\n");
    assert_eq!(room.gennaker(&["cancel", "latest"]).code, Some(0));
    assert_eq!(run.code(), Some(5));
    assert_eq!(room.latest()["stages"]["run"]["status"], "cancelled");
    assert_eq!((room.jobs().len(), room.pods().len()), (0, 0));
    assert_eq!(room.log(), "working\n");
}

#[test]
fn secrets_reach_a_job_by_a_secret_of_its_own_and_are_masked_in_what_it_says() {
    const VALUE: &str = "hunter2-and-some-more";
    let room = Room::new("secret");
    let instructions = ["environment", "message refused $(TOKEN)", "exit 3"];
    let arguments = serde_json::to_string(&instructions).unwrap();
    let job = format!(
        "{{image: fate.test/script, args: {arguments}, env: {{TOKEN: '${{{{ secrets.TOKEN }}}}'}}}}"
    );
    let file = room.write("job.yaml", &pipeline(&job, ""));
    let mut command = room.command(&["run", &file, "--watch"]);
    let output = command.env("GENNAKER_SECRET_TOKEN", VALUE).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let reason = room.latest()["stages"]["run"]["reason"].to_string();
    assert!(reason.contains("exited with 3: refused ***"), "{reason}");
    assert_eq!(room.log(), "TOKEN=***\n");
    let [job] = room.jobs().try_into().unwrap();
    let name = job["metadata"]["name"].as_str().unwrap();
    let printed = room.kubectl(&["logs", &format!("job/{name}")]);
    assert_eq!(printed, format!("TOKEN={VALUE}\n"), "the program had it");
    assert!(!job.to_string().contains(VALUE));
    let secret = room.get(&["secret", name]);
    assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], job["metadata"]["uid"]);
    let said = [output.stdout, output.stderr].concat();
    let mut all = vec![said];
    for file in std::fs::read_dir(room.state()).unwrap().map(|file| file.unwrap().path()) {
        all.extend(std::fs::read(file).ok());
    }
    for bytes in all {
        assert!(!bytes.windows(VALUE.len()).any(|part| part == VALUE.as_bytes()));
    }
    room.kubectl(&["delete", "job", name]);
    until("the secret goes with the job", || !room.has(&format!("secret/{name}")));
}

#[test]
fn a_log_is_followed_while_the_job_runs_until_its_end() {
    let room = Room::new("follow");
    let job = script(&["log early", "pause 4s", "log late"]);
    let after = "  after: {needs: [run], wait: {duration: 3s}}\n";
    let file = room.write("job.yaml", &pipeline(&job, after));
    let run = Talking::start(room.command(&["run", &file]).stdout(Stdio::null()));
    until("the run is there", || room.gennaker(&["get", "runs"]).stdout.contains("jobs#1"));
    let mut follower =
        room.command(&["logs", "latest", "run", "-f"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert_eq!(lines.next().unwrap(), "early");
    assert_eq!(room.latest()["stages"]["run"]["status"], "running");
    let asked = get("/api/v1/runs/latest/stages/run/logs?follow=true&tail=1", "host: x\r\n");
    let reply = exchange(socket(&room.state().join("engine.sock")), asked.as_bytes());
    assert_eq!((reply.status, reply.body.as_str()), (200, "early\nlate\n"));
    assert_eq!(lines.collect::<Vec<_>>(), ["late"]);
    assert_eq!(follower.wait().unwrap().code(), Some(0));
    assert_eq!(run.code(), Some(0));
}

#[test]
fn of_a_log_that_is_too_long_the_head_and_the_tail_are_kept() {
    let room = Room::new("flood");
    let text = format!("lines 160000 {}", "x".repeat(80));
    let file = room.write("job.yaml", &pipeline(&script(&[&text, "log the end"]), ""));
    let began = Instant::now();
    room.succeed(&file);
    println!("160001 lines were kept in {:?}", began.elapsed());
    let log = room.log();
    assert!(log.len() < 10 * 1024 * 1024, "{}", log.len());
    assert!(log.starts_with("xxx") && log.ends_with("\nthe end\n"));
    assert_eq!(log.matches("lines (").count(), 1, "one gap is told");
}

#[test]
fn a_manifest_that_would_run_twice_is_refused_before_anything_runs() {
    let room = Room::new("twice");
    room.write(
        "k8s/job.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: m}\nspec:\n  backoffLimit: 4\n  template: {spec: {restartPolicy: OnFailure, containers: [{name: a, image: b}]}}\n",
    );
    let file = room.write("job.yaml", &pipeline("{manifest: k8s/job.yaml}", ""));
    let told = room.gennaker(&["validate", &file]);
    assert_eq!(told.code, Some(3));
    for words in
        ["error[E011]", "`spec.backoffLimit` is 4", "restartPolicy", "let the stage `retry`"]
    {
        assert!(told.stderr.contains(words), "{words}: {}", told.stderr);
    }
}
