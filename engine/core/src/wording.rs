//! How times and states are told to people, the same in every surface.

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

#[cfg(test)]
mod tests {
    use super::duration;

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
