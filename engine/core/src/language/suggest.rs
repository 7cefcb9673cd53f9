//! "Did you mean": the known word that is closest to an unknown one.

/// Longer words are not compared: the cost grows with the square of the length.
const LONGEST: usize = 48;
/// Words that are compared; of more, the first.
const COMPARED: usize = 200;

/// The candidate within a third of the word's length in edits, if there is one.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|known| known.len().abs_diff(word.len()) <= allowed)
        .take(COMPARED)
        .map(|known| (strsim::osa_distance(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        let known = ["needs", "timeout", "onFailure", "environment"];
        for (word, expected) in [
            ("neds", Some("needs")),
            ("onfailure", Some("onFailure")),
            ("enviroment", Some("environment")),
            ("tiemout", Some("timeout")),
            ("matrix", None),
            ("", None),
        ] {
            assert_eq!(closest(word, known), expected, "{word}");
        }
        assert_eq!(closest(&"x".repeat(100_000), known), None);
    }
}
