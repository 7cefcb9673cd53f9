//! Where clocks change, what is refused, and what a hostile window costs.

use super::*;
use crate::{
    freeze::{At, Times as Calendar},
    schedule::Zones,
    stage::Fault,
};
use serde_json::{Value, json};

const NEW_YORK: &str = "America/New_York";
const YEAR: (&str, &str) = ("2026-01-01T00:00Z", "2027-01-01T00:00Z");

fn read(window: Value) -> Result<Window, Vec<Fault>> {
    let text: WindowText = serde_json::from_value(window).unwrap();
    Window::read(&text, &Zones::bundled())
}

fn calendar(windows: &[Value]) -> Calendar {
    Calendar::new(windows.iter().map(|it| read(it.clone()).unwrap()).collect())
}

fn seconds(instant: &str) -> i64 {
    instant.parse::<Timestamp>().unwrap().as_second()
}

/// As the clocks of a zone show them.
fn shown(calendar: &Calendar, (from, to): (&str, &str), zone: &str) -> Vec<String> {
    let zone = Zones::bundled().find(zone).unwrap();
    let show = |second: i64| {
        let at = Timestamp::from_second(second).unwrap().to_zoned(zone.clone());
        at.strftime("%m-%d %H:%M%:z").to_string()
    };
    let found = calendar.intervals((seconds(from), seconds(to)), 1_000);
    found.into_iter().map(|(start, end)| format!("{}/{}", show(start), show(end))).collect()
}

/// The cases in which Argo CD's windows are an hour off, or never open.
#[test]
fn windows_over_a_change_of_the_clock_are_absolute() {
    let spring = ("2026-03-08T02:00Z", "2026-03-09T02:00Z");
    let fall = ("2026-11-01T01:00Z", "2026-11-02T02:00Z");
    for (schedule, length, span, expected) in [
        ("0 22 * * SAT", json!({"duration": "8h"}), spring, "03-07 22:00-05:00/03-08 07:00-04:00"),
        ("0 22 * * SAT", json!({"duration": "8h"}), fall, "10-31 22:00-04:00/11-01 05:00-05:00"),
        ("0 22 * * SAT", json!({"until": "06:00"}), spring, "03-07 22:00-05:00/03-08 06:00-04:00"),
        ("0 22 * * SAT", json!({"until": "06:00"}), fall, "10-31 22:00-04:00/11-01 06:00-05:00"),
        ("30 2 * * *", json!({"duration": "30m"}), spring, "03-08 03:30-04:00/03-08 04:00-04:00"),
        ("30 2 * * *", json!({"duration": "2h"}), spring, "03-08 03:30-04:00/03-08 05:30-04:00"),
        ("30 1 * * *", json!({"duration": "30m"}), fall, "11-01 01:30-04:00/11-01 01:00-05:00"),
        ("30 1 * * *", json!({"until": "02:00"}), fall, "11-01 01:30-04:00/11-01 02:00-05:00"),
    ] {
        let mut window = json!({"schedule": schedule, "timezone": NEW_YORK});
        window.as_object_mut().unwrap().extend(length.as_object().unwrap().clone());
        let found = shown(&calendar(&[window.clone()]), span, NEW_YORK);
        assert_eq!(found, [expected], "{window}");
    }
}

#[test]
fn a_window_has_its_first_instant_and_not_its_last() {
    let window = json!({"start": "2026-12-19T00:00", "end": "2027-01-04T06:00", "timezone": "Europe/Berlin"});
    let calendar = calendar(&[window]);
    for (instant, expected) in [
        ("2026-12-18T22:59:59Z", At::Outside),
        ("2026-12-18T23:00:00Z", At::Inside),
        ("2027-01-04T04:59:59Z", At::Inside),
        ("2027-01-04T05:00:00Z", At::Outside),
    ] {
        assert_eq!(calendar.at(seconds(instant)), expected, "{instant}");
    }
}

#[test]
fn recurring_windows_are_where_a_calendar_has_them() {
    let month = ("2026-02-20T00:00Z", "2026-03-05T00:00Z");
    let leap = ("2026-01-01T00:00Z", "2030-01-01T00:00Z");
    let august = ("2020-07-01T00:00Z", "2020-12-01T00:00Z");
    for (window, span, zone, expected) in [
        (
            json!({"schedule": "0 16 * * FRI", "until": "MON 06:00"}),
            ("2026-03-27T00:00Z", "2026-04-02T00:00Z"),
            "Europe/Berlin",
            vec!["03-27 16:00+01:00/03-30 06:00+02:00"],
        ),
        (
            json!({"rrule": "FREQ=MONTHLY;BYDAY=-1FR", "at": "18:00", "duration": "6h"}),
            month,
            "Asia/Tokyo",
            vec!["02-27 18:00+09:00/02-28 00:00+09:00"],
        ),
        (
            json!({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "at": "00:00", "until": "00:00"}),
            leap,
            "Asia/Kathmandu",
            vec!["02-29 00:00+05:45/03-01 00:00+05:45"],
        ),
        (
            json!({"rrule": "FREQ=MONTHLY;BYMONTHDAY=31", "at": "12:00", "duration": "48h"}),
            ("2026-01-15T00:00Z", "2026-04-15T00:00Z"),
            "Pacific/Chatham",
            vec!["01-31 12:00+13:45/02-02 12:00+13:45", "03-31 12:00+13:45/04-02 12:00+13:45"],
        ),
        // GitLab took the first for as long as the year (#370472).
        (
            json!({"schedule": "0 0 1 8 *", "duration": "61d"}),
            august,
            "UTC",
            vec!["08-01 00:00+00:00/10-01 00:00+00:00"],
        ),
    ] {
        let mut window = window;
        window["timezone"] = zone.into();
        assert_eq!(shown(&calendar(&[window.clone()]), span, zone), expected, "{window}");
    }
}

#[test]
fn windows_that_touch_have_no_gap_between_them() {
    let hour = |hour: u8| json!({"schedule": format!("0 {hour} * * *"), "duration": "1h", "timezone": "UTC"});
    let day = ("2026-06-01T00:00Z", "2026-06-02T00:00Z");
    let touching = calendar(&[hour(11), hour(10), hour(14)]);
    let expected = ["06-01 10:00+00:00/06-01 12:00+00:00", "06-01 14:00+00:00/06-01 15:00+00:00"];
    assert_eq!(shown(&touching, day, "UTC"), expected);
}

/// Longer than its period, as the documentation of Argo CD has it.
#[test]
fn a_window_that_never_ends_is_always_open() {
    let always =
        calendar(&[json!({"schedule": "* * * * *", "duration": "1h", "timezone": NEW_YORK})]);
    for days in [0, 66, 303, 304, 3_000, 20_000] {
        let at = seconds(YEAR.0) + days * DAY;
        assert_eq!(always.at(at), At::Inside, "{days}");
    }
    let year = (seconds(YEAR.0), seconds(YEAR.1));
    assert_eq!(always.intervals(year, 10), [year]);
}

/// The wall's clock is put forward over the whole of it: there is nothing to close.
#[test]
fn a_window_that_a_clock_leaves_out_has_no_time() {
    let window = json!({"schedule": "15 2 * * *", "until": "02:45", "timezone": NEW_YORK});
    let found = shown(&calendar(&[window]), ("2026-03-07T20:00Z", "2026-03-08T20:00Z"), NEW_YORK);
    assert_eq!(found, ["03-08 03:15-04:00/03-08 03:45-04:00"]);
}

#[expect(clippy::too_many_lines, reason = "one row a fault")]
#[test]
fn what_is_no_window_is_told_with_its_place_and_what_to_write() {
    let utc = |more: Value| {
        let mut window = json!({"timezone": "UTC"});
        window.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        window
    };
    for (window, place, told) in [
        (utc(json!({})), "", "needs `start` and `end`, a `schedule`, or an `rrule`"),
        (utc(json!({"start": "2026-01-01T00:00"})), "", "needs `start` and `end`"),
        (
            utc(json!({"start": "2026-01-01T00:00", "end": "2026-01-01T00:00"})),
            "end",
            "`end` is not after `start`",
        ),
        (
            utc(json!({"start": "2026-01-01T00:00+01:00", "end": "2026-02-01T00:00"})),
            "start",
            "cannot be",
        ),
        (
            utc(json!({"start": "2026-02-30T00:00", "end": "2026-04-01T00:00"})),
            "start",
            "cannot be",
        ),
        (utc(json!({"schedule": "0 0 * * *"})), "", "nothing says how long"),
        (utc(json!({"schedule": "0 0 31 2 *", "duration": "1h"})), "schedule", "it never fires"),
        (
            utc(json!({"schedule": "0 0 * * *", "duration": "1h", "until": "06:00"})),
            "until",
            "both",
        ),
        (utc(json!({"schedule": "0 0 * * *", "until": "24:00"})), "until", "cannot be `24:00`"),
        (utc(json!({"schedule": "0 0 * * *", "until": "FOO 06:00"})), "until", "cannot be"),
        (utc(json!({"schedule": "0 0 * * *", "duration": "367d"})), "duration", "366 days"),
        (utc(json!({"schedule": "0 0 * * *", "duration": "0s"})), "duration", "one minute"),
        (
            utc(json!({"schedule": "0 0 * * *", "duration": "1h", "at": "10:00"})),
            "at",
            "no meaning",
        ),
        (
            utc(json!({"schedule": "0 0 * * *", "rrule": "FREQ=DAILY", "duration": "1h"})),
            "rrule",
            "not both",
        ),
        (utc(json!({"rrule": "FREQ=DAILY", "duration": "1h"})), "at", "needs the time"),
        (
            utc(json!({"rrule": "FREQ=SECONDLY", "at": "10:00", "duration": "1h"})),
            "rrule",
            "FREQ cannot be `SECONDLY`",
        ),
        (
            json!({"schedule": "* * * * *", "duration": "30d", "timezone": "UTC"}),
            "",
            "it begins so often",
        ),
        (
            json!({"schedule": "0 0 * * *", "duration": "1h", "timezone": "Europe/Berlinn"}),
            "timezone",
            "is not a time zone",
        ),
    ] {
        let faults = read(window.clone()).unwrap_err();
        let [fault] = faults.as_slice() else { panic!("{window}: {faults:?}") };
        assert!(fault.message.contains(told), "{window}: {fault:?}");
        let expected: Vec<_> = Some(place).filter(|it| !it.is_empty()).into_iter().collect();
        let keys: Vec<String> = fault.place.iter().map(|it| format!("{it:?}")).collect();
        let wanted: Vec<String> = expected.iter().map(|it| format!("Key({it:?})")).collect();
        assert_eq!(keys, wanted, "{window}");
    }
}

#[test]
fn all_faults_of_a_window_are_told_at_once() {
    let window =
        json!({"rrule": "FREQ=NEVER", "at": "25:00", "until": "x", "end": "y", "timezone": "Z"});
    assert_eq!(read(window).unwrap_err().len(), 5);
}

/// Each of them names a minute, a day or a year so rarely, or so often, that a search without bounds
/// would not come back.
#[test]
fn a_hostile_window_is_asked_in_bounded_time() {
    for window in [
        json!({"schedule": "* * * * *", "duration": "1m", "timezone": NEW_YORK}),
        json!({"schedule": "*/2 * * * *", "duration": "1m", "timezone": NEW_YORK}),
        json!({"schedule": "* 0-22 * * *", "duration": "1m", "timezone": NEW_YORK}),
        json!({"schedule": "0 0 29 2 *", "duration": "1m", "timezone": NEW_YORK}),
        json!({"rrule": "FREQ=YEARLY;INTERVAL=1000", "start": "2000-02-29", "at": "00:00", "duration": "1m", "timezone": "UTC"}),
        json!({"rrule": "FREQ=DAILY;COUNT=10000", "start": "2000-02-29", "at": "00:00", "duration": "1m", "timezone": "UTC"}),
    ] {
        let Ok(window) = read(window) else { continue };
        let calendar = Calendar::new(vec![window]);
        for at in [-1, 1_800_000_000, 4_102_000_000, i64::MAX] {
            let found = calendar.intervals((at, at.saturating_add(400 * DAY)), 10);
            assert!(found.len() <= 10 && found.is_sorted(), "{found:?}");
        }
    }
}
