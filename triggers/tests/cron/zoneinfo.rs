//! Against Python's `zoneinfo`, which looks at every minute around every change of 44 clocks.

use super::{END_SECONDS, START_SECONDS, ZONES, expressions::Chance, firings, matcher};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

const SCHEDULES_EACH: usize = 25;
/// The last day of a February with 29, the turn of a year, and a day of no meaning; at noon, in UTC.
const MOMENTS: [i64; 3] = [1_835_438_400, 1_798_718_400, 1_781_006_400];

#[derive(Deserialize)]
struct Window {
    zone: String,
    first: i64,
    last: i64,
    firings: BTreeMap<String, Vec<i64>>,
}

fn ask(question: &serde_json::Value) -> Vec<Window> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cron/oracle.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 (Debian: apt-get install python3) and did not run");
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).unwrap();
    drop(stdin);
    let answer = python.wait_with_output().unwrap();
    assert!(answer.status.success(), "python3 has failed; what it wrote is above");
    serde_json::from_slice(&answer.stdout).unwrap()
}

#[test]
fn it_fires_in_the_very_minutes_that_python_finds() {
    let mut chance = Chance(7);
    let schedules = |_| (0..SCHEDULES_EACH).map(|_| chance.schedule()).collect::<Vec<_>>();
    let zones: BTreeMap<&str, Vec<String>> = ZONES.into_iter().zip(ZONES.map(schedules)).collect();
    let (start, end) = (START_SECONDS, END_SECONDS);
    let question = json!({"zones": zones, "start": start, "end": end, "moments": MOMENTS});
    let (mut fired, mut windows) = (0, 0);
    for Window { zone, first, last, firings: wanted } in ask(&question) {
        windows += 1;
        for (schedule, wanted) in wanted {
            let found = firings(&*matcher(&schedule, &zone), first, last);
            assert_eq!(found, wanted, "{schedule} {zone}, {first} to {last}");
            fired += wanted.len();
        }
    }
    println!("{fired} firings in {windows} windows of {} zones", ZONES.len());
    assert!(windows > 200 && fired > 100_000, "{windows} windows, {fired} firings");
}
