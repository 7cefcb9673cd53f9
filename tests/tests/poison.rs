//! A run with which the engine dies, again and again: its neighbours finish, and a person is asked.

use crate::{
    program::{Talking, gennaker},
    server::{
        Reaction::{Answer, Silence},
        Script, Server,
    },
    wire::{exchange, get, post, socket},
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The engine is killed while each of the first requests hangs.
const HANGS: Script = &[("/hang", &[Silence, Silence, Silence, Answer(200, "{}")])];
const POISON: &str = "version: 1
name: poison
stages:
  fetch: {onFailure: hold, http: {url: SERVER/hang}}
  after: {needs: [fetch], setVariables: {done: true}}
";
const HEALTHY: &str = "version: 1
name: healthy
stages:
  rest: {wait: {duration: 3s}}
  after: {needs: [rest], setVariables: {done: true}}
";

struct Bench {
    folder: TempDir,
    server: Server,
    engine: Option<Talking>,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        Bench { folder, server: Server::start(HANGS), engine: None }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn serve(&mut self) {
        let mut command = gennaker(&self.state(), &["serve"]);
        let mut engine = Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"));
        engine.until("listening on");
        self.engine = Some(engine);
    }

    /// As `kill -9` does it.
    fn kill(&mut self) {
        let mut engine = self.engine.take().unwrap();
        engine.child.kill().unwrap();
        engine.child.wait().unwrap();
    }

    fn terminate(&mut self) {
        let engine = self.engine.take().unwrap();
        let pid = engine.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(engine.code(), Some(0), "it leaves in peace");
    }

    fn begin(&self, source: &str) -> String {
        let source = source.replace("SERVER", &self.server.address);
        let body = json!({"name": "x.yaml", "source": source}).to_string();
        let headers = format!("host: x\r\nidempotency-key: {}\r\n", source.len());
        let request = post("/api/v1/runs", &headers, &body);
        let reply = exchange(socket(&self.state().join("engine.sock")), request.as_bytes());
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    fn get(&self, path: &str) -> Value {
        let request = get(path, "host: x\r\n");
        exchange(socket(&self.state().join("engine.sock")), request.as_bytes()).json()
    }

    fn view(&self, run: &str) -> Value {
        self.get(&format!("/api/v1/runs/{run}"))
    }

    fn until(&self, run: &str, status: &str) -> Value {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let view = self.view(run);
            if view["status"] == status {
                return view;
            }
            assert!(Instant::now() < deadline, "never {status}: {view:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.state(), arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// The names of a run's events.
    fn events(&self, run: &str) -> Vec<String> {
        let rows = self.get(&format!("/api/v1/runs/{run}/events"));
        let rows = rows["items"].as_array().unwrap_or_else(|| panic!("{rows:#}")).clone();
        let events = rows.iter().flat_map(|row| row["events"].as_array().unwrap());
        events.map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Has the engine killed three times while the stage waits for its answer.
    fn killed_three_times(&mut self) -> (String, String) {
        self.serve();
        let healthy = self.begin(HEALTHY);
        let poison = self.begin(POISON);
        for kill in 1..=3 {
            self.server.await_requests(kill);
            self.kill();
            self.serve();
        }
        (poison, healthy)
    }
}

#[test]
fn a_run_that_kills_the_engine_becomes_a_question_that_every_surface_tells() {
    let mut bench = Bench::new();
    let (poison, healthy) = bench.killed_three_times();
    bench.until(&healthy, "succeeded");
    let view = bench.until(&poison, "waiting");
    let sentence = "the engine died 3 times in a row while it drove this run (`fetch`), the last \
                    time by itself: `gennaker answer yes poison#1` drives it again, by itself; \
                    `gennaker answer no poison#1` ends it as failed and calls none of its stages \
                    again";
    assert_eq!(view["waiting"]["kind"], "question");
    assert_eq!(view["waiting"]["detail"], sentence);
    let why = bench.told(&["why", "poison#1"]);
    assert!(why.contains(&format!("run: {sentence}\n")), "{why}");
    assert!(why.contains("fetch: waiting: stands still until somebody has answered"), "{why}");
    assert!(bench.told(&["describe", "run", "poison#1"]).contains(sentence));
    let listed = bench.told(&["get", "runs", "-o", "wide"]);
    assert!(listed.lines().any(|line| line.contains("poison#1") && line.contains("question")));
    let mut command = gennaker(&bench.state(), &["watch", "poison#1"]);
    let mut watch = Talking::start(command.stdout(Stdio::null()));
    watch.until(sentence);
    assert_eq!(bench.server.heard().len(), 3, "nothing is called while the question stands");

    assert_eq!(bench.told(&["answer", "yes", "poison#1", "-m", "seen to"]).trim(), "recorded");
    watch.until("says yes, drive it again");
    bench.until(&poison, "succeeded");
    assert_eq!(watch.code(), Some(0));
    assert_eq!(bench.server.heard().len(), 4);
    let events = bench.events(&poison);
    let of_trial = |event: &&String| {
        ["runSuspected", "runTriedAlone", "runQuestioned", "runAnswered", "runCleared"]
            .contains(&event.as_str())
    };
    let trial: Vec<&String> = events.iter().filter(of_trial).collect();
    assert_eq!(
        trial,
        [
            "runSuspected",
            "runTriedAlone",
            "runQuestioned",
            "runAnswered",
            "runTriedAlone",
            "runCleared"
        ]
    );
}

#[test]
fn a_no_ends_a_run_that_kills_the_engine_and_calls_nothing_again() {
    let mut bench = Bench::new();
    let (poison, healthy) = bench.killed_three_times();
    bench.until(&poison, "waiting");
    bench.kill();
    // No engine listens: one is hosted that records the answer and drives nothing.
    assert_eq!(bench.told(&["answer", "no", "poison#1", "-m", "broken"]).trim(), "recorded");
    bench.serve();
    let view = bench.until(&poison, "failed");
    let reason = view["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the engine died 3 times in a row while it drove the run, and ")
            && reason.ends_with(" said not to go on: broken"),
        "{reason}"
    );
    assert_eq!(view["stages"]["fetch"]["status"], "failed", "it is not held");
    assert_eq!(view["stages"]["after"]["status"], "cancelled");
    assert_eq!(bench.server.heard().len(), 3);
    bench.until(&healthy, "succeeded");
    assert!(bench.told(&["answer", "no", "poison#1"]).contains("no stage of this run takes `no`"));
}

#[test]
fn a_run_that_asks_can_be_cancelled_and_the_question_outlives_the_engine() {
    let mut bench = Bench::new();
    let (poison, _) = bench.killed_three_times();
    bench.until(&poison, "waiting");
    bench.terminate();
    bench.serve();
    let view = bench.view(&poison);
    assert_eq!(view["waiting"]["kind"], "question", "{view:#}");
    assert_eq!(bench.told(&["cancel", "poison#1"]).trim(), "recorded");
    let view = bench.until(&poison, "cancelled");
    assert_eq!(view["stages"]["fetch"]["status"], "cancelled");
    assert_eq!(bench.server.heard().len(), 3, "its stage was not called again");
}

#[test]
fn an_engine_that_leaves_in_peace_makes_nobody_a_suspect() {
    let mut bench = Bench::new();
    bench.serve();
    let run = bench.begin(POISON);
    for leave in 1..=2 {
        bench.server.await_requests(leave);
        bench.terminate();
        bench.serve();
    }
    bench.server.await_requests(3);
    let events = bench.events(&run);
    assert!(!events.iter().any(|event| event.contains("Suspected")), "{events:?}");
    bench.kill();
    bench.serve();
    bench.until(&run, "succeeded");
}
