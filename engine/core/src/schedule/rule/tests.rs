//! Which days a rule names, and what is refused.

use super::*;

fn days(rule: &str, first: Option<Date>, (from, to): (Date, Date)) -> Vec<String> {
    let found = Rule::parse(rule, first).unwrap_or_else(|fault| panic!("{rule}: {fault:?}"));
    let Days { days, end } = found.days((from, to), 100);
    assert_eq!(end, Searched::All, "{rule}");
    days.into_iter().map(|day| day.to_string()).collect()
}

#[test]
fn days_are_those_of_the_standard() {
    let year = (date(2026, 1, 1), date(2026, 12, 31));
    let first = Some(date(2026, 1, 30));
    for (rule, first, expected) in [
        ("FREQ=MONTHLY;BYDAY=-1FR;BYMONTH=1,2", None, vec!["2026-01-30", "2026-02-27"]),
        ("FREQ=YEARLY;BYDAY=1MO", None, vec!["2026-01-05"]),
        ("FREQ=YEARLY;BYDAY=-1MO", None, vec!["2026-12-28"]),
        ("FREQ=YEARLY;BYYEARDAY=1,-1", None, vec!["2026-01-01", "2026-12-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;BYMONTH=2", None, vec!["2026-02-28"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYMONTH=5", None, vec!["2026-05-29"]),
        (
            "FREQ=MONTHLY;UNTIL=20260601",
            first,
            vec!["2026-01-30", "2026-03-30", "2026-04-30", "2026-05-30"],
        ),
        ("FREQ=YEARLY", first, vec!["2026-01-30"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", first, vec!["2026-01-30", "2026-02-13", "2026-02-27"]),
        ("FREQ=DAILY;INTERVAL=200", first, vec!["2026-01-30", "2026-08-18"]),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU;COUNT=2",
            first,
            vec!["2026-02-08", "2026-02-22"],
        ),
    ] {
        assert_eq!(days(rule, first, year), expected, "{rule}");
    }
}

#[test]
fn what_is_no_rule_is_told_with_what_to_write() {
    for (rule, told) in [
        ("", "no part of a rule"),
        ("FREQ", "no part of a rule"),
        ("BYDAY=MO", "it has no FREQ"),
        ("FREQ=HOURLY", "FREQ cannot be `HOURLY`"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ stands twice"),
        ("FREQ=DAILY;BYHOUR=3", "`BYHOUR` is not taken"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL cannot be `0`"),
        ("FREQ=DAILY;INTERVAL=99999999999", "INTERVAL cannot be"),
        ("FREQ=DAILY;INTERVAL=2", "it hangs on its first day"),
        ("FREQ=DAILY;COUNT=2", "it hangs on its first day"),
        ("FREQ=WEEKLY", "it hangs on its first day"),
        ("FREQ=MONTHLY", "it hangs on its first day"),
        ("FREQ=YEARLY;BYMONTH=2", "it hangs on its first day"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY counts days of months and years only"),
        ("FREQ=WEEKLY;BYMONTHDAY=1;BYDAY=MO", "weeks have no BYMONTHDAY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "only years have BYYEARDAY"),
        ("FREQ=DAILY;BYSETPOS=1", "nothing to choose from"),
        ("FREQ=DAILY;BYMONTH=0", "BYMONTH cannot be `0`"),
        ("FREQ=DAILY;BYMONTH=-1", "BYMONTH cannot be `-1`"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY cannot be `32`"),
        ("FREQ=MONTHLY;BYMONTHDAY=", "BYMONTHDAY cannot be ``"),
        ("FREQ=MONTHLY;BYDAY=é", "BYDAY cannot be `é`"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY cannot be `54MO`"),
        ("FREQ=DAILY;UNTIL=20260101T000000Z", "UNTIL cannot be"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it names no day"),
    ] {
        let fault = Rule::parse(rule, None).unwrap_err();
        assert!(fault.message.contains(told), "{rule}: {fault:?}");
    }
}
