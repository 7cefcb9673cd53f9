//! `http` stages against a server: polled, refused, cut off, asked about, and never sent twice.

use crate::{
    program::{Talking, gennaker, pipeline},
    server::{Reaction, Script, Server},
};
use serde_json::Value;
use std::process::Stdio;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    server: Server,
}

impl Bench {
    fn new(script: Script) -> Bench {
        Bench { folder: tempfile::tempdir().unwrap(), server: Server::start(script) }
    }

    fn watch(&self, stages: &str) -> Talking {
        let stages = stages.replace("SERVER", &self.server.address);
        let text = format!("version: 1\nname: ask\nstages:\n{stages}");
        let file = pipeline(self.folder.path(), "ask.yaml", &text);
        self.talk(&["run", &file, "--watch"])
    }

    fn talk(&self, arguments: &[&str]) -> Talking {
        let mut command = gennaker(&self.folder.path().join("state"), arguments);
        Talking::start(command.stdout(Stdio::null()))
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.folder.path().join("state"), arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    fn latest(&self) -> Value {
        serde_json::from_str(&self.told(&["describe", "run", "latest", "-o", "json"])).unwrap()
    }
}

#[test]
fn a_poll_asks_until_the_answer_is_good_and_hands_it_on() {
    use Reaction::{Answer, HangUp};
    let bench = Bench::new(&[(
        "/health",
        &[
            Answer(503, "not yet"),
            HangUp,
            Answer(200, r#"{"state": "starting"}"#),
            Answer(200, r#"{"state": "up", "version": "v7"}"#),
        ],
    )]);
    let run = bench.watch(
        "  smoke: {http: {url: SERVER/health, poll: {every: 1s, successWhen: json.state == 'up', failWhen: json.state == 'broken'}}}\n  \
           read: {needs: [smoke], checks: [{assert: stages.smoke.outputs.json.version == 'v7' && stages.smoke.outputs.status == 200}]}\n",
    );
    // `json` of a text is null, and reading a field of it cannot be told.
    assert_eq!(run.code(), Some(5));
    let why = bench.told(&["why", "latest", "smoke"]);
    assert!(why.contains("`failWhen` of the stage"), "{why}");

    let bench = Bench::new(&[(
        "/health",
        &[
            Answer(503, "{}"),
            HangUp,
            Answer(200, r#"{"state": "starting"}"#),
            Answer(200, r#"{"state": "up", "version": "v7"}"#),
        ],
    )]);
    let run = bench.watch(
        "  smoke: {http: {url: SERVER/health, poll: {every: 1s, successWhen: json.state == 'up', failWhen: has(json.state) && json.state == 'broken'}}}\n  \
           read: {needs: [smoke], checks: [{assert: stages.smoke.outputs.json.version == 'v7' && stages.smoke.outputs.status == 200}]}\n",
    );
    assert_eq!(run.code(), Some(0));
    assert_eq!(bench.server.heard().len(), 4);
}

#[test]
fn an_answer_that_is_not_as_expected_fails_the_stage_and_says_what_came() {
    use Reaction::{Answer, Flood};
    let bench = Bench::new(&[
        ("/moved", &[Answer(302, "")]),
        ("/down", &[Answer(500, "the disk is full\nat line 3")]),
        ("/flood", &[Flood]),
    ]);
    let run = bench.watch(
        "  moved: {http: {url: SERVER/moved}}\n  \
           down: {http: {url: \"SERVER/down?token=hidden\", method: POST, body: {a: 1}}}\n  \
           flood: {http: {url: SERVER/flood}}\n  \
           unsure: {http: {url: SERVER/moved, expect: {status: [302], assert: \"status == 200\"}}}\n",
    );
    assert_eq!(run.code(), Some(5));
    let stages = bench.latest()["stages"].clone();
    let reason = |stage: &str| stages[stage]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason("moved").ends_with("answered 302 Found"), "{stages:#}");
    assert!(
        reason("down").ends_with("/down` answered 500 Internal Server Error: the disk is full")
    );
    assert!(reason("unsure").contains("`assert: status == 200` is false: status is 302"));
    assert_eq!(stages["flood"]["status"], "succeeded", "a body is cut, and its status counts");
    assert!(!bench.told(&["describe", "run", "latest"]).contains("hidden"));
    let down = bench.server.heard().into_iter().find(|heard| heard.line.starts_with("POST"));
    let down = down.unwrap();
    assert_eq!(
        (down.body.as_str(), down.headers["content-type"].as_str()),
        ("{\"a\":1}", "application/json")
    );
}

#[test]
fn nobody_knows_whether_a_request_arrived_so_a_person_is_asked() {
    use Reaction::{Answer, HangUp};
    let bench = Bench::new(&[("/release", &[HangUp, HangUp, Answer(200, "{}")])]);
    let mut run = bench.watch("  tell: {http: {url: SERVER/release, method: POST, body: v7}}\n");
    run.until("was `POST");
    assert_eq!(bench.latest()["status"], "waiting");
    let why = bench.told(&["why", "latest"]);
    assert!(why.contains("tell: waiting: was `POST") && why.contains("carried out?"), "{why}");
    assert!(bench.told(&["approve", "latest", "tell"]).contains("it takes yes, no"));
    assert_eq!(bench.told(&["answer", "no", "latest"]).trim(), "recorded");
    bench.server.await_requests(2);
    run.until("was `POST");
    bench.told(&["answer", "yes", "latest", "-m", "seen in its log"]);
    assert_eq!(run.code(), Some(0));
    let keys: Vec<String> =
        bench.server.heard().iter().map(|heard| heard.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 2, "a yes sends nothing");
    assert_eq!(keys[0], keys[1], "the same request has the same key");
}

#[test]
fn a_request_under_way_when_the_engine_is_killed_is_not_sent_again_by_itself() {
    let bench = Bench::new(&[("/release", &[Reaction::Silence])]);
    let mut run = bench.watch("  tell: {http: {url: SERVER/release, method: POST}}\n");
    bench.server.await_requests(1);
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let mut recover = bench.talk(&["recover", "--watch"]);
    let said = recover.until("was `POST");
    assert_eq!(bench.server.heard().len(), 1, "it was sent again");
    assert!(said.last().unwrap().contains("the engine ended while the request was under way"));
    bench.told(&["answer", "yes", "latest"]);
    assert_eq!(recover.code(), Some(0));
    assert_eq!(bench.server.heard().len(), 1);
}
