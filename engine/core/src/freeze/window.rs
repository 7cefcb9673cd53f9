//! One window: when it occurs, as absolute half-open intervals.

mod read;

pub use read::WindowText;

use super::length::{self, DAY, Length};
use crate::schedule::{Rhythm, Rule, Schedule, Searched, zone};
use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

/// Beginnings that one search looks at.
const MAX_STARTS: usize = 20_000;
/// No clock is further from UTC, or put further in one night.
const MARGIN: i64 = 26 * 3_600;

#[derive(Clone, Debug)]
pub struct Window {
    times: Times,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Times {
    Once(Interval),
    Schedule {
        schedule: Schedule,
        length: Length,
    },
    /// Days, and the second of each at which it begins.
    Rule {
        rule: Rule,
        at: i64,
        length: Length,
    },
}

/// Seconds since the Unix epoch; `end` is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub(super) start: i64,
    pub(super) end: i64,
}

/// The occurrences that touch a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) intervals: Vec<Interval>,
    /// Before this instant they are all of them.
    pub(super) until: i64,
}

impl Interval {
    fn touches(self, (from, to): (i64, i64)) -> bool {
        self.start < self.end && self.end > from && self.start < to
    }
}

impl Window {
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The occurrences that touch `[from, to)`, in no order.
    pub(super) fn occurrences(&self, span: (i64, i64)) -> Found {
        match &self.times {
            Times::Once(interval) => {
                let intervals = interval.touches(span).then_some(*interval);
                Found { intervals: intervals.into_iter().collect(), until: span.1 }
            }
            Times::Schedule { schedule, length } => match schedule.rhythm {
                Rhythm::TimesOfDay => self.times_of_day((schedule, *length), span),
                Rhythm::EveryHour => self.every_hour((schedule, *length), span),
            },
            Times::Rule { rule, at, length } => self.days((rule, *at, *length), span),
        }
    }

    fn times_of_day(&self, (schedule, length): (&Schedule, Length), span: (i64, i64)) -> Found {
        let (mut shown, last) = (span.0 - length.most() - 2 * MARGIN, span.1 + MARGIN);
        let mut starts = Vec::new();
        while let Some(next) = schedule.next(shown).filter(|next| *next <= last) {
            if starts.len() == MAX_STARTS {
                return self.found((starts, length), (span.0, next - 2 * MARGIN));
            }
            starts.extend(length::instant(&self.zone, next).map(|start| (start, next)));
            shown = next;
        }
        self.found((starts, length), span)
    }

    fn every_hour(&self, (schedule, length): (&Schedule, Length), span: (i64, i64)) -> Found {
        let mut after = span.0 - length.most() - MARGIN;
        let mut starts = Vec::new();
        loop {
            let instant = Timestamp::from_second(after).ok();
            let next = instant.and_then(|it| zone::next(schedule, &self.zone, it));
            let Some(next) = next.filter(|next| next.as_second() < span.1) else { break };
            after = next.as_second();
            if starts.len() == MAX_STARTS {
                return self.found((starts, length), (span.0, after));
            }
            let shown = length::civil(self.zone.to_datetime(next));
            starts.extend(shown.map(|shown| (after, shown)));
        }
        self.found((starts, length), span)
    }

    fn days(&self, (rule, at, length): (&Rule, i64, Length), span: (i64, i64)) -> Found {
        let (first, last) = (span.0 - length.most() - 2 * MARGIN, span.1 + MARGIN);
        let (Some(first), Some(last)) = (date(first), date(last)) else {
            return Found { intervals: Vec::new(), until: span.0 };
        };
        let found = rule.days((first, last), MAX_STARTS);
        let start = |day: Date| {
            let shown = length::civil(day.at(0, 0, 0, 0))? + at;
            Some((length::instant(&self.zone, shown)?, shown))
        };
        let starts: Vec<(i64, i64)> = found.days.into_iter().filter_map(start).collect();
        let until = match (found.end, starts.last()) {
            (Searched::All, _) => span.1,
            (Searched::Cut, Some((start, _))) => start - 2 * MARGIN,
            (Searched::Cut, None) => span.0,
        };
        self.found((starts, length), (span.0, until))
    }

    /// Beginnings, as instants and as the clock shows them, and the span of which they are all.
    fn found(&self, (starts, length): (Vec<(i64, i64)>, Length), span: (i64, i64)) -> Found {
        let interval = |start: (i64, i64)| {
            Some(Interval { start: start.0, end: length.end(start, &self.zone)? })
        };
        let intervals = starts.into_iter().filter_map(interval);
        let intervals = intervals.filter(|it| it.touches(span)).collect();
        Found { intervals, until: span.1 }
    }

    /// Whether every question about it can be answered within the bounds: it is asked at the first
    /// beginnings after a moment, where as many as ever are under way.
    fn is_bounded(&self, moment: i64) -> bool {
        let length = match &self.times {
            Times::Once(_) => return true,
            Times::Schedule { length, .. } | Times::Rule { length, .. } => length.most(),
        };
        let first = self.occurrences((moment, moment + 400 * DAY)).intervals;
        let Some(first) = first.into_iter().map(|it| it.start).min() else { return true };
        let from = first + length;
        self.occurrences((from, from + DAY)).until > from
    }
}

fn date(seconds: i64) -> Option<Date> {
    Some(Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?).date())
}

#[cfg(test)]
mod tests;
