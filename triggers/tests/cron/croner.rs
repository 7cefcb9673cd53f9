//! Against `croner`, which reads the same schedules by other rules in three places. Each difference
//! must be by one of them:
//!
//! - *times*: what names several times of day, but not every hour, is to `croner` no list of times:
//!   it leaves out what a gap leaves out, and fires twice in an overlap;
//! - *days*: a day that a gap at midnight cuts short is to `croner` no day of its own;
//! - *stars*: of two days, `*/2` counts as one that adds, where cron lets it restrict. `croner` is
//!   then asked for both.

use super::{END_SECONDS, START_SECONDS, ZONES, expressions::Chance, firings, matcher};
use croner::{Cron, parser::CronParser};
use jiff::{
    Timestamp, Zoned,
    tz::{AmbiguousOffset, TimeZone},
};
use std::collections::{BTreeMap, BTreeSet};

const SCHEDULES: usize = 4_000;
/// Clocks there go from Saturday 23:00 to Sunday 00:00, which chance hardly finds.
const AT_MIDNIGHT: (&str, &str) = ("30 23 * * 6", "America/Scoresbysund");
const DAY_SECONDS: i64 = 86_400;

fn both_days(schedule: &str) -> bool {
    let fields: Vec<&str> = schedule.split(' ').collect();
    let stepped = |field: &str| field.starts_with("*/");
    let (day, weekday) = (fields[2], fields[4]);
    day != "*" && weekday != "*" && (stepped(day) || stepped(weekday))
}

fn theirs(cron: &Cron, zone: &TimeZone, (first, last): (i64, i64)) -> BTreeSet<i64> {
    let at = |seconds| Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
    let mut found = BTreeSet::new();
    let mut after: Zoned = at(first - 1);
    while let Ok(next) = cron.find_next_occurrence(&after, false) {
        let seconds = next.timestamp().as_second();
        if seconds > last {
            break;
        }
        found.insert(seconds);
        after = next;
    }
    found
}

/// Two days on both sides of each change of a clock.
fn windows(zone: &TimeZone) -> Vec<(i64, i64)> {
    let start = Timestamp::from_second(START_SECONDS).unwrap();
    let changes = zone.following(start).map(|change| change.timestamp().as_second());
    let mut found: Vec<(i64, i64)> = changes
        .take_while(|at| *at < END_SECONDS)
        .map(|at| (at - 2 * DAY_SECONDS, at + 2 * DAY_SECONDS))
        .collect();
    found.push((START_SECONDS, START_SECONDS + 2 * DAY_SECONDS));
    found
}

/// Whether what a clock shows was shown before.
fn in_overlap(zone: &TimeZone, seconds: i64) -> bool {
    let at = Timestamp::from_second(seconds).unwrap();
    let shown = zone.to_datetime(at);
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Fold { after, .. } => zone.to_offset(at) == after,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => false,
    }
}

/// Whether a clock is put forward at a moment.
fn after_gap(zone: &TimeZone, seconds: i64) -> bool {
    let at = |seconds| zone.to_offset(Timestamp::from_second(seconds).unwrap());
    at(seconds) > at(seconds - 1)
}

#[test]
fn it_fires_when_croner_does_but_where_their_rules_differ() {
    let mut chance = Chance(5);
    let (mut fired, mut differences) = (0, BTreeMap::<&str, usize>::new());
    let by_chance = (0..SCHEDULES).map(|index| (chance.schedule(), ZONES[index % ZONES.len()]));
    let known = [(AT_MIDNIGHT.0.to_owned(), AT_MIDNIGHT.1)];
    for (schedule, name) in by_chance.chain(known) {
        let zone = TimeZone::get(name).unwrap();
        let stars = both_days(&schedule);
        let parser = CronParser::builder().dom_and_dow(stars).build();
        let cron = parser.parse(&schedule).unwrap();
        let ours = matcher(&schedule, name);
        if stars {
            *differences.entry("stars").or_default() += 1;
        }
        for (first, last) in windows(&zone) {
            let ours: BTreeSet<i64> = firings(&*ours, first, last).into_iter().collect();
            let theirs = theirs(&cron, &zone, (first, last));
            fired += ours.len();
            let fields: Vec<&str> = schedule.split(' ').collect();
            let single =
                fields[..2].iter().all(|field| field.bytes().all(|it| it.is_ascii_digit()));
            for only_ours in ours.difference(&theirs) {
                let rule = if single { "days" } else { "times" };
                assert!(after_gap(&zone, *only_ours), "{schedule} {name}: only ours {only_ours}");
                assert_ne!(fields[1], "*", "{schedule} {name}: only ours {only_ours}");
                assert!(!single || restricts_days(&fields), "{schedule} {name}: {only_ours}");
                *differences.entry(rule).or_default() += 1;
            }
            for only_theirs in theirs.difference(&ours) {
                assert!(in_overlap(&zone, *only_theirs), "{schedule} {name}: not {only_theirs}");
                assert!(!single && fields[1] != "*", "{schedule} {name}: not {only_theirs}");
                *differences.entry("times").or_default() += 1;
            }
        }
    }
    println!("{fired} firings of {SCHEDULES} schedules; differences by rule: {differences:?}");
    assert!(fired > 100_000, "{fired}");
    assert_eq!(differences.into_keys().collect::<Vec<_>>(), ["days", "stars", "times"]);
}

fn restricts_days(fields: &[&str]) -> bool {
    fields[2..].iter().any(|field| *field != "*")
}
