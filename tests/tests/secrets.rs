//! Secrets are sent where their authors want them, and are found nowhere else.

mod echo;
mod everywhere;
mod jobs;
mod search;
mod values;

use crate::program::{Talking, gennaker, pipeline};
use echo::Echo;
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    echo: Echo,
    values: Vec<String>,
}

impl Bench {
    /// Every second value is a file, the others are variables.
    fn new(values: Vec<String>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("secrets")).unwrap();
        for (index, value) in values.iter().enumerate().filter(|(index, _)| index % 2 == 1) {
            fs::write(folder.path().join(format!("secrets/S{index}")), value).unwrap();
        }
        Bench { folder, echo: Echo::start(), values }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gennaker(&self.state(), arguments);
        self.lend(&mut command);
        command
    }

    /// Lets a command find the secrets.
    fn lend(&self, command: &mut Command) {
        command.arg("--secrets-directory").arg(self.folder.path().join("secrets"));
        for (index, value) in self.values.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
            command.env(format!("GENNAKER_SECRET_S{index}"), value);
        }
    }

    fn file(&self, stages: &str) -> String {
        let text = format!(
            "version: 1\nname: leak\nstages:\n{}",
            stages.replace("SERVER", &self.echo.address)
        );
        pipeline(self.folder.path(), "leak.yaml", &text)
    }

    /// What the command said, without the secrets at hand.
    fn told(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.state(), arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.echo.heard.lock().unwrap().clone()
    }
}

#[test]
fn a_secret_reaches_headers_and_body_and_what_it_was_is_told_to_nobody() {
    let bench = Bench::new(vec!["correct-horse".to_owned(), "battery \"staple\"".to_owned()]);
    let file = bench.file(
        "  ask:\n    http:\n      url: SERVER/json\n      method: POST\n      \
         headers: {Authorization: \"Bearer ${{ secrets.S0 }}\"}\n      \
         body: {token: \"${{ secrets.S1 }}\", both: [\"${{ secrets.S0 }}/${{ run.number }}/${{ secrets.S1 }}\"]}\n  \
           read: {needs: [ask], checks: [{assert: \"stages.ask.outputs.json.secret == '***'\"}, {assert: \"stages.ask.outputs.json.inner.contains('***') && !stages.ask.outputs.json.inner.contains('staple')\"}]}\n  \
           whole: {needs: [ask], http: {url: SERVER/fail, method: POST, body: \"${{ secrets.S0 }}\"}}\n",
    );
    let plan = bench.told(&["plan", &file]);
    assert!(plan.contains("Bearer ${{ secrets.S0 }}"), "{plan}");
    let output = bench.command(&["run", &file, "-o", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = bench.heard();
    assert!(heard[0].contains("authorization: Bearer correct-horse\n"), "{heard:?}");
    let body = r#"{"both":["correct-horse/1/battery \"staple\""],"token":"battery \"staple\""}"#;
    assert!(heard[0].ends_with(body), "{heard:?}");
    assert!(heard[1].ends_with("\n\ncorrect-horse"), "{heard:?}");
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["stages"]["read"]["status"], "succeeded", "{run:#}");
    let reason = run["stages"]["whole"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("refused ***"), "{reason}");
}

#[test]
fn a_secret_without_a_value_starts_nothing_and_one_that_vanished_fails_its_stage() {
    let bench = Bench::new(vec!["first".to_owned(), "second".to_owned()]);
    let file =
        bench.file("  ask: {http: {url: SERVER/json, headers: {x: \"${{ secrets.NONE }}\"}}}\n");
    let output = bench.command(&["run", &file]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("error[E007]: there is no secret `NONE`"), "{said}");
    assert!(
        said.contains("GENNAKER_SECRET_NONE is not set, and")
            && said.contains("/secrets/NONE does not exist"),
        "{said}"
    );
    assert!(bench.told(&["validate", &file]).contains("is valid"), "values are the engine's");

    let file = bench.file(
        "  go: {approval: {excludeTriggerer: false}}\n  \
           ask: {needs: [go], http: {url: SERVER/json, headers: {x: \"${{ secrets.S1 }}\"}}}\n",
    );
    let mut run = Talking::start(bench.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    run.until("go: 0 of 1 approvals");
    fs::remove_file(bench.folder.path().join("secrets/S1")).unwrap();
    assert_eq!(bench.told(&["approve", "latest"]).trim(), "recorded");
    assert_eq!(run.code(), Some(5));
    let why = bench.told(&["why", "latest", "ask"]);
    assert!(why.contains("there is no secret `S1`"), "{why}");
    assert_eq!(bench.heard().len(), 0);
}

#[test]
fn a_secret_may_stand_in_headers_and_body_and_nowhere_else() {
    let bench = Bench::new(Vec::new());
    for (stage, told) in [
        ("http: {url: \"SERVER/${{ secrets.S0 }}\"}", "no secret may stand in `url`"),
        ("http: {url: SERVER, headers: {\"${{ secrets.S0 }}\": x}}", "is no name of a header"),
        (
            "http: {url: SERVER, expect: {assert: \"json.x == secrets.S0\"}}",
            "`secrets` is not known here",
        ),
        ("http: {url: SERVER, body: \"${{ secrets.S0 + 'x' }}\"}", "a secret stands alone"),
        ("http: {url: SERVER, body: {\"$secretText\": []}}", "is the engine's own"),
        ("setVariables: {a: \"${{ secrets.S0 }}\"}", "no secret may stand in `a`"),
        ("approval: {message: \"${{ secrets.S0 }}\"}", "no secret may stand in `message`"),
        (
            "environment: \"${{ secrets.S0 }}\"\n    waitForReady: {}",
            "no secret may stand in `environment`",
        ),
    ] {
        let file = bench.file(&format!("  a:\n    {stage}\n"));
        let said = bench.told(&["validate", &file]);
        assert!(said.contains(told), "{stage}: {said}");
    }
    let file = bench.file("  a: {http: {url: SERVER, method: POST, headers: {x: \"a ${{ secrets.S0 }}\"}, body: {x: [\"${{ secrets.S0 }}\"]}}}\n");
    let said = bench.told(&["validate", &file]);
    assert!(said.contains("is valid"), "{said}");
}
