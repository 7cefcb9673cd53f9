//! The program as its users start it: what it prints, where, and its exit codes.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Output, Stdio},
    sync::LazyLock,
};

/// How the program is built: as other code under test, or as its users have it (`release`).
pub(crate) static PROFILE: LazyLock<String> =
    LazyLock::new(|| std::env::var("GENNAKER_TEST_PROFILE").unwrap_or("dev".to_owned()));

/// The program, built from this checkout unless `GENNAKER_TEST_PROGRAM` names one that is built already.
pub(crate) static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(built) = std::env::var_os("GENNAKER_TEST_PROGRAM") {
        return PathBuf::from(built);
    }
    let output = Command::new(env!("CARGO"))
        .args(["build", "-p", "gennaker", "--message-format", "json", "--locked"])
        .args(["--profile", &PROFILE])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut built = messages.filter_map(|it| it["executable"].as_str().map(PathBuf::from));
    built.find(|path| path.ends_with("gennaker")).expect("cargo names the program it built")
});

pub(crate) fn gennaker(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(&*PROGRAM);
    command.arg("--state").arg(state).args(arguments).env("NO_COLOR", "1");
    command
}

/// A program that runs, and what it says.
pub(crate) struct Talking {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Talking {
    pub(crate) fn start(command: &mut Command) -> Talking {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Talking { child, lines }
    }

    /// Listens until a line has `words`.
    pub(crate) fn until(&mut self, words: &str) -> Vec<String> {
        let mut said = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            said.push(line);
            if said.last().unwrap().contains(words) {
                return said;
            }
        }
        panic!("the program never said {words:?}: {said:#?}")
    }

    pub(crate) fn code(mut self) -> Option<i32> {
        let said: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        println!("{said:#?}");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Talking {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn told(state: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = gennaker(state, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

pub(crate) fn pipeline(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_run_ends_with_its_json_on_stdout_and_its_story_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(
        folder.path(),
        "short.yaml",
        "version: 1\nname: short\nstages:\n  a: {wait: {duration: 1s}}\n  b: {needs: [a], wait: {duration: 1s}}\n",
    );
    let (code, stdout, stderr) = told(&state, &["run", &file, "--watch", "-o", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let run: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(run["status"], "succeeded");
    let stages: Vec<&String> = run["stages"].as_object().unwrap().keys().collect();
    assert_eq!(stages, ["a", "b"]);
    assert!(stderr.contains("short#1 b: running"), "{stderr}");

    let (code, stdout, _) = told(&state, &["describe", "run", "latest", "-o", "json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&stdout).unwrap()), (Some(0), run));
    let (_, stdout, _) = told(&state, &["get", "runs", "-o", "name"]);
    assert_eq!(stdout, "short#1\n");
    let (_, stdout, _) = told(&state, &["describe", "run", "latest", "-o", "yaml"]);
    assert!(stdout.contains("status: succeeded\n"), "{stdout}");
    let (_, stdout, _) = told(&state, &["plan", &file, "-o", "name"]);
    assert_eq!(stdout, "a\nb\n");
    let (code, _, stderr) = told(&state, &["wait", "latest", "--timeout", "1m"]);
    assert_eq!((code, stderr.trim()), (Some(0), "short#1 has ended: succeeded"));
    let (code, _, stderr) = told(&state, &["watch", "latest"]);
    assert!(code == Some(0) && stderr.contains("short#1 b: succeeded"), "{stderr}");
    let (_, stdout, _) = told(&state, &["get", "runs"]);
    assert!(stdout.contains("short#1"), "{stdout}");
    let (code, _, stderr) = told(&state, &["recover"]);
    assert_eq!((code, stderr.trim()), (Some(0), "nothing is unfinished"));
}

#[test]
fn every_fault_of_a_file_is_told_at_once_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(
        folder.path(),
        "bad.yaml",
        "version: 1\nname: bad\nstages:\n  a: {needs: [zz], wait: {duraton: 1s}}\n  b: {wait: {duration: 5}}\n",
    );
    let (code, stdout, _) = told(&state, &["validate", "--format", "json", &file]);
    let faults: Value = serde_json::from_str(&stdout).unwrap();
    let codes: Vec<&str> =
        faults.as_array().unwrap().iter().map(|fault| fault["code"].as_str().unwrap()).collect();
    assert_eq!((code, codes), (Some(3), vec!["E002", "E001", "E008"]));
    let (code, stdout, stderr) = told(&state, &["run", &file]);
    assert_eq!((code, stdout.as_str()), (Some(3), ""));
    assert!(stderr.contains("did you mean `duration`?"), "{stderr}");
    let (_, stdout, _) = told(&state, &["get", "runs", "-o", "json"]);
    assert_eq!(stdout.trim(), "[]");
}

#[test]
fn warnings_are_told_and_fail_a_file_only_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(
        folder.path(),
        "odd.yaml",
        "version: 1\nname: odd\nparameters: {x: {type: string, default: a}}\nstages:\n  a: {wait: {duration: 1s}}\n",
    );
    let (code, _, stderr) = told(&state, &["validate", &file]);
    assert!(code == Some(0) && stderr.contains("warning[W108]"), "{stderr}");
    assert!(stderr.ends_with("is valid\n") && stderr.contains("1 warning in "), "{stderr}");
    let (code, stdout, _) = told(&state, &["validate", "--format", "json", &file]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found[0]["severity"]), (Some(0), &"warning".into()));
    let (_, stdout, _) = told(&state, &["validate", "--format", "sarif", &file]);
    let sarif: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "warning");
    let (_, stdout, _) = told(&state, &["validate", "--format", "github", &file]);
    assert!(stdout.starts_with("::warning file="), "{stdout}");
    let (code, _, stderr) = told(&state, &["validate", "--strict", &file]);
    assert!(code == Some(3) && stderr.contains("error[W108]"), "{stderr}");
    let (code, _, stderr) = told(&state, &["run", &file]);
    assert!(code == Some(0) && stderr.contains("warning[W108]"), "{stderr}");
}

#[test]
fn wrong_usage_a_missing_file_and_an_empty_state_have_codes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    for (arguments, expected) in [
        (vec!["run"], 2),
        (vec!["fly"], 2),
        (vec!["validate", "/nowhere.yaml"], 1),
        (vec!["get", "runs"], 1),
        (vec!["version"], 0),
    ] {
        let (code, _, stderr) = told(&state, &arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_wait_example_runs_by_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples/wait");
    let (code, _, stderr) = told(&folder.path().join("state"), &["run", example]);
    assert_eq!(code, Some(0), "{stderr}");
}

/// `script` gives the program a terminal; what it drew is what a person saw.
#[test]
fn on_a_terminal_a_watched_run_is_a_tree_that_is_drawn_over() {
    let folder = tempfile::tempdir().unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples/wait");
    let state = folder.path().join("state");
    let (program, state) = (PROGRAM.display(), state.display());
    let line = format!("{program} --state {state} run {example} --watch");
    let seen = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .output()
        .expect("`script` of util-linux gives the program a terminal");
    let text = String::from_utf8_lossy(&seen.stdout);
    assert_eq!(seen.status.code(), Some(0), "{text}");
    for part in ["├─ ", "left", "2s from its start", "\u{1b}[2K", "\u{1b}[32msucceeded"] {
        assert!(text.contains(part), "{part:?} is missing: {text:?}");
    }
}

#[test]
fn codes_are_explained_and_pipelines_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (code, stdout, _) = told(&state, &["explain", "e002"]);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("E002: `needs` names a stage"), "{stdout}");
    assert!(stdout.contains("\nWrong:\n\n  version: 1\n"), "{stdout}");
    let (code, _, stderr) = told(&state, &["explain", "E999"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("known are E001 "), "{stderr}");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples/wait");
    let (_, stdout, _) = told(&state, &["graph", example]);
    let expected = "flowchart LR\n  s0[\"left: wait\"]\n  s1[\"right: wait\"]\n  s2[\"after: wait\"]\n  s0 --> s2\n  s1 --> s2\n";
    assert_eq!(stdout, expected);
    let (_, stdout, _) = told(&state, &["graph", example, "-o", "dot"]);
    assert!(stdout.starts_with("digraph \"wait\" {") && stdout.ends_with("}\n"), "{stdout}");
    let (code, stdout, _) = told(&state, &["graph", example, "-o", "svg"]);
    assert!(code == Some(0) && stdout.starts_with("<svg ") && stdout.ends_with("</svg>\n"));
    assert_eq!((stdout.matches("<rect ").count(), stdout.matches("marker-end").count()), (3, 2));
}

#[test]
fn a_run_whose_time_runs_out_fails_and_cancels_what_had_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = pipeline(
        folder.path(),
        "long.yaml",
        "version: 1\nname: long\ntimeout: 1s\nstages:\n  a: {wait: {duration: 1h}}\n  b: {needs: [a], wait: {duration: 1s}}\n",
    );
    let (code, stdout, stderr) = told(&state, &["run", &file, "-o", "json"]);
    assert_eq!(code, Some(5), "{stderr}");
    let run: Value = serde_json::from_str(&stdout).unwrap();
    let end = |stage: &str| {
        (run["stages"][stage]["status"].clone(), run["stages"][stage]["reason"].clone())
    };
    assert_eq!(run["status"], "failed");
    assert_eq!(run["reason"], "stopped: the time of the whole run ran out");
    let why = "the time of the whole run ran out, still waiting: 1h from its start";
    assert_eq!(end("a"), ("failed".into(), why.into()));
    assert_eq!(end("b"), ("cancelled".into(), "the time of the whole run ran out".into()));
}

#[test]
fn a_shell_is_told_names_of_runs_and_stages_and_never_of_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let text = "version: 1\nname: short\nstages:\n  first: {setVariables: {a: 1}}\n  second: {setVariables: {a: 1}}\n";
    let file = pipeline(folder.path(), "short.yaml", text);
    assert_eq!(told(&state, &["run", &file]).0, Some(0));
    // As the script for fish asks: every word so far, the last one unfinished.
    let asked = |state: &Path, words: &[&str]| {
        let state = state.to_str().unwrap();
        let mut command = Command::new(&*PROGRAM);
        command.env("COMPLETE", "fish").args(["--", "gennaker", "--state", state]).args(words);
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert_eq!((status.code(), stderr.as_slice()), (Some(0), b"".as_slice()), "{words:?}");
        String::from_utf8(stdout).unwrap()
    };
    let runs = asked(&state, &["approve", ""]);
    assert!(runs.contains("short#1\tsucceeded\n") && runs.contains("latest\t"), "{runs}");
    assert_eq!(asked(&state, &["describe", "run", "sho"]), "short#1\tsucceeded\n");
    let stages = asked(&state, &["why", "short#1", ""]);
    assert!(stages.contains("first\tsucceeded\nsecond\tsucceeded\n"), "{stages}");
    let nothing = asked(&folder.path().join("nowhere"), &["why", "short#1", "x"]);
    assert_eq!(nothing, "");
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, _) = told(&state, &["completion", shell]);
        assert!(code == Some(0) && stdout.contains("COMPLETE"), "{stdout}");
    }
}
