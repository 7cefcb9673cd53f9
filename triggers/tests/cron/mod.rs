//! Firings of schedules, held against others that compute them.

mod croner;
mod expressions;
mod zoneinfo;

use engine_core::{
    clock::Civil,
    trigger::{AnyMatcher, AnyTrigger, Home, Next},
};
use serde_json::json;

/// Every kind of change there is in two years: whole and half hours, two hours, at midnight, four
/// times a year, and none.
const ZONES: [&str; 44] = [
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
    "America/Mexico_City",
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
    "Pacific/Norfolk",
    "UTC",
];
/// 2026-01-01 and 2028-01-01, both in UTC.
const START_SECONDS: i64 = 1_767_225_600;
const END_SECONDS: i64 = 1_830_297_600;

fn matcher(schedule: &str, zone: &str) -> Box<dyn AnyMatcher> {
    let home = Home {
        application: "shop".to_owned(),
        pipeline: "nightly".to_owned(),
        trigger: 0,
        repository: None,
    };
    let config = json!({"schedule": schedule, "timezone": zone});
    AnyTrigger::compile(&triggers::cron::Cron, &config, &home)
        .unwrap_or_else(|faults| panic!("{schedule} {zone}: {faults:?}"))
}

/// Every firing from the first second to the last, both included.
fn firings(matcher: &dyn AnyMatcher, first: i64, last: i64) -> Vec<i64> {
    let mut found = Vec::new();
    let mut after = first - 1;
    while let Next::At { at, .. } = matcher.next(Civil(u64::try_from(after * 1_000).unwrap())) {
        let at = i64::try_from(at.0 / 1_000).unwrap();
        assert!(at > after, "the next of {after} is {at}");
        if at > last {
            break;
        }
        found.push(at);
        after = at;
    }
    found
}
