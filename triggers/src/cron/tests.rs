//! What a schedule is, where clocks change, and what becomes of missed moments.

use super::*;
use jiff::tz::TimeZoneDatabase;
use serde_json::json;

const NEW_YORK: &str = "America/New_York";

fn home() -> Home {
    Home {
        application: "shop".to_owned(),
        pipeline: "nightly".to_owned(),
        trigger: 2,
        repository: None,
    }
}

fn compiled(schedule: &str, timezone: &str) -> Result<Matcher, Vec<Fault>> {
    let config = json!({"schedule": schedule, "timezone": timezone, "missed": "skip"});
    Cron::compile(serde_json::from_value(config).unwrap(), &home())
}

fn milliseconds(instant: &str) -> Civil {
    Civil(u64::try_from(instant.parse::<Timestamp>().unwrap().as_millisecond()).unwrap())
}

/// So many firings after an instant, as the zone's clock shows them.
fn firings(schedule: &str, timezone: &str, after: &str, count: usize) -> Vec<String> {
    let matcher = compiled(schedule, timezone).unwrap();
    let (mut found, mut after) = (Vec::new(), milliseconds(after));
    while found.len() < count {
        let Next::At { at, .. } = Cron::next(&matcher, after) else { break };
        let shown = timestamp(at).unwrap().to_zoned(matcher.zone.clone());
        found.push(shown.strftime("%m-%d %H:%M%:z").to_string());
        after = at;
    }
    found
}

/// CVE-2022-39272.
#[test]
fn what_is_no_schedule_is_told_with_what_to_write() {
    for (schedule, remedy) in [
        ("", "minute, hour, day of the month"),
        ("* * * *", "minute, hour, day of the month"),
        ("0 30 2 * * 1-5", "there are no seconds"),
        ("@daily", "write `0 0 * * *`"),
        ("60 * * * *", "numbers from 0 to 59"),
        ("* 24 * * *", "numbers from 0 to 23"),
        ("* * 0 * *", "numbers from 1 to 31"),
        ("* * L * *", "numbers from 1 to 31"),
        ("* * * 13 *", "numbers from 1 to 12, or `jan` to `dec`"),
        ("* * * * 8", "numbers from 0 to 7, or `sun` to `sat`"),
        ("* * * * 5#2", "numbers from 0 to 7"),
        ("* * * * MON-", "numbers from 0 to 7"),
        ("H * * * *", "numbers from 0 to 59"),
        ("+1 * * * *", "numbers from 0 to 59"),
        ("1,,2 * * * *", "numbers from 0 to 59"),
        ("*/0 * * * *", "a step is from 1 to 59"),
        ("*/60 * * * *", "a step is from 1 to 59"),
        ("5/10 * * * *", "write `5-59/…`"),
        ("* 22-2 * * *", "write `22-23,0-2`"),
        ("0 0 30 2 *", "February has at most 29 days"),
        ("0 0 31 4,6,9,11 *", "June, September and November 30"),
        ("99999999999999999999 * * * *", "numbers from 0 to 59"),
    ] {
        let faults = compiled(schedule, "UTC").map(drop).unwrap_err();
        let [Fault { code: FaultCode::Format, place, help: Some(help), .. }] = faults.as_slice()
        else {
            panic!("{schedule}: {faults:?}")
        };
        assert_eq!(*place, [Step::Key("schedule".to_owned())]);
        assert!(help.contains(remedy), "{schedule}: {help}");
    }
}

#[test]
fn zones_are_iana_names_as_they_are_spelled() {
    for name in ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
        assert!(compiled("0 0 * * *", name).is_ok(), "{name}");
    }
    for (name, remedy) in [
        ("europe/berlin", "write `Europe/Berlin`"),
        ("utc", "write `UTC`"),
        ("Berlin", "IANA name"),
        ("", "IANA name"),
        ("+01:00", "IANA name"),
        ("CET-1CEST", "IANA name"),
        ("right/Europe/Berlin", "IANA name"),
        ("../../etc/passwd", "IANA name"),
        ("/usr/share/zoneinfo/UTC", "IANA name"),
    ] {
        let faults = compiled("0 0 * * *", name).map(drop).unwrap_err();
        assert_eq!(faults[0].place, [Step::Key("timezone".to_owned())], "{name}");
        assert!(faults[0].help.as_ref().unwrap().contains(remedy), "{name}: {:?}", faults[0].help);
    }
    assert_eq!(compiled("x", "y").map(drop).unwrap_err().len(), 2, "both are told at once");
}

#[test]
fn every_zone_is_built_in_for_a_machine_without_any() {
    assert!(TimeZoneDatabase::bundled().get("Europe/Berlin").is_ok());
    assert!(TimeZoneDatabase::bundled().available().count() > 400);
}

#[test]
fn a_time_that_a_gap_leaves_out_comes_once_at_its_end() {
    let before = "2026-03-07T12:00:00Z";
    for schedule in ["30 2 * * *", "59 2 * * *", "0,15,30 2 * * *", "* 2 * * *", "0 2,3 * * *"] {
        let found = firings(schedule, NEW_YORK, "2026-03-08T06:59:00Z", 1);
        assert_eq!(found, ["03-08 03:00-04:00"], "{schedule}");
    }
    let daily = firings("30 2 * * *", NEW_YORK, before, 3);
    assert_eq!(daily, ["03-08 03:00-04:00", "03-09 02:30-04:00", "03-10 02:30-04:00"]);
    let cairo = firings("0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", 2);
    assert_eq!(cairo, ["04-24 01:00+03:00", "04-25 00:00+03:00"]);
    let saturday = firings("30 23 * * 6", "America/Scoresbysund", "2026-03-28T12:00:00Z", 2);
    assert_eq!(saturday, ["03-29 00:00-01:00", "04-04 23:30-01:00"]);
    let left_out = firings("0 9 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", 1);
    assert_eq!(left_out, ["12-31 00:00+14:00"], "a day that Samoa left out");
}

#[test]
fn a_time_that_comes_twice_is_the_first() {
    let before = "2026-11-01T04:00:00Z";
    let single = firings("30 1 * * *", NEW_YORK, before, 2);
    assert_eq!(single, ["11-01 01:30-04:00", "11-02 01:30-05:00"]);
    let halves = firings("*/30 1-2 * * *", NEW_YORK, before, 4);
    assert_eq!(
        halves,
        ["11-01 01:00-04:00", "11-01 01:30-04:00", "11-01 02:00-05:00", "11-01 02:30-05:00"]
    );
    let again = firings("30 1 * * *", NEW_YORK, "2026-11-01T06:10:00Z", 1);
    assert_eq!(again, ["11-02 01:30-05:00"], "asked between the two");
}

#[test]
fn every_hour_is_every_real_hour() {
    let twice = firings("*/30 * * * *", NEW_YORK, "2026-11-01T04:59:00Z", 5);
    let clock = ["01:00-04:00", "01:30-04:00", "01:00-05:00", "01:30-05:00", "02:00-05:00"];
    assert_eq!(twice, clock.map(|time| format!("11-01 {time}")));
    let skipped = firings("15 * * * *", NEW_YORK, "2026-03-08T06:00:00Z", 2);
    assert_eq!(skipped, ["03-08 01:15-05:00", "03-08 03:15-04:00"]);
    let halved = firings("15 * * * *", "Australia/Lord_Howe", "2026-10-03T14:30:00Z", 2);
    assert_eq!(halved, ["10-04 01:15+10:30", "10-04 03:15+11:00"]);
}

#[test]
fn of_two_days_either_will_do_and_a_star_restricts() {
    let either = firings("0 0 13 * 5", "UTC", "2026-02-01T00:00:00Z", 5);
    assert_eq!(
        either.iter().map(|it| &it[..5]).collect::<Vec<_>>(),
        ["02-06", "02-13", "02-20", "02-27", "03-06"]
    );
    let both = firings("0 0 */2 * Mon", "UTC", "2026-02-01T00:00:00Z", 2);
    assert_eq!(both.iter().map(|it| &it[..5]).collect::<Vec<_>>(), ["02-09", "02-23"]);
    let sundays = ["0", "7", "SUN", "0,7"]
        .map(|day| firings(&format!("0 9 * * {day}"), "UTC", "2026-02-02T00:00:00Z", 3));
    assert!(sundays.iter().all(|found| *found == sundays[0]), "{sundays:?}");
    assert_eq!(sundays[0][0], "02-08 09:00+00:00");
}

#[test]
fn leap_days_come_and_the_end_of_time_is_an_end() {
    let leap = firings("0 0 29 2 *", "Europe/Berlin", "2096-03-01T00:00:00Z", 1);
    assert_eq!(leap, [""; 0], "2100 is no leap year, and nothing is computed after it");
    assert_eq!(
        firings("0 0 29 2 *", "Europe/Berlin", "2025-01-01T00:00:00Z", 1)[0],
        "02-29 00:00+01:00"
    );
    let matcher = compiled("* * * * *", "Europe/Berlin").unwrap();
    for far in [u64::MAX, i64::MAX as u64, 5_000_000_000_000] {
        assert_eq!(Cron::next(&matcher, Civil(far)), Next::Never);
    }
    assert!(matches!(Cron::next(&matcher, Civil(0)), Next::At { at: Civil(60_000), .. }));
}

#[test]
fn only_its_own_moments_start_it_and_missed_ones_as_its_author_says() {
    let matcher = compiled("30 2 * * *", NEW_YORK).unwrap();
    let scheduled_at = milliseconds("2026-07-01T06:30:00Z");
    let time = |schedule: &str, lateness| {
        let (application, pipeline) = ("shop".to_owned(), "nightly".to_owned());
        let schedule = schedule.to_owned();
        Happening::Time(Time {
            application,
            pipeline,
            trigger: 2,
            schedule,
            scheduled_at,
            lateness,
        })
    };
    let own = time("30 2 * * * America/New_York", Lateness::InTime);
    assert_eq!(Cron::keys(&matcher), [IndexKey::of(&own)]);
    let Verdict::Start(event) = Cron::accept(&matcher, &own) else { panic!("its own") };
    assert_eq!(event.fields["scheduledAt"], "2026-07-01T02:30:00-04:00");
    let no = |happening| match Cron::accept(&matcher, &happening) {
        Verdict::No(because) => format!("{} {}", because.filter, because.value),
        Verdict::Start(event) => panic!("{event:?}"),
    };
    assert_eq!(no(time("0 3 * * * UTC", Lateness::InTime)), "schedule 0 3 * * * UTC");
    let missed = time("30 2 * * * America/New_York", Lateness::Missed { moments: 3 });
    assert_eq!(no(missed.clone()), "missed 3 moments went by while Gennaker did not run");
    let config = json!({"schedule": "30 2 * * *", "timezone": NEW_YORK, "missed": "run"});
    let runs = Cron::compile(serde_json::from_value(config).unwrap(), &home()).unwrap();
    assert!(matches!(Cron::accept(&runs, &missed), Verdict::Start(_)));
}
