//! The terminals of the reference grammar.

use super::ReferenceError;

pub(super) const MAX_NAME: usize = 255;

/// Whether the part before the first slash is a registry and not a folder of Docker Hub: it has a
/// dot, a colon or a capital letter, or is `localhost`.
pub(super) fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase)
}

pub(super) fn registry(text: &str) -> Result<&str, ReferenceError> {
    let wrong = || ReferenceError::Registry(text.to_owned());
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or_else(wrong)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
            ("", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let host_is_right = host.is_empty() && text.starts_with('[')
        || !host.is_empty() && host.split('.').all(is_host_part);
    let port_is_right = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    if host_is_right && port_is_right { Ok(text) } else { Err(wrong()) }
}

fn is_host_part(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('-')
        && !part.ends_with('-')
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(super) fn path(text: &str) -> Result<&str, ReferenceError> {
    if text.split('/').all(is_path_part) {
        return Ok(text);
    }
    let lower = text.to_lowercase();
    Err(if lower != text && lower.split('/').all(is_path_part) {
        ReferenceError::UpperCase(lower)
    } else {
        ReferenceError::Repository(text.to_owned())
    })
}

/// Runs of a-z and 0-9, joined by one of `.`, `_`, `__`, or any number of `-`.
fn is_path_part(part: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends_in_words = bytes.first().is_some_and(|byte| is_word(*byte))
        && bytes.last().is_some_and(|byte| is_word(*byte));
    ends_in_words
        && part.split(|letter: char| u8::try_from(letter).is_ok_and(is_word)).all(is_separator)
}

fn is_separator(text: &str) -> bool {
    matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-')
}

pub(crate) fn tag(text: &str) -> Result<&str, ReferenceError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let right = text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
    if right { Ok(text) } else { Err(ReferenceError::Tag(text.to_owned())) }
}

pub(crate) fn digest(text: &str) -> Result<&str, ReferenceError> {
    let wrong = || ReferenceError::Digest(text.to_owned());
    let (algorithm, hex) = text.split_once(':').ok_or_else(wrong)?;
    let is_algorithm = algorithm.split(['+', '.', '-', '_']).all(|part| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let is_lower_hex = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let length_is_right = match algorithm {
        "sha256" => hex.len() == 64,
        "sha384" => hex.len() == 96,
        "sha512" => hex.len() == 128,
        _ => hex.len() >= 32,
    };
    if is_algorithm && is_lower_hex && length_is_right { Ok(text) } else { Err(wrong()) }
}
