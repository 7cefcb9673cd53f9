//! Freeze windows, held against Python's `zoneinfo` and `dateutil` around every change of 42 clocks in two
//! years.

mod chance;

use chance::Chance;
use engine_core::{
    freeze::{Times, Window},
    schedule::Zones,
};
use jiff::tz::TimeZoneDatabase;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Every kind of change there is in two years: whole and half hours, two hours, at midnight, four
/// times a year, and none.
const ZONES: [&str; 42] = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Johannesburg",
    "America/Anchorage",
    "America/Asuncion",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Miquelon",
    "America/New_York",
    "America/Nuuk",
    "America/Port-au-Prince",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "America/Tijuana",
    "Antarctica/Macquarie",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/London",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "UTC",
];
/// 2026-01-01 and 2028-01-01, both in UTC.
const START_SECONDS: i64 = 1_767_225_600;
const END_SECONDS: i64 = 1_830_297_600;
/// The last day of a February with 29, and the turn of a year; at noon, in UTC.
const MOMENTS: [i64; 2] = [1_835_438_400, 1_798_718_400];
const WINDOWS_EACH: usize = 12;

#[derive(Deserialize)]
struct Answer {
    zone: String,
    first: i64,
    last: i64,
    /// By the place of the window among those asked.
    intervals: Vec<Vec<(i64, i64)>>,
}

fn ask(question: &Value) -> Vec<Answer> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language/freezes/oracle.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs python3 (Debian: apt-get install python3 python3-dateutil) and did not run");
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).unwrap();
    drop(stdin);
    let answer = python.wait_with_output().unwrap();
    assert!(
        answer.status.success(),
        "python3 has failed; what it wrote is above (Debian: apt-get install python3-dateutil)"
    );
    serde_json::from_slice(&answer.stdout).unwrap()
}

/// The rules that Python reads, which may be older than those that are built in.
fn system_zones() -> Zones {
    let folder = Path::new("/usr/share/zoneinfo");
    Zones::new([TimeZoneDatabase::from_dir(folder).expect(
        "this test needs the system's zones (Debian: apt-get install tzdata) and did not run",
    )])
}

/// None for a rule that is refused because no day is one of its own.
fn times(window: &Value, zones: &Zones) -> Option<Times> {
    let text = serde_json::from_value(window.clone()).unwrap();
    match Window::read(&text, zones) {
        Ok(window) => Some(Times::new(vec![window])),
        Err(faults) if faults.iter().all(|it| it.message.ends_with("it names no day")) => None,
        Err(faults) => panic!("{window}: {faults:?}"),
    }
}

#[test]
fn windows_are_open_at_the_very_seconds_that_python_finds() {
    let mut chance = Chance(11);
    let mut windows =
        |zone: &str| (0..WINDOWS_EACH).map(|_| chance.window(zone)).collect::<Vec<_>>();
    let zones: BTreeMap<&str, Vec<Value>> =
        ZONES.into_iter().map(|zone| (zone, windows(zone))).collect();
    let question =
        json!({"zones": zones, "start": START_SECONDS, "end": END_SECONDS, "moments": MOMENTS});
    let (mut spans, mut found, database) = (0, 0, system_zones());
    let (mut read, mut forms) = (BTreeMap::new(), BTreeMap::<&str, usize>::new());
    for Answer { zone, first, last, intervals } in ask(&question) {
        spans += 1;
        let asked = read.entry(zone.clone()).or_insert_with(|| {
            zones[zone.as_str()].iter().map(|it| times(it, &database)).collect::<Vec<_>>()
        });
        for ((window, times), wanted) in zones[zone.as_str()].iter().zip(asked).zip(intervals) {
            // What began before or ends after is compared as far as it touches.
            let clip = |(start, end): (i64, i64)| (start.max(first), end.min(last));
            let Some(times) = times else {
                assert!(wanted.is_empty(), "{window}: {wanted:?}");
                continue;
            };
            let ours = times.intervals((first, last), 100_000);
            let ours: Vec<(i64, i64)> = ours.into_iter().map(clip).collect();
            assert_eq!(ours, wanted, "{window}, {first} to {last}");
            found += wanted.len();
            let form =
                ["schedule", "rrule", "start"].into_iter().find(|it| window.get(it).is_some());
            *forms.entry(form.unwrap()).or_default() += wanted.len();
        }
    }
    println!("{found} intervals in {spans} spans of {} zones: {forms:?}", ZONES.len());
    assert!(spans > 200 && found > 3_000 && forms.len() == 3, "{spans} {found} {forms:?}");
}
