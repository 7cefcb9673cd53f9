//! What an unquoted word means, and whether YAML 1.1 and YAML 1.2 agree about it.
//!
//! Sources: YAML 1.2.2 §10.3.2 (core schema); the YAML 1.1 type repository (bool, int, float, null,
//! merge, value) as PyYAML and go-yaml implement it. Timestamps are left text in both: their
//! characters are what counts.

use serde_json::Number;

/// The meaning of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    Null,
    Boolean(bool),
    Number(Number),
    /// A number that no JSON number can hold.
    Unbounded,
    Text,
    /// Something else in YAML 1.1 than in YAML 1.2.
    Ambiguous(Doubt),
}

/// How the versions of YAML differ about a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    Boolean,
    Number,
    Special,
}

impl Doubt {
    /// What one of the two versions takes the word for.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Doubt::Boolean => "a boolean in YAML 1.1 and text in YAML 1.2",
            Doubt::Number => "not the same number in YAML 1.1 and YAML 1.2",
            Doubt::Special => "a special sign in YAML 1.1",
        }
    }
}

/// What an unquoted scalar means.
pub(crate) fn plain(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Reading::Null,
        "true" | "True" | "TRUE" => Reading::Boolean(true),
        "false" | "False" | "FALSE" => Reading::Boolean(false),
        "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "on" | "On" | "ON"
        | "off" | "Off" | "OFF" => Reading::Ambiguous(Doubt::Boolean),
        "=" | "<<" => Reading::Ambiguous(Doubt::Special),
        _ => numeric(text),
    }
}

fn numeric(text: &str) -> Reading {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return Reading::Text;
    }
    match (in_newer(unsigned), in_older(unsigned)) {
        (Form::Text, Form::Text) => Reading::Text,
        (Form::Decimal, Form::Decimal) => decimal(text),
        (Form::Float, Form::Float) => float(text),
        (Form::Hexadecimal, Form::Hexadecimal) if unsigned == text => hexadecimal(unsigned),
        (Form::Infinite, Form::Infinite) => Reading::Unbounded,
        _ => Reading::Ambiguous(Doubt::Number),
    }
}

/// How one version of YAML classifies a word that begins like a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Decimal,
    Float,
    Hexadecimal,
    Infinite,
    /// Octal, binary, sexagesimal, underscores: what the other version does not know.
    Other,
}

/// YAML 1.2, core schema.
fn in_newer(unsigned: &str) -> Form {
    match unsigned {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => return Form::Infinite,
        _ => {}
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return if all(digits, |it| it.is_ascii_hexdigit()) {
            Form::Hexadecimal
        } else {
            Form::Text
        };
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return if all(digits, |it| matches!(it, '0'..='7')) { Form::Other } else { Form::Text };
    }
    if all(unsigned, |it| it.is_ascii_digit()) {
        return Form::Decimal;
    }
    let (mantissa, exponent) = split_exponent(unsigned);
    let exponent_fits = exponent.is_none_or(|digits| all(unsign(digits), |it| it.is_ascii_digit()));
    if exponent_fits && is_mantissa(mantissa) { Form::Float } else { Form::Text }
}

/// YAML 1.1, as its readers implement it.
fn in_older(unsigned: &str) -> Form {
    match unsigned {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => return Form::Infinite,
        "0" => return Form::Decimal,
        _ => {}
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        let underscored = digits.contains('_');
        let fits = all(digits, |it| it.is_ascii_hexdigit() || it == '_');
        return if !fits {
            Form::Text
        } else if underscored {
            Form::Other
        } else {
            Form::Hexadecimal
        };
    }
    let binary = unsigned.strip_prefix("0b").is_some_and(|it| all(it, |it| "01_".contains(it)));
    let octal = unsigned.strip_prefix('0').is_some_and(|it| all(it, |it| "01234567_".contains(it)));
    if binary || octal || is_sexagesimal(unsigned) {
        return Form::Other;
    }
    if !unsigned.starts_with(['0', '.']) && all(unsigned, |it| it.is_ascii_digit() || it == '_') {
        return if unsigned.contains('_') { Form::Other } else { Form::Decimal };
    }
    older_float(unsigned)
}

/// A point is required, and so is the sign of an exponent.
fn older_float(unsigned: &str) -> Form {
    let (mantissa, exponent) = split_exponent(unsigned);
    let exponent_fits = exponent.is_none_or(|digits| {
        digits.starts_with(['+', '-']) && all(unsign(digits), |it| it.is_ascii_digit())
    });
    let plain: String = mantissa.chars().filter(|it| *it != '_').collect();
    if !exponent_fits || !mantissa.contains('.') || !is_mantissa(&plain) {
        return Form::Text;
    }
    if mantissa.contains('_') { Form::Other } else { Form::Float }
}

/// `1:30`, `12:30:45`, `190:20:30.15`.
fn is_sexagesimal(unsigned: &str) -> bool {
    let whole = unsigned.split('.').next().unwrap_or_default();
    let mut parts = whole.split(':');
    let first = parts.next().is_some_and(|it| all(it, |it| it.is_ascii_digit() || it == '_'));
    let mut rest = parts.peekable();
    first
        && rest.peek().is_some()
        && rest.all(|part| part.len() <= 2 && part.parse::<u8>().is_ok_and(|it| it < 60))
        && unsigned[whole.len()..].chars().all(|it| it.is_ascii_digit() || ".__".contains(it))
}

/// Digits with at most one point, and at least one digit.
fn is_mantissa(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|it| it.is_ascii_digit());
    digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
}

fn split_exponent(text: &str) -> (&str, Option<&str>) {
    text.split_once(['e', 'E']).map_or((text, None), |(mantissa, digits)| (mantissa, Some(digits)))
}

fn unsign(digits: &str) -> &str {
    digits.strip_prefix(['+', '-']).unwrap_or(digits)
}

fn all(text: &str, fits: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(fits)
}

fn decimal(text: &str) -> Reading {
    let text = text.strip_prefix('+').unwrap_or(text);
    let whole = text.parse::<i64>().map(Number::from);
    match whole.or_else(|_| text.parse::<u64>().map(Number::from)) {
        Ok(number) => Reading::Number(number),
        Err(_) => Reading::Unbounded,
    }
}

fn hexadecimal(text: &str) -> Reading {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16)
        .map_or(Reading::Unbounded, |number| Reading::Number(Number::from(number)))
}

fn float(text: &str) -> Reading {
    let number = text.parse::<f64>().ok().and_then(Number::from_f64);
    number.map_or(Reading::Unbounded, Reading::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READINGS: [(&str, &str); 41] = [
        ("", "null"),
        ("~", "null"),
        ("nULL", "text"),
        ("True", "true"),
        ("truth", "text"),
        ("on", "older boolean"),
        ("Yes", "older boolean"),
        ("0", "0"),
        ("12", "12"),
        ("-12", "-12"),
        ("+12", "12"),
        ("1.10", "1.1"),
        (".5", "0.5"),
        ("0x1F", "31"),
        ("1.5e+3", "1500.0"),
        ("1e3", "differing number"),
        ("1.5e3", "differing number"),
        ("0644", "differing number"),
        ("08", "differing number"),
        ("0o17", "differing number"),
        ("0b11", "differing number"),
        ("1_000", "differing number"),
        ("1:30", "differing number"),
        ("-1:30", "differing number"),
        ("190:20:30.15", "differing number"),
        ("1:90", "text"),
        ("127.0.0.1:80", "text"),
        ("1.2.3", "text"),
        (".", "text"),
        ("..", "text"),
        ("./k8s", "text"),
        ("-", "text"),
        ("90s", "text"),
        ("2026-11-24", "text"),
        ("2026-11-24T12:00:00Z", "text"),
        ("=", "special"),
        (".inf", "unbounded"),
        ("-.INF", "unbounded"),
        ("1.5e+999", "unbounded"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "unbounded"),
    ];

    fn told(reading: &Reading) -> String {
        match reading {
            Reading::Null => "null".to_owned(),
            Reading::Boolean(flag) => flag.to_string(),
            Reading::Number(number) => number.to_string(),
            Reading::Unbounded => "unbounded".to_owned(),
            Reading::Text => "text".to_owned(),
            Reading::Ambiguous(Doubt::Boolean) => "older boolean".to_owned(),
            Reading::Ambiguous(Doubt::Number) => "differing number".to_owned(),
            Reading::Ambiguous(Doubt::Special) => "special".to_owned(),
        }
    }

    #[test]
    fn an_unquoted_word_is_what_both_versions_of_yaml_take_it_for() {
        for (text, expected) in READINGS {
            assert_eq!(told(&plain(text)), expected, "{text:?}");
        }
    }
}
