//! Patterns for names, branches, paths and images: `*` stands for anything but `/`, `**` for
//! anything, and whatever else for itself.

/// Why a text is no pattern. The message says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    #[error("write a name, in which `*` stands for anything but `/`, and `**` for anything")]
    Form,
    #[error("at most {MOST} characters")]
    TooLong,
}

const MOST: usize = 256;
/// What means something in other languages of patterns, and would only be taken for itself here.
const FOREIGN: [char; 7] = ['?', '[', ']', '{', '}', '!', '\\'];

/// Whether `pattern` is one.
pub fn check(pattern: &str) -> Result<(), GlobError> {
    if pattern.len() > MOST {
        return Err(GlobError::TooLong);
    }
    let strange = |it: char| FOREIGN.contains(&it) || it.is_whitespace() || it.is_control();
    match pattern.is_empty() || pattern.contains(strange) {
        true => Err(GlobError::Form),
        false => Ok(()),
    }
}

/// Whether `pattern` means one thing only.
pub fn is_literal(pattern: &str) -> bool {
    !pattern.contains('*')
}

/// Whether `text` is as `pattern` has it. Costs at most the product of their lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    if is_literal(pattern) {
        return pattern == text;
    }
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // The lengths of the beginnings of `text` that the pattern so far may stand for.
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    let mut at = 0;
    while let Some(byte) = pattern.get(at) {
        let stars = pattern[at..].iter().take_while(|byte| **byte == b'*').count();
        match stars {
            0 => one(&mut ends, text, *byte),
            1 => any(&mut ends, text, |byte| byte != b'/'),
            _ => any(&mut ends, text, |_| true),
        }
        at += stars.max(1);
    }
    ends[text.len()]
}

fn one(ends: &mut [bool], text: &[u8], byte: u8) {
    for end in (1..ends.len()).rev() {
        ends[end] = ends[end - 1] && text[end - 1] == byte;
    }
    ends[0] = false;
}

fn any(ends: &mut [bool], text: &[u8], goes_on: impl Fn(u8) -> bool) {
    for end in 1..ends.len() {
        ends[end] |= ends[end - 1] && goes_on(text[end - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_within_a_part_and_two_for_anything() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("prod*", "prod", true),
            ("prod*", "prod-eu", true),
            ("prod", "prod-eu", false),
            ("*-eu", "prod-eu", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "ace", true),
            ("a*a", "a", false),
            ("", "x", false),
            ("**", "x/y", true),
            ("*", "x/y", false),
            ("release/*", "release/1.2", true),
            ("release/*", "release/1/2", false),
            ("release/**", "release/1/2", true),
            ("release/*", "evil/release/1", false),
            ("registry.example.com/shop/*", "registry.example.com/shop/web:v1", true),
            ("registry.example.com/shop/*", "registry.example.com/shopping/web", false),
            ("*/web", "a/b/web", false),
            ("**/web", "a/b/web", true),
            ("ä*", "äö", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_of_another_language_is_refused() {
        for wrong in ["", "a?", "[ab]", "{a,b}", "!a", "a b", "a\\*", "a\n"] {
            assert_eq!(check(wrong), Err(GlobError::Form), "{wrong:?}");
        }
        assert_eq!(check(&"a".repeat(MOST + 1)), Err(GlobError::TooLong));
        for right in ["*", "a/**/b", "release/*", "shop-*", "r.example.com:5000/a_b@c"] {
            assert_eq!(check(right), Ok(()), "{right}");
        }
    }

    /// Held against the plainest way to say what a pattern means.
    #[test]
    fn a_pattern_means_what_a_slow_reader_says() {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match pattern {
                [] => text.is_empty(),
                [b'*', b'*', rest @ ..] => {
                    let rest =
                        rest.iter().position(|it| *it != b'*').map_or(&[][..], |at| &rest[at..]);
                    (0..=text.len()).any(|end| slow(rest, &text[end..]))
                }
                [b'*', rest @ ..] => {
                    let most = text.iter().position(|it| *it == b'/').unwrap_or(text.len());
                    (0..=most).any(|end| slow(rest, &text[end..]))
                }
                [byte, rest @ ..] => text.first() == Some(byte) && slow(rest, &text[1..]),
            }
        }
        let words = |most: usize, letters: &[u8]| {
            let mut all = vec![Vec::new()];
            let mut last = all.clone();
            for _ in 0..most {
                last = last
                    .iter()
                    .flat_map(|word| letters.iter().map(|it| [word.as_slice(), &[*it]].concat()))
                    .collect();
                all.extend(last.clone());
            }
            all
        };
        for pattern in words(5, b"a/*") {
            for text in words(5, b"a/") {
                let (shown, seen) =
                    (str::from_utf8(&pattern).unwrap(), str::from_utf8(&text).unwrap());
                assert_eq!(matches(shown, seen), slow(&pattern, &text), "{shown} {seen}");
            }
        }
    }
}
