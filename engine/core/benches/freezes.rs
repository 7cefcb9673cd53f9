//! How many questions "may this be changed now?" one core answers: of three freezes with eight windows,
//! and what computing a stretch of their intervals anew costs.

#![expect(clippy::disallowed_methods, reason = "a bench asks what time it is")]

use engine_core::{
    clock::Civil,
    freeze::{Answer, Kind, Ruling, Times, Window, decide},
    schedule::Zones,
};
use serde_json::{Value, json};
use std::{hint::black_box, time::Instant};

const QUESTIONS: u64 = 2_000_000;
/// 2026-01-01 in UTC, and how far apart two questions are: all of them lie in one year.
const START_MS: u64 = 1_767_225_600_000;
const STEP_MS: u64 = 15_000;

fn times(windows: &[Value]) -> Times {
    let read = |window: &Value| {
        let text = serde_json::from_value(window.clone()).map_err(|error| error.to_string());
        text.and_then(|text| {
            Window::read(&text, &Zones::bundled()).map_err(|faults| format!("{faults:?}"))
        })
    };
    let windows: Result<Vec<Window>, String> = windows.iter().map(read).collect();
    match windows {
        Ok(windows) => Times::new(windows),
        Err(fault) => panic!("{fault}"),
    }
}

fn freezes() -> [(Kind, Times); 3] {
    let berlin = "Europe/Berlin";
    let year_end = times(&[
        json!({"start": "2026-12-19T00:00", "end": "2027-01-04T06:00", "timezone": berlin}),
        json!({"start": "2026-04-02T12:00", "end": "2026-04-07T06:00", "timezone": berlin}),
    ]);
    let nights = times(&[
        json!({"schedule": "0 16 * * FRI", "until": "MON 06:00", "timezone": berlin}),
        json!({"schedule": "0 22 * * *", "until": "06:00", "timezone": "America/New_York"}),
        json!({"schedule": "30 2 * * *", "duration": "30m", "timezone": "Asia/Kathmandu"}),
        json!({"rrule": "FREQ=MONTHLY;BYDAY=-1FR", "at": "18:00", "duration": "6h", "timezone": "Asia/Tokyo"}),
    ]);
    let hours = times(&[
        json!({"schedule": "0 8 * * 1-5", "until": "18:00", "timezone": berlin}),
        json!({"schedule": "0 8 * * 1-5", "until": "18:00", "timezone": "America/New_York"}),
    ]);
    [(Kind::Deny, year_end), (Kind::Deny, nights), (Kind::Allow, hours)]
}

fn rulings(freezes: &[(Kind, Times)]) -> Vec<Ruling<'_>> {
    freezes.iter().map(|(kind, times)| Ruling { kind: *kind, times }).collect()
}

fn main() {
    let freezes = freezes();
    let rulings = rulings(&freezes);
    let (mut open, began) = (0_u64, Instant::now());
    for question in 0..QUESTIONS {
        let at = Civil(START_MS + question * STEP_MS % 31_536_000_000);
        open += u64::from(engine_core::freeze::is_open(black_box(&rulings), at));
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("open or closed: {:.0} questions/s ({open} open)", QUESTIONS as f64 / seconds);
    let (mut closed, began) = (0_u64, Instant::now());
    for question in 0..QUESTIONS / 4 {
        let at = Civil(START_MS + question * STEP_MS * 4 % 31_536_000_000);
        match black_box(decide(black_box(&rulings), at)) {
            Answer::Closed { .. } => closed += 1,
            Answer::Open { .. } => {}
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = QUESTIONS as f64 / 4.0 / seconds;
    println!("with the next change: {rate:.0} questions/s ({closed} closed)");
    let began = Instant::now();
    for _ in 0..20 {
        let fresh = self::freezes();
        black_box(decide(&self::rulings(&fresh), Civil(START_MS)));
    }
    println!("read and computed anew: {:.2} ms", began.elapsed().as_secs_f64() * 50.0);
}
