//! The name of an attempt's Job: the same whenever it is asked for, and nobody else's.

use engine_core::stage::Identity;
use sha2::{Digest, Sha256};

/// The part that people read; with the rest it stays below the 63 characters of a name.
const READABLE: usize = 40;
/// Hexadecimal digits that tell runs apart.
const DIGITS: usize = 10;

pub(super) fn of(identity: &Identity) -> String {
    let Identity { run, pipeline, stage, attempt, .. } = identity;
    let digest = Sha256::digest(format!("{run}\n{stage}\n{attempt}"));
    let mut digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.truncate(DIGITS);
    let readable = readable(&format!("{pipeline}-{stage}"));
    format!("{readable}-{attempt}-{digits}").trim_start_matches('-').to_owned()
}

fn readable(words: &str) -> String {
    let mut name = String::new();
    for letter in words.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    name.truncate(READABLE);
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::id::{Epoch, RunId};

    fn identity(pipeline: &str, stage: &str, attempt: u32) -> Identity {
        Identity {
            run: RunId(uuid::Uuid::from_u128(7)),
            application: "shop".to_owned(),
            pipeline: pipeline.to_owned(),
            stage: stage.to_owned(),
            attempt,
            epoch: Epoch(1),
        }
    }

    #[test]
    fn a_name_is_a_label_of_dns_whatever_it_is_made_of() {
        for (pipeline, stage, readable) in [
            ("checkout", "migrate", "checkout-migrate-1-"),
            ("checkout", "migrateAll[eu,a b]", "checkout-migrateall-eu-a-b-1-"),
            ("-", "x", "x-1-"),
            (&"p".repeat(63), "x", &format!("{}-1-", "p".repeat(40))),
        ] {
            let name = of(&identity(pipeline, stage, 1));
            assert!(name.starts_with(readable), "{name}");
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            assert!(name.len() <= 63 && name.bytes().all(|byte| is_plain(byte) || byte == b'-'));
            assert!(name.bytes().next().is_some_and(is_plain), "{name}");
        }
        assert!(of(&identity(&"p".repeat(63), "x", u32::MAX)).len() <= 63);
    }

    #[test]
    fn each_attempt_has_a_name_of_its_own_and_always_the_same() {
        let one = of(&identity("a", "b[c]", 1));
        assert_eq!(one, of(&Identity { epoch: Epoch(9), ..identity("a", "b[c]", 1) }));
        for other in [identity("a", "b[c]", 2), identity("a", "b-c", 1)] {
            assert_ne!(one, of(&other));
        }
    }
}
