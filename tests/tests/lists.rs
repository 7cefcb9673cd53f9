//! Lists of runs and pipelines: which, in which order, and while they change.

use crate::{
    api::{ASK, SHORT, Served},
    program::{gennaker, pipeline},
};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

fn told(served: &Served, arguments: &[&str]) -> String {
    let mut command = gennaker(&served.state(), arguments);
    let output = command.current_dir(served.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn names(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn runs_are_sorted_by_what_is_asked_for() {
    let served = Served::start();
    let ask = served.begin(ASK);
    served.until(&ask, "waiting");
    for _ in 0..2 {
        let run = served.begin(SHORT);
        served.until(&run, "succeeded");
    }
    for (by, expected) in [
        ("started", ["short#2", "short#1", "ask#1"]),
        ("ended", ["ask#1", "short#2", "short#1"]),
        ("status", ["short#2", "short#1", "ask#1"]),
        ("pipeline", ["ask#1", "short#2", "short#1"]),
        ("application", ["ask#1", "short#2", "short#1"]),
    ] {
        let text = told(&served, &["get", "runs", "-o", "name", "--sort-by", by]);
        assert_eq!(names(&text), expected, "{by}");
    }
}

#[test]
fn pipelines_are_those_of_the_folder_and_those_that_have_run() {
    let served = Served::start();
    let folder = served.folder.path().join(".gennaker");
    std::fs::create_dir(&folder).unwrap();
    pipeline(&folder, "ask.yaml", ASK);
    pipeline(&folder, "broken.yaml", "version: 1\nstages: []\n");
    for _ in 0..2 {
        let run = served.begin(SHORT);
        served.until(&run, "succeeded");
    }
    let text = told(&served, &["get", "pipelines", "-o", "name"]);
    assert_eq!(names(&text), ["ask/ask", "short/short"]);
    let rows: Value =
        serde_json::from_str(&told(&served, &["get", "pipelines", "-o", "json"])).unwrap();
    assert_eq!(
        (&rows[0]["file"], &rows[0]["lastRun"]),
        (&".gennaker/ask.yaml".into(), &Value::Null)
    );
    assert_eq!((&rows[1]["file"], &rows[1]["lastRun"]["number"]), (&Value::Null, &2.into()));
    let table = told(&served, &["get", "pipelines"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["ask", "ask", "never"]);
    assert_eq!(lines[2][..4], ["short", "short", "short#2", "succeeded"]);
    let text = told(&served, &["get", "pipelines", "-o", "name", "--application", "short"]);
    assert_eq!(names(&text), ["short/short"]);
}

/// A program that is ended with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_list_that_is_watched_tells_each_run_again_when_it_has_changed() {
    let served = Served::start();
    let before = served.begin(SHORT);
    served.until(&before, "succeeded");
    let unix = format!("unix:{}", served.socket().display());
    for server in [None, Some(unix)] {
        let mut command = gennaker(&served.state(), &["get", "runs", "-w", "-o", "json"]);
        command.envs(server.map(|server| ("GENNAKER_SERVER", server))).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let _ends = Ends(child);
        let mut rows = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        assert_eq!(rows.next().unwrap()["id"], before.as_str());
        let ask = served.begin(ASK);
        let mut of_ask = rows.filter(|row| row["id"] == ask.as_str());
        assert!(of_ask.any(|row| row["status"] == "waiting"));
        let cancel = format!("/api/v1/runs/{ask}/cancel");
        assert_eq!(served.post(&cancel, &serde_json::json!({})).status, 202);
        assert!(of_ask.any(|row| row["status"] == "cancelled"));
    }
}

#[test]
fn what_nobody_reads_is_printed_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = gennaker(&folder.path().join("state"), &["schema"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
