//! A window as it is written, and every fault of it at once.

use super::{Interval, Times, Window};
use crate::{
    files::Step,
    freeze::length::{self, Length},
    language::Duration,
    schedule::{FieldFault, Rule, Schedule, Zones},
    stage::{Fault, FaultCode},
};
use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// 2026-01-01 in UTC: where it is tried out whether a window can be told within the bounds.
const TRIED_AT: i64 = 1_767_225_600;

/// A span of time, once or again and again. One of three: `start` and `end`; a `schedule`; an `rrule`
/// with `at`. The last two last for a `duration`, or `until` the clock shows a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct WindowText {
    /// When it begins, as the clock of the zone shows it. With an `rrule`: the first day, from which it is counted.
    #[schemars(example = &"2026-12-19T00:00")]
    start: Option<String>,
    /// When it ends: the first minute that is no part of it.
    #[schemars(example = &"2027-01-04T06:00")]
    end: Option<String>,
    /// When it begins, again and again, as `cron` triggers write it.
    #[schemars(example = &"0 16 * * FRI")]
    schedule: Option<String>,
    /// The days on which it begins, as RFC 5545 writes them: `FREQ` from `DAILY` upwards, `INTERVAL`,
    /// `COUNT`, `UNTIL` (a day), `WKST`, `BYMONTH`, `BYMONTHDAY`, `BYYEARDAY`, `BYDAY`, `BYSETPOS`.
    #[schemars(example = &"FREQ=MONTHLY;BYDAY=-1FR")]
    rrule: Option<String>,
    /// The time of those days at which it begins.
    #[schemars(example = &"18:00")]
    at: Option<String>,
    /// How long it lasts in elapsed time, even where clocks are put forward or back.
    #[schemars(example = &"62h")]
    duration: Option<Duration>,
    /// At which time of the clock it ends, the next one after it began: `06:00`, `MON 06:00`.
    #[schemars(example = &"MON 06:00")]
    until: Option<String>,
    /// Whose clock it is, by its IANA name.
    #[schemars(example = &"Europe/Berlin")]
    timezone: String,
}

type Faults = Vec<Fault>;

impl Window {
    /// Reads a window; the zones' rules are handed in.
    pub fn read(text: &WindowText, zones: &Zones) -> Result<Window, Faults> {
        let zone = zones.find(&text.timezone).map_err(|fault| {
            let message = format!("`timezone`: `{}` is not a time zone", text.timezone);
            vec![at("timezone", FieldFault { message, help: fault.help() })]
        });
        // What a date means is told by the zone; without one, its form is still looked at.
        let clock = zone.as_ref().map_or(TimeZone::UTC, TimeZone::clone);
        let times = text.times(&clock);
        let (zone, times) = match (zone, times) {
            (Ok(zone), Ok(times)) => (zone, times),
            (zone, times) => {
                let faults = zone.err().into_iter().chain(times.err());
                return Err(faults.flatten().collect());
            }
        };
        let window = Window { times, zone };
        match window.is_bounded(TRIED_AT) {
            true => Ok(window),
            false => Err(vec![told(
                &[],
                "it begins so often, for how long it lasts, that it cannot be looked through",
                "use a schedule that begins less often",
            )]),
        }
    }
}

impl WindowText {
    fn times(&self, zone: &TimeZone) -> Result<Times, Faults> {
        let foreign = |keys: &[(&str, bool)], form: &str| -> Faults {
            let message = |key: &str| format!("`{key}` has no meaning beside {form}");
            let strange = keys.iter().filter(|(_, written)| *written);
            strange.map(|(key, _)| told(&[key], &message(key), "remove it")).collect()
        };
        let (end, at) = (("end", self.end.is_some()), ("at", self.at.is_some()));
        let start = ("start", self.start.is_some());
        let lengths = [("duration", self.duration.is_some()), ("until", self.until.is_some())];
        let (times, strange) = match (&self.schedule, &self.rrule) {
            (None, None) => {
                let strange = [at, lengths[0], lengths[1]];
                (self.once(zone), foreign(&strange, "`start` and `end`"))
            }
            (Some(schedule), None) => {
                (self.by_schedule(schedule), foreign(&[start, end, at], "`schedule`"))
            }
            (None, Some(rule)) => (self.by_rule(rule), foreign(&[end], "`rrule`")),
            (Some(_), Some(_)) => {
                let message = "a window has a `schedule` or an `rrule`, not both";
                return Err(vec![told(&["rrule"], message, "make two windows of it")]);
            }
        };
        match (times, strange.is_empty()) {
            (Ok(times), true) => Ok(times),
            (times, _) => Err(times.err().into_iter().flatten().chain(strange).collect()),
        }
    }

    fn once(&self, zone: &TimeZone) -> Result<Times, Faults> {
        let (Some(start), Some(end)) = (&self.start, &self.end) else {
            let message = "a window needs `start` and `end`, a `schedule`, or an `rrule`";
            let help = "write one of the three, such as `start: \"2026-12-19T00:00\"`";
            return Err(vec![told(&[], message, help)]);
        };
        let read = |key: &str, text: &str| {
            let found = moment(text).and_then(length::civil);
            found.and_then(|civil| length::instant(zone, civil)).ok_or_else(|| {
                let message = format!("`{key}` cannot be `{text}`");
                let help = "write what the clock shows, without an offset: `2026-12-19T00:00`";
                told(&[key], &message, help)
            })
        };
        match (read("start", start), read("end", end)) {
            (Ok(start), Ok(end)) if start < end => Ok(Times::Once(Interval { start, end })),
            (Ok(_), Ok(_)) => {
                let message = "`end` is not after `start`";
                Err(vec![told(&["end"], message, "an end is no part of its window")])
            }
            (start, end) => Err(start.err().into_iter().chain(end.err()).collect()),
        }
    }

    fn by_schedule(&self, schedule: &str) -> Result<Times, Faults> {
        let schedule = Schedule::parse(schedule).map_err(|fault| at("schedule", fault));
        match (schedule, self.length()) {
            (Ok(schedule), Ok(length)) => Ok(Times::Schedule { schedule, length }),
            (schedule, length) => Err(schedule.err().into_iter().chain(length.err()).collect()),
        }
    }

    fn by_rule(&self, rule: &str) -> Result<Times, Faults> {
        let first = self.start.as_deref().map(|text| {
            day(text).ok_or_else(|| {
                let message = format!("`start` of a rule cannot be `{text}`");
                told(&["start"], &message, "write its first day: `2026-01-01`")
            })
        });
        let rule = match first.transpose() {
            Ok(first) => Rule::parse(rule, first).map_err(|fault| at("rrule", fault)),
            Err(fault) => Err(fault),
        };
        let begins = self.at.as_deref().and_then(length::second_of_day).ok_or_else(|| {
            let message = "a rule needs the time at which its windows begin";
            told(&["at"], message, "write it in hours and minutes: `at: \"18:00\"`")
        });
        match (rule, begins, self.length()) {
            (Ok(rule), Ok(at), Ok(length)) => Ok(Times::Rule { rule, at, length }),
            (rule, begins, length) => {
                let faults = rule.err().into_iter().chain(begins.err());
                Err(faults.chain(length.err()).collect())
            }
        }
    }

    fn length(&self) -> Result<Length, Fault> {
        match (self.duration, &self.until) {
            (Some(duration), None) => {
                Length::elapsed(duration).map_err(|fault| at("duration", fault))
            }
            (None, Some(until)) => Length::until(until).map_err(|fault| at("until", fault)),
            (None, None) => {
                let message = "nothing says how long it lasts";
                let help = "write `duration`, elapsed, or `until`, by the clock";
                Err(told(&[], message, help))
            }
            (Some(_), Some(_)) => {
                let message = "a window has a `duration` or an `until`, not both";
                Err(told(&["until"], message, "remove one of the two"))
            }
        }
    }
}

/// `2026-12-19T00:00`; nothing that names an offset.
fn moment(text: &str) -> Option<DateTime> {
    (text.len() == 16).then(|| DateTime::strptime("%Y-%m-%dT%H:%M", text).ok()).flatten()
}

fn day(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| Date::strptime("%Y-%m-%d", text).ok()).flatten()
}

fn at(key: &str, FieldFault { message, help }: FieldFault) -> Fault {
    let is_named = message.starts_with('`');
    let message = if is_named { message } else { format!("`{key}`: {message}") };
    told(&[key], &message, &help)
}

fn told(place: &[&str], message: &str, help: &str) -> Fault {
    let place = place.iter().map(|key| Step::Key((*key).to_owned())).collect();
    let (message, help) = (message.to_owned(), Some(help.to_owned()));
    Fault { code: FaultCode::Format, place, message, help }
}
