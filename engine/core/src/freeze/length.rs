//! How long an occurrence of a window lasts: for an elapsed time, or until the clock shows a time.

use crate::{language::Duration, schedule::FieldFault};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

pub(super) const DAY: i64 = 86_400;
const MAX_DURATION: i64 = 366 * DAY;
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// The day of the week of 1970-01-01, Sunday being 0.
const THURSDAY: i64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Seconds, however clocks are put meanwhile.
    Elapsed(i64),
    /// Until the clock next shows this second of a day, of this day of the week if one is named.
    Until { weekday: Option<i64>, second: i64 },
}

impl Length {
    pub(super) fn elapsed(duration: Duration) -> Result<Length, FieldFault> {
        let seconds = i64::try_from(duration.get().as_secs()).unwrap_or(i64::MAX);
        match (60..=MAX_DURATION).contains(&seconds) {
            true => Ok(Length::Elapsed(seconds)),
            false => Err(FieldFault {
                message: "a window lasts from one minute to 366 days".to_owned(),
                help: "for longer, write `start` and `end`".to_owned(),
            }),
        }
    }

    /// Reads `MON 06:00` or `06:00`.
    pub(super) fn until(text: &str) -> Result<Length, FieldFault> {
        let (weekday, time) = match text.split_once(' ') {
            Some((day, time)) => (Some(day), time),
            None => (None, text),
        };
        let named = |day: &str| {
            let known = WEEKDAYS.iter().position(|it| it.eq_ignore_ascii_case(day));
            known.and_then(|it| i64::try_from(it).ok())
        };
        match (weekday.map(named), second_of_day(time)) {
            (None, Some(second)) => Ok(Length::Until { weekday: None, second }),
            (Some(weekday @ Some(_)), Some(second)) => Ok(Length::Until { weekday, second }),
            (Some(None), _) | (_, None) => Err(FieldFault {
                message: format!("`until` cannot be `{text}`"),
                help: "write a time, or a day of the week and a time: `06:00`, `MON 06:00`"
                    .to_owned(),
            }),
        }
    }

    /// The longest that an occurrence can last, give or take what clocks are put.
    pub(super) fn most(self) -> i64 {
        match self {
            Length::Elapsed(seconds) => seconds,
            Length::Until { weekday: None, .. } => DAY,
            Length::Until { weekday: Some(_), .. } => 7 * DAY,
        }
    }

    /// The end of an occurrence that begins at an instant, at which the clock shows, or should have
    /// shown, `civil`.
    pub(super) fn end(self, (start, civil): (i64, i64), zone: &TimeZone) -> Option<i64> {
        let (weekday, second) = match self {
            Length::Elapsed(seconds) => return start.checked_add(seconds),
            Length::Until { weekday, second } => (weekday, second),
        };
        let today = civil.div_euclid(DAY);
        let (ahead, every) = match weekday {
            None => (0, 1),
            Some(weekday) => ((weekday - today - THURSDAY).rem_euclid(7), 7),
        };
        let shown = (today + ahead) * DAY + second;
        instant(zone, if shown > civil { shown } else { shown + every * DAY })
    }
}

/// `18:00`.
pub(super) fn second_of_day(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, most: i64| -> Option<i64> {
        let plain = digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().filter(|it| *it <= most)
    };
    Some(number(hour, 23)? * 3_600 + number(minute, 59)? * 60)
}

/// Seconds of the clock on the wall, counted as if it were UTC's.
pub(super) fn civil(shown: DateTime) -> Option<i64> {
    Offset::UTC.to_timestamp(shown).ok().map(Timestamp::as_second)
}

/// When a clock shows a time: the first of two times; what a gap leaves out comes as much later as the
/// gap is long.
pub(super) fn instant(zone: &TimeZone, civil: i64) -> Option<i64> {
    let shown = Offset::UTC.to_datetime(Timestamp::from_second(civil).ok()?);
    zone.to_ambiguous_timestamp(shown).compatible().ok().map(Timestamp::as_second)
}
