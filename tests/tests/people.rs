//! People answer what runs ask: by the socket of the engine that drives them, or without one.

use crate::program::{PROGRAM, Talking, gennaker, pipeline};
use serde_json::Value;
use std::{
    fs::Permissions,
    io::{Read, Write},
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

const ASK: &str = "version: 1
name: ask
stages:
  goLive: {approval: {message: ship it?, excludeTriggerer: EXCLUDE}}
  flaky: {needs: [goLive], onFailure: hold, checks: [{assert: 1 > 2, message: not yet}]}
  end: {needs: [flaky], setVariables: {done: true}}
";

/// A folder with a pipeline and a state directory.
struct Desk {
    folder: TempDir,
    file: String,
}

const OTHER_RUN: &str = "{\"seen\": {\"run\": \"019a0000-0000-7000-8000-000000000000\"}}";

struct Told {
    code: Option<i32>,
    said: String,
}

impl Desk {
    fn new(exclude: bool) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        // Other users come as far as the socket.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let text = ASK.replace("EXCLUDE", &exclude.to_string());
        let file = pipeline(folder.path(), "ask.yaml", &text);
        Desk { folder, file }
    }

    /// Deeper than an address of a socket reaches.
    fn state(&self) -> PathBuf {
        self.folder.path().join("state").join("deep".repeat(25))
    }

    fn spawn(&self, arguments: &[&str]) -> Talking {
        let mut command = gennaker(&self.state(), arguments);
        command.stdout(Stdio::null()).env_remove("KUBECONFIG");
        Talking::start(&mut command)
    }

    fn told(&self, arguments: &[&str]) -> Told {
        told(&mut gennaker(&self.state(), arguments))
    }

    fn latest(&self) -> Value {
        let mut command = gennaker(&self.state(), &["describe", "run", "latest", "-o", "json"]);
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap()
    }
}

fn told(command: &mut Command) -> Told {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Told { code: output.status.code(), said: String::from_utf8(said).unwrap() }
}

#[test]
fn what_a_run_asks_is_answered_from_another_process_and_why_says_the_same_everywhere() {
    let desk = Desk::new(false);
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    let said = run.until("goLive: ship it?");
    let sentence = "ship it?: 0 of 1 approvals; anybody may answer";
    assert!(said.last().unwrap().ends_with(sentence), "{said:?}");
    assert_eq!(desk.told(&["why", "latest"]).said.trim(), format!("goLive: waiting: {sentence}"));
    assert_eq!(desk.latest()["stages"]["goLive"]["waiting"]["detail"], sentence);
    assert_eq!(desk.latest()["status"], "waiting");

    let wrong = desk.told(&["retry", "latest", "goLive"]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.said.contains("it takes approve, reject"), "{}", wrong.said);
    assert_eq!(desk.told(&["approve", "latest", "-m", "looks fine"]).code, Some(0));
    run.until("held for a person");
    let held = desk.told(&["why", "latest", "flaky"]);
    assert!(held.said.contains("retry, continue or abort: not yet"), "{}", held.said);
    assert_eq!(desk.told(&["retry", "latest"]).code, Some(0));
    run.until("running, attempt 2");
    run.until("held for a person");
    assert_eq!(desk.told(&["continue", "latest"]).code, Some(0));
    run.until("ended: succeeded, 1 warnings");
    assert_eq!(run.code(), Some(0));
    let view = desk.latest();
    assert_eq!(
        (&view["stages"]["flaky"]["tolerated"], &view["warnings"]),
        (&true.into(), &1.into())
    );
}

#[test]
fn an_answer_to_an_attempt_that_has_passed_is_refused_and_changes_nothing() {
    let desk = Desk::new(false);
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    let early = desk.told(&["approve", "latest", "--attempt", "2"]);
    assert_eq!(early.code, Some(1));
    let words =
        "the answer is to attempt 2 of stage `goLive`, which is at attempt 1 and waiting now";
    assert!(early.said.contains(words), "{}", early.said);
    assert_eq!(desk.told(&["approve", "latest", "--attempt", "1"]).code, Some(0));
    run.until("held for a person");
    assert_eq!(desk.told(&["retry", "ask#1"]).code, Some(0));
    run.until("running, attempt 2");
    run.until("held for a person");
    for said in ["continue", "retry", "abort"] {
        let late = desk.told(&[said, "ask#1", "flaky", "--attempt", "1"]);
        assert_eq!(late.code, Some(1), "{said}");
        let words = "which is at attempt 2 and waiting now; `gennaker why ask#1 flaky` says";
        assert!(late.said.contains(words), "{said}: {}", late.said);
    }
    assert_eq!(desk.latest()["stages"]["flaky"]["waiting"]["kind"], "hold");
    assert_eq!(desk.told(&["continue", "latest", "--attempt", "2"]).code, Some(0));
    run.until("ended: succeeded");
    let again = desk.told(&["retry", "latest", "--attempt", "2"]);
    assert!(again.said.contains("has no attempt to answer"), "{}", again.said);
}

const GIVE: &str = "version: 1
name: give
stages:
  goLive:
    approval:
      excludeTriggerer: false
      inputs: {percent: {type: number, required: true}, region: {type: choice, options: [eu, us], default: eu}}
  end:
    needs: [goLive]
    when: stages.goLive.outputs.inputs.percent > 5
    setVariables: {told: \"${{ stages.goLive.outputs.inputs.region }} ${{ stages.goLive.outputs.inputs.percent }}\"}
  never: {needs: [goLive], when: stages.goLive.outputs.inputs.percent > 50, setVariables: {x: 1}}
";

#[test]
fn a_yes_gives_typed_values_that_later_stages_read() {
    let desk = Desk::new(false);
    let file = pipeline(desk.folder.path(), "give.yaml", GIVE);
    let planned = desk.told(&["plan", &file]);
    assert!(
        planned.said.contains("\"percent\":{\"required\":true,\"type\":\"number\"}"),
        "{}",
        planned.said
    );
    let mut run = desk.spawn(&["run", &file, "--watch"]);
    run.until("giving percent (a number), region (eu or us; eu if not given)");
    let why = desk.told(&["why", "latest", "goLive"]).said;
    assert!(why.contains("giving percent (a number), region"), "{why}");
    for (arguments, words) in [
        (vec![], "`percent` (a number) is missing"),
        (vec!["-i", "percent=many"], "`percent`: `many` is no number"),
        (vec!["-i", "percent=1", "-i", "regoin=eu"], "no input `regoin`, did you mean `region`?"),
        (vec!["-i", "percent=1", "-i", "region=asia"], "`asia` is none of eu, us"),
    ] {
        let refused = desk.told(&[vec!["approve", "latest"], arguments].concat());
        assert_eq!(refused.code, Some(1), "{words}");
        assert!(refused.said.contains(words), "{words}: {}", refused.said);
    }
    let socket = desk.state().join("engine.sock");
    let post = |word: &str, body: &str| {
        let path = format!("/api/v1/runs/latest/stages/goLive/{word}");
        let headers = format!("host: x\r\nidempotency-key: {word} {}\r\n", body.len());
        crate::wire::exchange(
            crate::wire::socket(&socket),
            crate::wire::post(&path, &headers, body).as_bytes(),
        )
    };
    for (word, body, status, words) in [
        ("approve", "{\"inputs\": {\"percent\": \"x\"}}", 422, "is no number"),
        ("approve", "{\"inputs\": {\"percent\": [7]}}", 422, "[7] is no number"),
        (
            "reject",
            "{\"inputs\": {\"percent\": 7}}",
            409,
            "`reject` takes no inputs; only `approve` does",
        ),
        ("approve", "{\"inputs\": [7]}", 422, "expected a map"),
        ("approve", "{\"inputs\": {\"percent\": 7, \"region\": \"us\"}}", 202, "recorded"),
    ] {
        let reply = post(word, body);
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert!(format!("{reply:?}").contains(words), "{body}: {reply:?}");
    }
    let said = run.until("says approve");
    assert!(said.last().unwrap().contains("approve percent=7 region=\"us\""), "{said:?}");
    run.until("ended: succeeded");
    let rows = desk.told(&["describe", "run", "latest", "-o", "json"]).said;
    let view: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(view["stages"]["never"]["status"], "skipped");
    let why = view["stages"]["never"]["reason"].as_str().unwrap();
    assert!(why.ends_with("stages.goLive.outputs.inputs.percent is 7"), "{why}");
}

#[test]
fn inputs_that_were_given_while_no_engine_ran_are_judged_and_count() {
    let desk = Desk::new(false);
    let file = pipeline(desk.folder.path(), "give.yaml", GIVE);
    let mut run = desk.spawn(&["run", &file, "--watch"]);
    run.until("giving percent");
    drop(run); // killed
    let refused = desk.told(&["approve", "latest", "-i", "percent=many"]);
    assert!(refused.code == Some(1) && refused.said.contains("is no number"), "{}", refused.said);
    assert_eq!(desk.told(&["approve", "latest", "-i", "percent=60"]).code, Some(0));
    let mut recover = desk.spawn(&["recover", "--watch"]);
    recover.until("ended: succeeded");
    assert_eq!(desk.latest()["stages"]["never"]["status"], "succeeded");
}

#[test]
fn the_value_of_a_secret_is_not_taken_for_an_input() {
    let desk = Desk::new(false);
    let text = GIVE
        .replace("excludeTriggerer: false", "excludeTriggerer: false\n      message: go?")
        + "  ping: {needs: [never], http: {url: \"https://a.example/\", headers: {x-token: \"${{ secrets.TOKEN }}\"}}}\n";
    let text = text.replace(
        "region: {type: choice, options: [eu, us], default: eu}",
        "region: {type: string}",
    );
    let file = pipeline(desk.folder.path(), "give.yaml", &text);
    let secrets = desk.folder.path().join("secrets");
    std::fs::create_dir(&secrets).unwrap();
    std::fs::write(secrets.join("TOKEN"), "planted-value").unwrap();
    let secrets = secrets.to_str().unwrap();
    let mut run = desk.spawn(&["run", &file, "--watch", "--secrets-directory", secrets]);
    run.until("go?");
    let refused =
        desk.told(&["approve", "latest", "-i", "percent=1", "-i", "region=a planted-value"]);
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert!(
        refused.said.contains("input `region` holds the value of a secret"),
        "{}",
        refused.said
    );
    assert!(!refused.said.contains("planted-value"), "{}", refused.said);
    assert_eq!(desk.told(&["cancel", "latest"]).code, Some(0));
    run.until("ended: cancelled");
}

#[test]
fn a_paused_run_starts_nothing_until_somebody_resumes_it() {
    let desk = Desk::new(false);
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    assert_eq!(desk.told(&["pause", "latest", "-m", "lunch"]).code, Some(0));
    run.until("paused by");
    let again = desk.told(&["pause", "latest"]);
    assert_eq!(again.code, Some(1), "{}", again.said);
    assert!(again.said.contains("the run is paused already"), "{}", again.said);
    assert_eq!(desk.told(&["approve", "latest"]).code, Some(0));
    run.until("flaky: waits until the run is resumed");
    assert_eq!(desk.latest()["status"], "paused");
    let why = desk.told(&["why", "latest", "flaky"]).said;
    assert!(why.contains("waits until the run is resumed: paused by") && why.contains("lunch"));
    assert_eq!(desk.told(&["resume", "latest"]).code, Some(0));
    run.until("held for a person");
    assert_eq!(desk.told(&["abort", "latest"]).code, Some(0));
    run.until("ended: failed");
}

#[test]
fn a_no_rejects_the_run_and_what_hangs_on_it_is_left_out() {
    let desk = Desk::new(false);
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    assert_eq!(desk.told(&["reject", "latest", "-m", "not on a Friday"]).code, Some(0));
    run.until("ended: rejected");
    assert_eq!(run.code(), Some(5));
    let view = desk.latest();
    assert!(view["stages"]["goLive"]["reason"].as_str().unwrap().ends_with("no: not on a Friday"));
    assert_eq!(view["stages"]["end"]["status"], "omitted");
}

#[test]
fn a_run_that_was_killed_while_it_asked_is_answered_and_then_recovered() {
    let desk = Desk::new(false);
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    drop(run); // killed
    // Nobody listens: the answer is recorded all the same, and nothing is driven.
    assert_eq!(desk.told(&["approve", "latest"]).code, Some(0));
    assert_eq!(desk.latest()["stages"]["goLive"]["status"], "waiting");
    let mut recover = desk.spawn(&["recover", "--watch"]);
    recover.until("held for a person");
    assert_eq!(desk.told(&["abort", "latest"]).code, Some(0));
    assert_eq!(recover.code(), Some(5));
    assert_eq!(desk.latest()["status"], "failed");
}

#[test]
fn an_engine_that_serves_runs_what_is_handed_in_and_leaves_when_it_is_told() {
    let desk = Desk::new(false);
    let mut engine = desk.spawn(&["serve"]);
    engine.until("listening on");
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    let broken = pipeline(desk.folder.path(), "bad.yaml", "version: 1\nname: bad\nstages: {}\n");
    assert_eq!(desk.told(&["run", &broken]).code, Some(3));
    let kill = Command::new("kill").args(["-TERM", &engine.child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(engine.code(), Some(0));
    assert_eq!(desk.latest()["status"], "waiting");
    let mut engine = desk.spawn(&["serve"]);
    engine.until("listening on");
    assert_eq!(desk.told(&["cancel", "latest", "-m", "enough"]).code, Some(0));
    run.until("ended: cancelled");
    assert_eq!(run.code(), Some(5));
}

/// A request as it stands on the wire, and its status and body.
fn request(socket: &Path, text: &str) -> (u16, String) {
    let directory = std::fs::File::open(socket.parent().unwrap()).unwrap();
    let short = format!("/proc/self/fd/{}/engine.sock", directory.as_raw_fd());
    let mut stream = UnixStream::connect(short).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn a_request_is_answered_with_a_problem_that_says_what_is_wrong_and_counts_once() {
    let desk = Desk::new(false);
    let mut engine = desk.spawn(&["serve"]);
    engine.until("listening on");
    let mut run = desk.spawn(&["run", &desk.file, "--watch"]);
    run.until("goLive: ship it?");
    let socket = desk.state().join("engine.sock");
    let post = |path: &str, key: &str, body: &str| {
        let length = body.len();
        request(
            &socket,
            &format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{key}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        )
    };
    let key = "idempotency-key: one\r\n";
    let approve = "/api/v1/runs/latest/stages/goLive/approve";
    for (path, key, body, status, words) in [
        (approve, "", "{}", 400, "Idempotency-Key"),
        (approve, key, "{", 400, "EOF"),
        (approve, key, "{\"why\": 1}", 422, "unknown field"),
        (approve, key, "{\"seen\": {\"atempt\": 1}}", 422, "unknown field"),
        (approve, key, "{\"seen\": {\"attempt\": 2}}", 409, "which is at attempt 1 and waiting"),
        (
            approve,
            key,
            "{\"seen\": {\"plan\": \"0a\"}}",
            409,
            "answer is to plan 0a, and ask#1 has",
        ),
        (approve, key, OTHER_RUN, 409, "and this is ask#1, another one"),
        ("/api/v1/runs/nowhere/cancel", key, "{}", 404, "no run is `nowhere`"),
        ("/api/v1/runs/latest/stages/gone/approve", key, "{}", 409, "goLive, flaky, end"),
        ("/api/v1/runs/latest/stages/goLive/skip", key, "{}", 400, "skip"),
        ("/api/v2/runs", key, "{}", 404, "nothing here"),
        (approve, key, "{}", 202, "recorded"),
        (approve, key, "{}", 409, "does not take `approve`"),
    ] {
        let (got, said) = post(path, key, body);
        assert_eq!(got, status, "{path}: {said}");
        assert!(said.contains(words), "{path}: {said}");
        if status == 202 {
            run.until("held for a person");
        }
    }
}

#[test]
fn nobody_approves_their_own_run_and_a_second_user_does_by_the_socket() {
    let desk = Desk::new(true);
    let state = desk.folder.path().join("state");
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        eprintln!("NOT RUN: only root can become a second user of this machine");
        return;
    }
    let program = desk.folder.path().join("gennaker");
    std::fs::copy(&*PROGRAM, &program).unwrap();
    let arguments = ["run", &desk.file, "--watch", "--socket-group", "nogroup"];
    let mut run = Talking::start(gennaker(&state, &arguments).stdout(Stdio::null()));
    run.until("goLive: ship it?");
    let own = told(&mut gennaker(&state, &["approve", "latest"]));
    assert_eq!(own.code, Some(1));
    assert!(
        own.said.contains("root started the run, so somebody else must answer"),
        "{}",
        own.said
    );
    let mut second = Command::new("setpriv");
    second.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    second.arg("--state").arg(&state).args(["approve", "latest"]);
    let second = told(&mut second);
    assert_eq!(second.code, Some(0), "{}", second.said);
    run.until("goLive: nobody says approve");
}
