//! One field of a schedule: a set of numbers, as cron writes them.

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// `the hour`.
    pub(super) name: &'static str,
    pub(super) least: u32,
    pub(super) most: u32,
    /// Words for numbers, the first for `least`.
    pub(super) words: &'static [&'static str],
}

/// The numbers that a field names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    bits: u64,
    /// Cron asks this of days: one that begins with `*` restricts and does not add.
    pub(super) form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It begins with `*`.
    Star,
    List,
}

/// What is wrong with a field, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    pub message: String,
    pub help: String,
}

impl Field {
    pub(super) fn parse(text: &str, range: Range) -> Result<Field, FieldFault> {
        let mut bits = 0;
        for part in text.split(',') {
            bits |= range.part(part)?;
        }
        let form = if text.starts_with('*') { Form::Star } else { Form::List };
        Ok(Field { bits, form })
    }

    pub(super) fn has(self, number: u32) -> bool {
        number < u64::BITS && self.bits & (1 << number) != 0
    }

    /// Takes one number for another, as 7 for 0 among the days of a week.
    pub(super) fn folding(self, number: u32, into: u32) -> Field {
        match self.has(number) {
            true => Field { bits: (self.bits & !(1 << number)) | (1 << into), ..self },
            false => self,
        }
    }

    pub(super) fn numbers(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |number| self.has(*number))
    }
}

impl Range {
    fn part(self, part: &str) -> Result<u64, FieldFault> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(self.step(part, step)?)),
            None => (part, None),
        };
        let (first, last) = match (span, span.split_once('-')) {
            ("*", _) => (self.least, self.most),
            (_, Some((first, last))) => (self.number(first)?, self.number(last)?),
            (_, None) if step.is_some() => {
                return Err(self.fault(part, &format!("write `{span}-{}/…`", self.most)));
            }
            (_, None) => {
                let number = self.number(span)?;
                (number, number)
            }
        };
        if first > last {
            let help = format!("write `{first}-{},{}-{last}`", self.most, self.least);
            return Err(self.fault(part, &help));
        }
        let numbers = (first..=last).step_by(step.unwrap_or(1));
        Ok(numbers.fold(0, |bits, number| bits | 1 << number))
    }

    fn step(self, part: &str, step: &str) -> Result<usize, FieldFault> {
        let longest = self.most - self.least;
        match number(step) {
            Some(step @ 1..) if step <= longest => Ok(step as usize),
            Some(_) | None => Err(self.fault(part, &format!("a step is from 1 to {longest}"))),
        }
    }

    fn number(self, text: &str) -> Result<u32, FieldFault> {
        let word = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let found = word.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.least);
        match found.or_else(|| number(text)) {
            Some(number) if (self.least..=self.most).contains(&number) => Ok(number),
            Some(_) | None => Err(self.fault(text, &self.forms())),
        }
    }

    fn forms(self) -> String {
        let Range { least, most, .. } = self;
        let words = match self.words {
            [first, .., last] => format!(", or `{first}` to `{last}`"),
            [] | [_] => String::new(),
        };
        format!(
            "use numbers from {least} to {most}{words}, `*`, `a-b`, `*/n`, `a-b/n`, joined by `,`"
        )
    }

    fn fault(self, part: &str, help: &str) -> FieldFault {
        let message = format!("{} cannot be `{part}`", self.name);
        FieldFault { message, help: help.to_owned() }
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
