//! A desk at which one asks why, by every way there is.

use crate::{
    program::{PROGRAM, gennaker},
    wire::{exchange, get, socket},
};
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Whether an engine listens at the moment.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Engine {
    Listens,
    Gone,
}

pub(super) struct Desk {
    folder: TempDir,
    state: PathBuf,
    run: String,
    /// A live tree on a terminal of its own.
    tree: Child,
}

impl Desk {
    /// A desk beside a run that is there already.
    pub(super) fn beside(folder: TempDir, state: PathBuf, run: &str) -> Desk {
        let (program, shown) = (PROGRAM.display(), state.display());
        let line = format!("stty cols 400 rows 60; {program} --state {shown} watch {run}");
        let transcript = folder.path().join("transcript");
        let tree = Command::new("script")
            .args(["--quiet", "--flush", "--command", &line])
            .arg(&transcript)
            .env("TERM", "xterm-256color")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Desk { folder, state, run: run.to_owned(), tree }
    }

    /// Says something to the run.
    pub(super) fn says(&self, words: &[&str]) {
        let arguments = [words, &[self.run.as_str()]].concat();
        let output = gennaker(&self.state, &arguments).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn stdout(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.state, arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one sentence, asked for by every way.
    pub(super) fn why(&self, stage: &str, engine: Engine) -> String {
        let described = self.stdout(&["describe", "run", &self.run, "-o", "json"]);
        let described: Value = serde_json::from_str(&described).unwrap();
        let view = &described["stages"][stage];
        let why = view["why"].as_str().unwrap_or_else(|| panic!("{stage}: {view:#}")).to_owned();
        if let Some(detail) = view["waiting"]["detail"].as_str() {
            assert_eq!(detail, why, "{stage}");
        }
        let status = view["status"].as_str().unwrap();
        let told = self.stdout(&["why", &self.run, stage]);
        let expected = format!("{stage}: {status}: {why}");
        assert!(told.lines().any(|line| line == expected), "{expected:?} is not in {told:?}");
        let table = self.stdout(&["describe", "run", &self.run]);
        let ends = |line: &str| line.contains(&format!(" {stage} ")) && line.ends_with(&why);
        assert!(table.lines().any(ends), "{why} is not in {table}");
        if engine == Engine::Listens {
            let path = self.state.join("engine.sock");
            let run = self.run.replace('#', "%23");
            let request = get(&format!("/api/v1/runs/{run}"), "host: x\r\n");
            let view = exchange(socket(&path), request.as_bytes()).json();
            assert_eq!(view["stages"][stage]["why"], why);
        }
        self.until_seen(stage, &why);
        why
    }

    /// The same, once the stage waits for this kind of thing and says so with these words.
    pub(super) fn why_of(&self, stage: &str, (kind, words): (&str, &str)) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let described = self.stdout(&["describe", "run", &self.run, "-o", "json"]);
            let described: Value = serde_json::from_str(&described).unwrap_or_default();
            let view = &described["stages"][stage];
            let says = view["why"].as_str().is_some_and(|why| why.contains(words));
            if says && view["waiting"]["kind"] == kind {
                return self.why(stage, Engine::Listens);
            }
            assert!(
                Instant::now() < deadline,
                "{stage} never waits for {kind} with {words:?}: {view:#}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the live tree has such a line.
    fn until_seen(&self, stage: &str, why: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let seen = std::fs::read(self.folder.path().join("transcript")).unwrap_or_default();
            let seen = String::from_utf8_lossy(&seen).into_owned();
            let lines = seen.split(['\r', '\n']);
            let has = |line: &str| line.contains(&format!(" {stage} ")) && line.contains(why);
            if lines.into_iter().any(has) {
                return;
            }
            assert!(Instant::now() < deadline, "the tree never said {why:?}: {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.tree.kill());
        drop(self.tree.wait());
    }
}
