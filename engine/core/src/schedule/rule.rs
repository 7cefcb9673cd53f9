//! A recurrence as a pattern of days: what RFC 5545 calls an RRULE, from days upwards.
//!
//! The time of day is no part of it. Each period (day, week, month, year) is a short list of days, out
//! of which its parts choose; so a search costs what the days that it looks at cost.

mod parse;

use jiff::{
    ToSpan,
    civil::{Date, Weekday, date},
};

/// Days from which on a rule without a first day of its own is counted.
const EPOCH: Date = date(1968, 1, 1);
/// Periods that one search looks at.
const MAX_PERIODS: usize = 60_000;

/// Days by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    frequency: Frequency,
    interval: i32,
    /// No day before it.
    first: Option<Date>,
    /// No day after it.
    last: Option<Date>,
    /// Empty parts choose everything.
    months: Vec<i8>,
    month_days: Vec<i8>,
    year_days: Vec<i16>,
    weekdays: Vec<Named>,
    positions: Vec<i16>,
    week_start: Weekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A day of the week, each or the nth of its month or year; from the end if negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    nth: Option<i16>,
    weekday: Weekday,
}

/// The days that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    pub days: Vec<Date>,
    pub end: Searched,
}

/// How far a search came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    /// To the last day that was asked for.
    All,
    /// To its bound: later days were not looked at.
    Cut,
}

impl Rule {
    /// Its days from `from` to `to`, both included, in order; at most `most`.
    pub fn days(&self, (from, to): (Date, Date), most: usize) -> Days {
        let mut days = Vec::new();
        let base = self.first.unwrap_or(EPOCH);
        let first = self.period_of(base, from.max(base));
        for period in (first..).take(MAX_PERIODS) {
            let Some((start, end)) = self.bounds(base, period) else { break };
            let over = self.last.is_some_and(|last| start > last);
            if start > to || over {
                return Days { days, end: Searched::All };
            }
            for day in self.chosen((start, end)) {
                let counts = day >= base && self.last.is_none_or(|last| day <= last);
                if counts && day >= from && day <= to {
                    if days.len() == most {
                        return Days { days, end: Searched::Cut };
                    }
                    days.push(day);
                }
            }
        }
        Days { days, end: Searched::Cut }
    }

    /// The number of the period in which a day is, or of the one before.
    fn period_of(&self, base: Date, day: Date) -> i32 {
        let months = |it: Date| i32::from(it.year()) * 12 + i32::from(it.month());
        let days = |earlier: Date| earlier.until(day).map_or(0, |span| span.get_days());
        let units = match self.frequency {
            Frequency::Daily => days(base),
            Frequency::Weekly => days(self.week(base)).div_euclid(7),
            Frequency::Monthly => months(day) - months(base),
            Frequency::Yearly => i32::from(day.year()) - i32::from(base.year()),
        };
        units.div_euclid(self.interval).max(0)
    }

    /// The first and the last day of a period.
    fn bounds(&self, base: Date, period: i32) -> Option<(Date, Date)> {
        let units = period.checked_mul(self.interval)?;
        match self.frequency {
            Frequency::Daily => {
                let day = base.checked_add(units.days()).ok()?;
                Some((day, day))
            }
            Frequency::Weekly => {
                let start = self.week(base).checked_add(units.checked_mul(7)?.days()).ok()?;
                Some((start, start.checked_add(6.days()).ok()?))
            }
            Frequency::Monthly => {
                let start = base.first_of_month().checked_add(units.months()).ok()?;
                Some((start, start.last_of_month()))
            }
            Frequency::Yearly => {
                let start = base.first_of_year().checked_add(units.years()).ok()?;
                Some((start, start.last_of_year()))
            }
        }
    }

    fn week(&self, day: Date) -> Date {
        let since = day.weekday().since(self.week_start);
        day.checked_sub(i64::from(since).days()).unwrap_or(day)
    }

    /// The days of a period that the parts choose.
    fn chosen(&self, (start, end): (Date, Date)) -> Vec<Date> {
        let all = start.series(1.day()).take_while(|day| *day <= end);
        let fits: Vec<Date> = all.filter(|day| self.fits(*day)).collect();
        if self.positions.is_empty() {
            return fits;
        }
        let count = i16::try_from(fits.len()).unwrap_or(i16::MAX);
        let picked = |at: i16| self.positions.iter().any(|it| *it == at + 1 || *it == at - count);
        (0..).zip(fits).filter(|(at, _)| picked(*at)).map(|(_, day)| day).collect()
    }

    fn fits(&self, day: Date) -> bool {
        let in_month = |it: &i8| *it == day.day() || *it == day.day() - day.days_in_month() - 1;
        let of_year = day.day_of_year();
        let in_year = |it: &i16| *it == of_year || *it == of_year - day.days_in_year() - 1;
        (self.months.is_empty() || self.months.contains(&day.month()))
            && (self.month_days.is_empty() || self.month_days.iter().any(in_month))
            && (self.year_days.is_empty() || self.year_days.iter().any(in_year))
            && (self.weekdays.is_empty() || self.weekdays.iter().any(|it| self.is_named(*it, day)))
    }

    fn is_named(&self, Named { nth, weekday }: Named, day: Date) -> bool {
        let within_month = match self.frequency {
            Frequency::Yearly => !self.months.is_empty(),
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly => true,
        };
        let (at, of) = match within_month {
            true => (i16::from(day.day()), i16::from(day.days_in_month())),
            false => (day.day_of_year(), day.days_in_year()),
        };
        let (forward, backward) = ((at - 1) / 7 + 1, -((of - at) / 7 + 1));
        day.weekday() == weekday && nth.is_none_or(|nth| nth == forward || nth == backward)
    }
}

#[cfg(test)]
mod tests;
