//! The engine tried harder than production tries it: random graphs and scripts, crashes, lost and
//! late answers, cancels and takeovers, judged by an oracle that knows no machine.
//!
//! A failing execution prints its seed; `GENNAKER_SEED=<seed>` replays it alone, and
//! `GENNAKER_EXECUTIONS=<n>` asks for more of them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends at its first surprise")]

mod actors;
mod calls;
mod chance;
mod engine;
mod facts;
mod families;
mod giving_way;
mod machine;
mod matrix;
mod oracle;
mod outdated;
/// The stage type itself: it needs nothing of its package.
#[path = "../../../../stages/src/pipeline.rs"]
#[expect(unreachable_pub, reason = "it is public where it lives")]
mod pipeline;
mod plans;
mod repeat;
mod script;
mod story;
mod world;

use std::ops::Range;

/// The seeds to try: one if it is named, else the first `usual` ones.
fn seeds(usual: u64) -> Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("GENNAKER_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("GENNAKER_EXECUTIONS").unwrap_or(usual),
    }
}

/// Says which seed was tried when a test fails.
struct Trying(u64);

impl Drop for Trying {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing seed is {}: replay it with GENNAKER_SEED={}", self.0, self.0);
        }
    }
}

#[test]
fn the_machine_keeps_its_invariants_whatever_the_order_of_answers() {
    for seed in seeds(4_000) {
        let _trying = Trying(seed);
        machine::storm(seed);
    }
}

#[test]
fn competing_runs_survive_crashes_and_lost_answers() {
    let mut reached = story::Reached::default();
    for seed in seeds(450) {
        let _trying = Trying(seed);
        engine::storm(seed, &mut reached);
    }
    println!("{reached}");
    // One seed reaches little; the usual number of them reaches everything.
    if std::env::var("GENNAKER_SEED").is_err() {
        assert_eq!(
            reached.missing(&story::OF_RUNS),
            Vec::<&str>::new(),
            "situations that no execution reached"
        );
    }
}

#[test]
fn what_arrives_is_lost_never_and_done_once() {
    let mut reached = story::Reached::default();
    for seed in seeds(200) {
        let _trying = Trying(seed);
        engine::inbox::storm(seed, &mut reached);
    }
    println!("{reached}");
    if std::env::var("GENNAKER_SEED").is_err() {
        assert_eq!(
            reached.missing(&story::OF_INBOX),
            Vec::<&str>::new(),
            "situations that no execution reached"
        );
    }
}
