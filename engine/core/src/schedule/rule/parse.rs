//! Reads a rule. What hangs on a first day is only taken with one.

use super::{EPOCH, Frequency, Named, Rule, Searched};
use crate::schedule::FieldFault;
use jiff::civil::{Date, Weekday, date};
use std::collections::BTreeMap;

const MAX_BYTES: usize = 256;
const MAX_INTERVAL: i32 = 1_000;
/// Days that a rule may count to.
const MAX_COUNT: usize = 10_000;
/// The first days that are taken, and the last day that is counted to.
const FIRST: Date = date(2000, 1, 1);
const LAST: Date = date(2200, 12, 31);
const PARTS: [&str; 10] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYDAY",
    "BYSETPOS",
];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Monday),
    ("TU", Weekday::Tuesday),
    ("WE", Weekday::Wednesday),
    ("TH", Weekday::Thursday),
    ("FR", Weekday::Friday),
    ("SA", Weekday::Saturday),
    ("SU", Weekday::Sunday),
];

type Parts<'a> = BTreeMap<&'a str, &'a str>;

impl Rule {
    /// Reads `FREQ=MONTHLY;BYDAY=-1FR`, and from which day on it is counted.
    pub fn parse(text: &str, first: Option<Date>) -> Result<Rule, FieldFault> {
        let parts = parts(text)?;
        if first.is_some_and(|first| !(FIRST..=LAST).contains(&first)) {
            return Err(fault("its first day is out of range", "use days of 2000 to 2200"));
        }
        let mut rule = Rule {
            frequency: frequency(&parts)?,
            interval: interval(&parts)?,
            first,
            last: parts.get("UNTIL").map(|it| last(it)).transpose()?,
            months: numbers(&parts, "BYMONTH", (1, 12), Sign::Positive)?,
            month_days: numbers(&parts, "BYMONTHDAY", (1, 31), Sign::Any)?,
            year_days: numbers(&parts, "BYYEARDAY", (1, 366), Sign::Any)?,
            weekdays: list(&parts, "BYDAY").map(named).collect::<Result<_, _>>()?,
            positions: numbers(&parts, "BYSETPOS", (1, 366), Sign::Any)?,
            week_start: parts.get("WKST").map_or(Ok(Weekday::Monday), |it| weekday(it))?,
        };
        rule.check()?;
        rule.complete(parts.contains_key("COUNT"))?;
        match parts.get("COUNT") {
            Some(count) => rule.counted(count),
            None => rule.occurring(),
        }
    }

    /// What RFC 5545 has no meaning for.
    fn check(&self) -> Result<(), FieldFault> {
        let nth = self.weekdays.iter().any(|it| it.nth.is_some());
        let chooses = !(self.months.is_empty()
            && self.month_days.is_empty()
            && self.year_days.is_empty()
            && self.weekdays.is_empty());
        match self.frequency {
            Frequency::Daily | Frequency::Weekly if nth => {
                Err(fault("BYDAY counts days of months and years only", "leave the number out"))
            }
            Frequency::Weekly if !self.month_days.is_empty() => {
                Err(fault("weeks have no BYMONTHDAY", "use FREQ=MONTHLY"))
            }
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly
                if !self.year_days.is_empty() =>
            {
                Err(fault("only years have BYYEARDAY", "use FREQ=YEARLY"))
            }
            _ if !self.positions.is_empty() && !chooses => {
                Err(fault("BYSETPOS has nothing to choose from", "write BYDAY or BYMONTHDAY too"))
            }
            Frequency::Daily | Frequency::Weekly | Frequency::Monthly | Frequency::Yearly => Ok(()),
        }
    }

    /// What is left out comes from the first day.
    fn complete(&mut self, counts: bool) -> Result<(), FieldFault> {
        let says_days =
            !(self.month_days.is_empty() && self.year_days.is_empty() && self.weekdays.is_empty());
        let told = says_days || self.frequency == Frequency::Daily;
        let Some(first) = self.first else {
            return match told && self.interval == 1 && !counts {
                true => Ok(()),
                false => Err(fault(
                    "it hangs on its first day (COUNT, INTERVAL, or no day is named)",
                    "write that day beside it: `start: \"2026-01-01\"`",
                )),
            };
        };
        if told {
            return Ok(());
        }
        match self.frequency {
            Frequency::Daily => {}
            Frequency::Weekly => {
                self.weekdays.push(Named { nth: None, weekday: first.weekday() });
            }
            Frequency::Monthly => self.month_days.push(first.day()),
            Frequency::Yearly => {
                if self.months.is_empty() {
                    self.months.push(first.month());
                }
                self.month_days.push(first.day());
            }
        }
        Ok(())
    }

    /// A number of days is the last of them.
    fn counted(mut self, count: &str) -> Result<Rule, FieldFault> {
        let count = match count.parse::<usize>() {
            Ok(count) if (1..=MAX_COUNT).contains(&count) => count,
            Ok(_) | Err(_) => return Err(wrong("COUNT", count, &format!("1 to {MAX_COUNT}"))),
        };
        if self.last.is_some() {
            return Err(fault("it has COUNT and UNTIL", "remove one of the two"));
        }
        let base = self.first.unwrap_or(EPOCH);
        let found = self.days((base, LAST), count);
        match found.days.last() {
            None => Err(never()),
            Some(last) if found.days.len() == count => {
                self.last = Some(*last);
                Ok(self)
            }
            Some(_) => Ok(self),
        }
    }

    fn occurring(self) -> Result<Rule, FieldFault> {
        let base = self.first.unwrap_or(FIRST);
        let found = self.days((base, LAST), 1);
        match (found.days.is_empty(), found.end) {
            (false, _) => Ok(self),
            (true, Searched::All | Searched::Cut) => Err(never()),
        }
    }
}

fn parts(text: &str) -> Result<Parts<'_>, FieldFault> {
    if text.len() > MAX_BYTES {
        return Err(fault(&format!("it has more than {MAX_BYTES} bytes"), "use several windows"));
    }
    let mut parts = Parts::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return Err(fault(&format!("`{part}` is no part of a rule"), "write `FREQ=DAILY;…`"));
        };
        if !PARTS.contains(&name) {
            let help = format!(
                "use {}; `at` has the time of day, `start` the first day",
                PARTS.join(", ")
            );
            return Err(fault(&format!("`{name}` is not taken"), &help));
        }
        if parts.insert(name, value).is_some() {
            return Err(fault(&format!("{name} stands twice"), "remove one of the two"));
        }
    }
    Ok(parts)
}

fn frequency(parts: &Parts<'_>) -> Result<Frequency, FieldFault> {
    match parts.get("FREQ").copied() {
        Some("DAILY") => Ok(Frequency::Daily),
        Some("WEEKLY") => Ok(Frequency::Weekly),
        Some("MONTHLY") => Ok(Frequency::Monthly),
        Some("YEARLY") => Ok(Frequency::Yearly),
        Some(other) => Err(wrong("FREQ", other, "DAILY, WEEKLY, MONTHLY or YEARLY")),
        None => Err(fault("it has no FREQ", "begin with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")),
    }
}

fn interval(parts: &Parts<'_>) -> Result<i32, FieldFault> {
    let Some(text) = parts.get("INTERVAL") else { return Ok(1) };
    match text.parse() {
        Ok(interval) if (1..=MAX_INTERVAL).contains(&interval) => Ok(interval),
        Ok(_) | Err(_) => Err(wrong("INTERVAL", text, &format!("1 to {MAX_INTERVAL}"))),
    }
}

fn last(text: &str) -> Result<Date, FieldFault> {
    let day = (text.len() == 8).then(|| Date::strptime("%Y%m%d", text).ok()).flatten();
    day.ok_or_else(|| wrong("UNTIL", text, "the last day, such as 20261231"))
}

fn list<'a>(parts: &Parts<'a>, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    parts.get(name).copied().into_iter().flat_map(|text| text.split(','))
}

#[derive(Clone, Copy)]
enum Sign {
    Positive,
    Any,
}

fn numbers<N: TryFrom<i16>>(
    parts: &Parts<'_>,
    name: &str,
    (least, most): (i16, i16),
    sign: Sign,
) -> Result<Vec<N>, FieldFault> {
    let number = |text: &str| {
        let fits = |it: &i16| match sign {
            Sign::Positive => (least..=most).contains(it),
            Sign::Any => it.checked_abs().is_some_and(|it| (least..=most).contains(&it)),
        };
        let found = number(text).filter(fits).and_then(|it| N::try_from(it).ok());
        let or = match sign {
            Sign::Positive => "",
            Sign::Any => ", from the end with a `-`",
        };
        found.ok_or_else(|| wrong(name, text, &format!("{least} to {most}{or}")))
    };
    list(parts, name).map(number).collect()
}

/// `MO`, `-1FR`.
fn named(text: &str) -> Result<Named, FieldFault> {
    let day = text.len().checked_sub(2).and_then(|at| text.split_at_checked(at));
    let Some((nth, name)) = day else { return Err(wrong("BYDAY", text, DAYS)) };
    let weekday = weekday(name).map_err(|_| wrong("BYDAY", text, DAYS))?;
    let nth = match nth {
        "" => None,
        nth => match number(nth) {
            Some(nth) if (1..=53).contains(&nth.abs()) => Some(nth),
            Some(_) | None => return Err(wrong("BYDAY", text, DAYS)),
        },
    };
    Ok(Named { nth, weekday })
}

const DAYS: &str = "MO to SU, with the number of the one that is meant before it: 1MO, -1FR";

fn weekday(text: &str) -> Result<Weekday, FieldFault> {
    let known = WEEKDAYS.iter().find(|(name, _)| *name == text);
    known.map(|(_, weekday)| *weekday).ok_or_else(|| wrong("WKST", text, "MO to SU"))
}

fn number(text: &str) -> Option<i16> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn wrong(name: &str, value: &str, takes: &str) -> FieldFault {
    fault(&format!("{name} cannot be `{value}`"), &format!("use {takes}"))
}

fn never() -> FieldFault {
    fault("it names no day", "see which of its parts exclude each other")
}

fn fault(message: &str, help: &str) -> FieldFault {
    FieldFault { message: message.to_owned(), help: help.to_owned() }
}
