//! A schedule as a pattern of civil time: which minutes of a clock without a zone it names.
//!
//! The crate `cron` finds the minutes. It counts weekdays from 1 and always asks for both days to
//! fit; what an author writes is cron's own form, with 0 and 7 for Sunday and either day if both
//! are named.

use super::field::{Field, FieldFault, Form, Range};
use chrono::{DateTime, Utc};

const MINUTE: Range = Range { name: "the minute", least: 0, most: 59, words: &[] };
const HOUR: Range = Range { name: "the hour", least: 0, most: 23, words: &[] };
const DAY: Range = Range { name: "the day of the month", least: 1, most: 31, words: &[] };
const MONTH: Range = Range {
    name: "the month",
    least: 1,
    most: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAY: Range = Range {
    name: "the day of the week",
    least: 0,
    most: 7,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};
const MAX_BYTES: usize = 256;
const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Minutes of a clock on the wall.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// A minute is named if any of them names it.
    patterns: Vec<cron::Schedule>,
    pub rhythm: Rhythm,
}

/// How it is to be read where a clock is put forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// It names every hour: it follows real time, and fires whenever the clock shows what it names.
    EveryHour,
    /// It names times of day, each of which comes once a day whatever becomes of the clock.
    TimesOfDay,
}

impl Schedule {
    pub fn parse(text: &str) -> Result<Schedule, FieldFault> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(not_five(text, fields.len()));
        };
        if text.len() > MAX_BYTES {
            let message = format!("a schedule has at most {MAX_BYTES} bytes");
            return Err(FieldFault { message, help: "use ranges and steps".to_owned() });
        }
        let times = (Field::parse(minute, MINUTE)?, Field::parse(hour, HOUR)?);
        let (day, month) = (Field::parse(day, DAY)?, Field::parse(month, MONTH)?);
        let weekday = Field::parse(weekday, WEEKDAY)?.folding(7, 0);
        let rhythm = match (0..24).all(|hour| times.1.has(hour)) {
            true => Rhythm::EveryHour,
            false => Rhythm::TimesOfDay,
        };
        let schedule = Schedule { patterns: patterns(times, month, (day, weekday))?, rhythm };
        match schedule.next(0) {
            Some(_) => Ok(schedule),
            None => Err(FieldFault {
                message: "no month that it names has such a day: it never fires".to_owned(),
                help: "February has at most 29 days; April, June, September and November 30"
                    .to_owned(),
            }),
        }
    }

    /// The first minute named after a second of the clock, both counted in seconds from the clock's
    /// 1970-01-01 00:00. None if there is none before the year 2101.
    pub fn next(&self, after: i64) -> Option<i64> {
        let after: DateTime<Utc> = DateTime::from_timestamp(after, 0)?;
        let first = |pattern: &cron::Schedule| pattern.after(&after).next();
        self.patterns.iter().filter_map(first).min().map(|found| found.timestamp())
    }
}

/// Either day, if both are named.
fn patterns(
    times: (Field, Field),
    month: Field,
    (day, weekday): (Field, Field),
) -> Result<Vec<cron::Schedule>, FieldFault> {
    let (any_day, any_weekday) = ("*".to_owned(), "*".to_owned());
    let (days, weekdays) = (list(day, 0), list(weekday, 1));
    let pairs = match (day.form, weekday.form) {
        (Form::List, Form::List) => vec![(days, any_weekday), (any_day, weekdays)],
        (Form::Star, _) | (_, Form::Star) => vec![(days, weekdays)],
    };
    let (minutes, hours, months) = (list(times.0, 0), list(times.1, 0), list(month, 0));
    let read = |(days, weekdays): (String, String)| {
        format!("0 {minutes} {hours} {days} {months} {weekdays}").parse().map_err(|error| {
            FieldFault {
                message: format!("it cannot be read: {error}"),
                help: "write it like `30 2 * * 1-5`".to_owned(),
            }
        })
    };
    pairs.into_iter().map(read).collect()
}

fn list(field: Field, shift: u32) -> String {
    field.numbers().map(|number| (number + shift).to_string()).collect::<Vec<_>>().join(",")
}

fn not_five(text: &str, count: usize) -> FieldFault {
    let written = MACROS.iter().find(|(name, _)| text.trim().eq_ignore_ascii_case(name));
    let help = match (written, count) {
        (Some((_, fields)), _) => format!("write `{fields}`"),
        (None, 6 | 7) => {
            "there are no seconds and no years; write it like `30 2 * * 1-5`".to_owned()
        }
        (None, _) => {
            "minute, hour, day of the month, month, day of the week: `30 2 * * 1-5`".to_owned()
        }
    };
    FieldFault { message: format!("a schedule has five fields, and this has {count}"), help }
}
