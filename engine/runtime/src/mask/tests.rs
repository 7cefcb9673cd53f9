//! What is masked, and what is left alone.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE};
use proptest::prelude::*;

fn mask(values: &[&str]) -> Mask {
    let mask = Mask::default();
    values.iter().for_each(|value| mask.learn(&Secret::new((*value).to_owned())));
    mask
}

fn percent_encoded(text: &str, keep: fn(u8) -> bool) -> String {
    let encoded = |byte: u8| match keep(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

#[test]
fn a_secret_is_masked_in_every_form() {
    let secret = "p\u{e4}ss \"w/rd\"+&1";
    let mask = mask(&[secret]);
    for text in [
        secret.to_owned(),
        format!("before {secret} after"),
        format!("{secret}{secret}"),
        hex::encode(secret),
        hex::encode_upper(secret),
        percent_encoded(secret, |byte| byte.is_ascii_alphanumeric()),
        percent_encoded(secret, |byte| byte.is_ascii_alphanumeric() || b"/+&".contains(&byte)),
        percent_encoded(secret, |_| false).to_lowercase(),
        percent_encoded(secret, |byte| byte.is_ascii_alphanumeric() || byte == b' ')
            .replace(' ', "+"),
        serde_json::to_string(secret).unwrap(),
        serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap(),
        format!("{secret:?}"),
        secret.replace('\u{e4}', "\\u00e4").replace('"', "\\\"").replace('/', "\\/"),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
    ] {
        let masked = mask.text(&text);
        assert!(!masked.contains("ss") && !masked.contains("w/rd"), "{text} -> {masked}");
        assert!(masked.contains(MASKED), "{text} -> {masked}");
    }
}

#[test]
fn a_key_is_masked_line_by_line_and_when_base64_is_wrapped() {
    let key = format!(
        "-----BEGIN KEY-----\n{}\n{}\n-----END KEY-----",
        "Ab3".repeat(20),
        "q7Z".repeat(9)
    );
    let mask = mask(&[&key]);
    for line in key.lines() {
        assert_eq!(mask.text(&format!("log: {line}.")), "log: ***.");
    }
    let encoded = STANDARD.encode(&key);
    let wrapped: Vec<String> = encoded
        .as_bytes()
        .chunks(76)
        .map(|chunk| String::from_utf8_lossy(chunk).into_owned())
        .collect();
    for line in &wrapped[..wrapped.len() - 1] {
        assert_eq!(mask.text(line), MASKED);
    }
    assert!(mask.text(&wrapped.join("\n")).len() < 12);
    let json = serde_json::to_string(&wrapped.join("\n")).unwrap();
    assert!(mask.text(&json).len() < 12, "{}", mask.text(&json));
}

#[test]
fn a_secret_that_was_cut_is_masked_as_far_as_it_goes() {
    let mask = mask(&["correct-horse-battery"]);
    assert_eq!(mask.text("answered: correct-hor"), "answered: ***");
    assert_eq!(mask.text("it is `correct-hor…` and more"), "it is `***…` and more");
    assert_eq!(mask.text("cor"), "cor");
}

#[test]
fn a_digest_that_ends_like_a_secret_begins_is_left_alone() {
    let secret = "6465616462656566-and-more-of-it!";
    let mask = mask(&[secret, "deadbeef"]);
    for digest in ["sha256:70540a6465", "sha256:70540a6465616", "leak-1-70540a3634"] {
        assert_eq!(mask.text(digest), digest);
    }
    assert_eq!(mask.text("said 64656164626"), "said ***");
    assert_eq!(mask.text("said 6465616462…"), "said ***…");
    assert_eq!(mask.text(&format!("said {}", &hex::encode("deadbeef")[..8])), "said ***");
}

#[test]
fn secrets_that_overlap_leave_nothing_between_them() {
    let mask = mask(&["abcdef", "defghi", "abcdefXYZ"]);
    assert_eq!(mask.text("-abcdefghi-abcdefXYZ-"), "-***-***-");
}

#[test]
fn numbers_keys_and_what_lies_deep_are_masked_and_nothing_else() {
    let mask = mask(&["12345678", "tops"]);
    let value = serde_json::json!({"n": 12345678, "m": 7, "tops": [{"a": "x tops y"}], "ok": true});
    let masked = serde_json::json!({"n": "***", "m": 7, "***": [{"a": "x *** y"}], "ok": true});
    assert_eq!(mask.value(value), masked);
    let other = serde_json::json!({"a": ["nothing", 1.5, null]});
    assert_eq!(mask.value(other.clone()), other);
    assert_eq!(Mask::default().text("tops"), "tops");
}

proptest! {
    #[test]
    fn no_alignment_of_base64_hides_a_secret(
        secret in "[ -~\u{e4}\u{1f511}\n]{6,60}",
        before in prop::collection::vec(any::<u8>(), 0..6),
        after in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let mask = mask(&[&secret]);
        let bytes = [before.as_slice(), secret.as_bytes(), after.as_slice()].concat();
        for (engine, text) in [(&STANDARD, STANDARD.encode(&bytes)), (&URL_SAFE, URL_SAFE.encode(&bytes))] {
            let masked = mask.text(&text);
            prop_assert!(masked.contains(MASKED), "{}", text);
            let left: Vec<u8> = masked
                .split(MASKED)
                .flat_map(|rest| engine.decode(rest).unwrap_or_default())
                .collect();
            prop_assert!(!left.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }

    #[test]
    fn masking_never_panics_and_leaves_no_value(text in "\\PC{0,40}", secret in "\\PC{4,12}", at in 0usize..40) {
        prop_assume!(secret.len() >= SHORTEST_BYTES && !MASKED.contains(secret.as_str()));
        let at = text.floor_char_boundary(at.min(text.len()));
        let whole = format!("{}{secret}{}", &text[..at], &text[at..]);
        let masked = mask(&[&secret]).text(&whole);
        // What is put in may meet what stands beside it and make the value again.
        prop_assert!(!masked.contains(&secret) || secret.contains('*'), "{masked}");
    }
}
