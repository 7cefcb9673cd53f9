//! The inbox beside the raw limit, a bare handler that inserts one row by the same pragmas:
//! `cargo bench -p integration-tests --bench inbox`.
//!
//! Prints how long whoever posts waits, how long it takes from there to the first step that is durable,
//! what 500 signed deliveries a second cost for a minute, and how 2,000 a second are answered. Rounds of
//! ours and of the raw limit take turns, for what else the machine does would falsify them.
//! `GENNAKER_SECONDS` (60) is the time of each load, `GENNAKER_ROUNDS` (400) how many are sent one by one,
//! `GENNAKER_STARTING` (10) of how many under load one starts a run.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench ends at its first surprise")]

mod bare;
mod load;
#[path = "../common/program.rs"]
mod program;
mod server;

use load::{Load, Rate, Wanted, offer};
use server::{Ours, Server, body};
use std::time::{Duration, Instant};

fn asked(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test --benches` only looks whether it starts.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    if let Some(at) = arguments.iter().position(|argument| argument == bare::ARGUMENT) {
        return bare::serve(arguments[at + 1].as_ref());
    }
    one_by_one(asked("GENNAKER_ROUNDS", 400));
    let time = Duration::from_secs(asked("GENNAKER_SECONDS", 60) as u64);
    under_load(time, asked("GENNAKER_STARTING", 10));
    too_much(time);
}

/// A quantile of what is sorted.
fn quantile(sorted: &[Duration], of: f64) -> Duration {
    let at = (sorted.len() as f64 * of).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

fn print(what: &str, mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort();
    let [p50, p99] = [0.5, 0.99].map(|of| quantile(&times, of));
    let most = times.last().copied().unwrap_or_default();
    println!("{what:<52} p50 {p50:>8.2?}  p99 {p99:>8.2?}  most {most:>8.2?}  of {}", times.len());
    [p50, p99]
}

fn ratio(what: &str, ours: [Duration; 2], raw: [Duration; 2]) {
    let of = |at: usize| ours[at].as_secs_f64() / raw[at].as_secs_f64();
    println!("{what:<52} p50 {:>7.2}x  p99 {:>7.2}x", of(0), of(1));
}

/// One delivery after another, each once the run of the one before has ended.
fn one_by_one(rounds: usize) {
    let (ours, raw) = (Ours::start(), bare::Bare::start());
    let mut ends = ours.ends();
    let (mut to_ours, mut to_raw) = (ours.connect(), raw.connect());
    let (mut answered, mut durable, mut inserted) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 20 {
        let body = body(round, Wanted::Start);
        let (began, reply) = (Instant::now(), to_ours.send(&ours.request(&body)));
        let accepted = Instant::now();
        assert_eq!(reply.status, 202, "{reply:?}");
        let step = ends.first_step();
        let (raw_began, reply) = (Instant::now(), to_raw.send(&raw.request(&body)));
        let raw_took = raw_began.elapsed();
        assert_eq!(reply.status, 202, "{reply:?}");
        ends.run_ended();
        if round >= 20 {
            answered.push(accepted - began);
            durable.push(step.saturating_duration_since(accepted));
            inserted.push(raw_took);
        }
    }
    println!("\none by one, a run each");
    let ours = print("ours: posted to answered", answered);
    let raw = print("raw:  posted to answered, one insert", inserted);
    ratio("ours / raw", ours, raw);
    let durable = print("ours: accepted to first step durable, as it is told", durable);
    ratio("first step durable / one insert of the raw limit", durable, raw);
    println!("to hold: first step p50 <= 1.5 ms, p99 <= 5 ms");
}

const PARTS: u32 = 4;

/// 500 a second; ours and the raw limit in turns.
fn under_load(time: Duration, starting: usize) {
    let (ours, raw) = (Ours::start(), bare::Bare::start());
    let (mut of_ours, mut of_raw) = (Load::default(), Load::default());
    let wanted = |number: usize| match number.checked_rem(starting) {
        Some(0) => Wanted::Start,
        Some(_) | None => Wanted::Nothing,
    };
    for part in 0..PARTS {
        let rate = Rate { a_second: 500, time: time / PARTS, part };
        of_ours.add(offer(&ours, &rate, &|number| ours.request(&body(number, wanted(number)))));
        of_raw.add(offer(&raw, &rate, &|number| raw.request(&body(number, wanted(number)))));
    }
    println!("\n500 a second for {time:?}, one of {starting} starts a run");
    let all = of_ours.times.len();
    let times = [print("ours", of_ours.times), print("raw", of_raw.times)];
    ratio("ours / raw", times[0], times[1]);
    println!("answers {:?}, peak {} MiB", of_ours.answers, ours.peak_mib());
    println!("to hold: all 202, p99 < 100 ms");
    assert_eq!(of_ours.answers.get(&202), Some(&all), "every delivery is taken");
}

/// 2,000 a second that are signed; then as many that are not, beside a few that are.
fn too_much(time: Duration) {
    let ours = Ours::start();
    let rate = Rate { a_second: 2_000, time, part: 0 };
    let honest = |number| ours.request(&body(number, Wanted::Nothing));
    let offered = offer(&ours, &rate, &honest);
    println!("\n2,000 a second for {time:?}");
    print("ours", offered.times);
    println!("answers {:?}, peak {} MiB", offered.answers, ours.peak_mib());
    assert!(offered.answers.keys().all(|status| [202, 429].contains(status)));
    let (flood, few) = (Rate { part: 1, ..rate }, Rate { a_second: 50, time, part: 2 });
    let forge = |number| ours.forged(&body(number, Wanted::Nothing));
    let (beside, forged) = std::thread::scope(|scope| {
        let forged = scope.spawn(|| offer(&ours, &flood, &forge));
        let beside = offer(&ours, &few, &honest);
        (beside, forged.join().unwrap())
    });
    println!("\n2,000 a second for {time:?} that prove nothing, beside 50 that do");
    print("those that do", beside.times);
    println!("answers to them {:?}, to the others {:?}", beside.answers, forged.answers);
    println!("peak {} MiB", ours.peak_mib());
    println!("to hold: 202 and 429 alone, 401 and 429 for what proves nothing, peak <= 256 MiB");
    assert!(ours.peak_mib() <= 256);
}
