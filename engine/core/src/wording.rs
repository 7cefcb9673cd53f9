//! How times and states are told to people, the same in every surface.

use crate::{admission::Link, clock::Civil, id::Resource};

/// An instant as RFC 3339 in UTC, with milliseconds.
pub fn instant(at: Civil) -> String {
    let milliseconds = i64::try_from(at.0).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(milliseconds) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        // Beyond the year 9999 there is nothing better to say.
        Err(_) => format!("{milliseconds}ms"),
    }
}

/// A duration as an author would write it, its two largest units: `1h 5m`, `90ms`.
pub fn duration(milliseconds: u64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = milliseconds;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        let is_noise = unit == "ms" && !parts.is_empty();
        if rest >= size && parts.len() < 2 && !is_noise {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0ms".to_owned() } else { parts.join(" ") }
}

/// Why a run does not wait for `wanted`, in a sentence.
pub fn ring_words(wanted: &Resource, ring: &[Link<String>]) -> String {
    let step = |link: &Link<String>| {
        format!("{} keeps {} and waits for {}", link.run, link.keeps.words(), link.wanted.words())
    };
    let steps: Vec<String> = ring.iter().map(step).collect();
    format!(
        "to wait for {} would be to wait for ever: {}; try again when one of them has ended",
        wanted.words(),
        steps.join(", ")
    )
}

/// A number with its thousands apart: `20,000`.
pub fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

/// Why a run does not wait for its group.
pub fn full_words(by: &[String]) -> String {
    format!("its group is full, and it is not to wait: {} is in it", by.join(", "))
}

/// What a way back does to those who hold its target.
pub fn taken_back_words(environment: &str, from: &[String]) -> String {
    format!("takes {environment} back from {}", from.join(", "))
}

/// What an image reference stands for in a run.
pub fn resolved_words(reference: &str, resolved: &str) -> String {
    format!("image {reference} is {resolved}")
}

/// How often the engine died with a run.
pub fn died_words(unclean_ends: u32) -> String {
    match unclean_ends {
        0 | 1 => "the engine died".to_owned(),
        times => format!("the engine died {times} times in a row"),
    }
}

/// Why a run is not gone on with that the engine died with.
pub fn poison_words(unclean_ends: u32, by: &str) -> String {
    format!("{} while it drove the run, and {by} said not to go on", died_words(unclean_ends))
}

#[cfg(test)]
mod tests {
    use super::{count, duration, instant};
    use crate::clock::Civil;

    #[test]
    fn instants_are_told_in_utc_with_milliseconds() {
        assert_eq!(instant(Civil(1_767_225_600_007)), "2026-01-01T00:00:00.007Z");
    }

    #[test]
    fn thousands_are_told_apart() {
        let told = [0, 7, 999, 1_000, 65_536, 1_048_576].map(count);
        assert_eq!(told, ["0", "7", "999", "1,000", "65,536", "1,048,576"]);
    }

    #[test]
    fn durations_are_told_in_their_two_largest_units() {
        let table = [
            (0, "0ms"),
            (90, "90ms"),
            (1_500, "1s"),
            (90_000, "1m 30s"),
            (900_000, "15m"),
            (3_900_123, "1h 5m"),
            (90_061_000, "1d 1h"),
        ];
        for (milliseconds, words) in table {
            assert_eq!(duration(milliseconds), words);
        }
    }
}
