//! What several freezes say together.

use super::*;
use crate::{clock::Civil, schedule::Zones};
use serde_json::json;

fn times(spans: &[(&str, &str)]) -> Times {
    let window = |(start, end): &(&str, &str)| {
        let text = json!({"start": start, "end": end, "timezone": "UTC"});
        Window::read(&serde_json::from_value(text).unwrap(), &Zones::bundled()).unwrap()
    };
    Times::new(spans.iter().map(window).collect())
}

fn civil(hour: &str) -> Civil {
    let at: jiff::Timestamp = format!("2026-06-{hour}:00Z").parse().unwrap();
    Civil(u64::try_from(at.as_millisecond()).unwrap())
}

fn day(first: &str, last: &str) -> (String, String) {
    (format!("2026-06-{first}"), format!("2026-06-{last}"))
}

fn of(kind: Kind, spans: &[(&str, &str)]) -> (Kind, Times) {
    let spans: Vec<(String, String)> = spans.iter().map(|(from, to)| day(from, to)).collect();
    let spans: Vec<(&str, &str)> = spans.iter().map(|(from, to)| (&**from, &**to)).collect();
    (kind, times(&spans))
}

fn asked(freezes: &[(Kind, Times)], at: &str) -> Answer {
    let rulings: Vec<Ruling<'_>> =
        freezes.iter().map(|(kind, times)| Ruling { kind: *kind, times }).collect();
    decide(&rulings, civil(at))
}

fn closed(by: usize, opens: &str) -> Answer {
    Answer::Closed { by, opens: Instant::At(civil(opens)) }
}

fn open(closes: &str) -> Answer {
    Answer::Open { closes: Instant::At(civil(closes)) }
}

#[test]
fn whatever_denies_closes_until_nothing_denies() {
    let freezes = [
        of(Kind::Deny, &[("10T00:00", "12T00:00"), ("20T00:00", "21T00:00")]),
        of(Kind::Deny, &[("11T00:00", "13T00:00")]),
    ];
    assert_eq!(asked(&freezes, "09T00:00"), open("10T00:00"));
    assert_eq!(asked(&freezes, "10T00:00"), closed(0, "13T00:00"));
    assert_eq!(asked(&freezes, "12T00:00"), closed(1, "13T00:00"));
    assert_eq!(asked(&freezes, "13T00:00"), open("20T00:00"));
    assert_eq!(asked(&freezes, "21T00:00"), Answer::Open { closes: Instant::Unknown });
}

#[test]
fn of_those_that_allow_one_must_be_open() {
    let freezes = [
        of(Kind::Allow, &[("10T00:00", "12T00:00")]),
        of(Kind::Allow, &[("11T00:00", "13T00:00"), ("13T00:00", "14T00:00")]),
    ];
    assert_eq!(asked(&freezes, "09T00:00"), closed(0, "10T00:00"));
    assert_eq!(asked(&freezes, "10T00:00"), open("14T00:00"));
    assert_eq!(asked(&freezes, "14T00:00"), Answer::Closed { by: 0, opens: Instant::Unknown });
}

#[test]
fn a_deny_within_an_allow_closes_and_opening_waits_for_both() {
    let freezes = [
        of(Kind::Allow, &[("10T00:00", "20T00:00"), ("22T00:00", "23T00:00")]),
        of(Kind::Deny, &[("15T00:00", "16T00:00"), ("19T00:00", "21T00:00")]),
    ];
    assert_eq!(asked(&freezes, "12T00:00"), open("15T00:00"));
    assert_eq!(asked(&freezes, "15T00:00"), closed(1, "16T00:00"));
    assert_eq!(asked(&freezes, "16T00:00"), open("19T00:00"));
    assert_eq!(asked(&freezes, "19T00:00"), closed(1, "22T00:00"));
}

#[test]
fn nothing_said_is_open() {
    assert_eq!(asked(&[], "01T00:00"), Answer::Open { closes: Instant::Unknown });
}

/// Not told within the bounds, as beyond the end of the calendar: denied, and not allowed.
#[test]
fn what_cannot_be_told_is_closed() {
    let beyond = Civil(u64::MAX);
    for kind in [Kind::Deny, Kind::Allow] {
        let (_, times) = of(kind, &[("10T00:00", "12T00:00")]);
        let answer = decide(&[Ruling { kind, times: &times }], beyond);
        assert_eq!(answer, Answer::Closed { by: 0, opens: Instant::Unknown });
    }
}
