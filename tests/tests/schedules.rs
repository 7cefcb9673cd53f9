//! Schedules of an engine whose wall clock is moved by libfaketime, and which dies and comes back.

use crate::{
    program::{Talking, gennaker, pipeline},
    wire::{exchange, get, tcp},
};
use engine_core::store::InboxReader;
use engine_runtime::sqlite::Sqlite;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

const SECONDS_OF_HOUR: i64 = 3_600;
/// An engine looks at its wall clock every ten seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// The library, wherever Debian has put it for this kind of machine.
pub(crate) fn library() -> PathBuf {
    let found = fs::read_dir("/usr/lib").unwrap().flatten();
    let found = found.map(|entry| entry.path().join("faketime/libfaketime.so.1"));
    found.into_iter().find(|path| path.exists()).expect("Debian's package faketime is needed")
}

struct Clock {
    folder: tempfile::TempDir,
    engine: Talking,
    address: String,
}

impl Clock {
    /// Writes how far the engine's wall clock is from the real one.
    fn moved(folder: &Path, seconds: i64) {
        let fresh = folder.join("offset.new");
        fs::write(&fresh, format!("{seconds:+}s")).unwrap();
        fs::rename(fresh, folder.join("offset")).unwrap();
    }

    fn start(schedule: &str, missed: &str) -> Clock {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".gennaker")).unwrap();
        let text = format!(
            "version: 1\nname: nightly\ntriggers:\n  - cron: {{schedule: \"{schedule}\", timezone: UTC, \
             missed: {missed}}}\nstages: {{note: {{setVariables: {{x: 1}}}}}}\n"
        );
        pipeline(folder.path(), ".gennaker/nightly.yaml", &text);
        Clock::moved(folder.path(), 0);
        let (engine, address) = Clock::serve(folder.path());
        Clock { folder, engine, address }
    }

    fn serve(folder: &Path) -> (Talking, String) {
        let mut command = gennaker(&folder.join("state"), &["serve", "--listen", "127.0.0.1:0"]);
        command
            .current_dir(folder)
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", folder.join("offset"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env_remove("KUBECONFIG");
        let mut engine = Talking::start(command.stdout(Stdio::null()));
        let said = engine.until("listening on");
        let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
        (engine, address.unwrap().to_owned())
    }

    fn moves(&self, seconds: i64) {
        Clock::moved(self.folder.path(), seconds);
    }

    fn killed_and_started_again(&mut self) {
        self.engine.child.kill().unwrap();
        self.engine.child.wait().unwrap();
        (self.engine, self.address) = Clock::serve(self.folder.path());
    }

    /// What is said of each firing, oldest first.
    fn told(&self) -> Vec<String> {
        let headers = format!("host: {}\r\n", self.address);
        let reply = exchange(tcp(&self.address), get("/api/v1/deliveries", &headers).as_bytes());
        let items = reply.json()["items"].as_array().unwrap().clone();
        let why = |item: &Value| item["why"].as_str().unwrap().to_owned();
        items.iter().rev().map(why).collect()
    }

    /// Until the engine has seen the schedule for the first time.
    fn until_watched(&self) {
        let (state, began) = (self.folder.path().join("state"), Instant::now());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = Sqlite::open_for_reading(&state).await.unwrap();
            while store.marks("clock/").await.unwrap().is_empty() {
                assert!(began.elapsed() < PATIENCE);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
    }

    fn until(&self, expected: &[&str]) {
        let began = Instant::now();
        while self.told() != expected {
            assert!(began.elapsed() < PATIENCE, "{:?} {expected:?}", self.told());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A moment of each hour that is half an hour away.
fn in_half_an_hour() -> (String, i64) {
    let now = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(),
    )
    .unwrap();
    let minute = (now % SECONDS_OF_HOUR / 60 + 30) % 60;
    let away = (minute * 60 - now % SECONDS_OF_HOUR).rem_euclid(SECONDS_OF_HOUR);
    (format!("{minute} * * * *"), away)
}

#[test]
fn a_clock_that_is_moved_over_a_moment_and_back_fires_it_once() {
    let (schedule, away) = in_half_an_hour();
    let mut clock = Clock::start(&schedule, "skip");
    clock.until_watched();
    // Into the moment, back before it, and over it again, also by an engine that has just begun.
    clock.moves(away + 5);
    clock.until(&["started nightly#1"]);
    clock.moves(0);
    clock.killed_and_started_again();
    clock.moves(away + 10);
    clock.moves(away + 20);
    // The next one comes an hour later: by then the first has had every chance to come twice.
    clock.moves(away + SECONDS_OF_HOUR + 5);
    clock.until(&["started nightly#1", "started nightly#2"]);
}

#[test]
fn moments_at_which_nobody_was_there_are_one_and_run_or_are_skipped_as_is_said() {
    let (schedule, away) = in_half_an_hour();
    for (missed, expected) in [("run", "started nightly#1"), ("skip", "`missed` said no to")] {
        let mut clock = Clock::start(&schedule, missed);
        clock.until_watched();
        clock.engine.child.kill().unwrap();
        clock.engine.child.wait().unwrap();
        clock.moves(away + 5 * SECONDS_OF_HOUR + 600);
        (clock.engine, clock.address) = Clock::serve(clock.folder.path());
        let is_decided = |told: &[String]| told.iter().any(|why| why.starts_with(expected));
        let began = Instant::now();
        while !is_decided(&clock.told()) {
            assert!(began.elapsed() < PATIENCE, "{missed}: {:?}", clock.told());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(clock.told().len(), 1, "{missed}: {:?}", clock.told());
    }
}
