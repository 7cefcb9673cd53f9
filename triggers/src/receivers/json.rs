//! Bodies become typed values, or a reason why not.

use super::unreadable;
use engine_core::receiver::{RawRequest, Unreadable};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Deeper than this no provider nests.
const DEPTH: usize = 64;
const MAX_MESSAGE_CHARACTERS: usize = 300;

/// What is not in `T` is passed over unread.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    shallow(body)?;
    serde_json::from_slice(body).map_err(|error| {
        let words: String = error.to_string().chars().take(MAX_MESSAGE_CHARACTERS).collect();
        unreadable(format!("it is not what is sent: {words}"))
    })
}

/// The JSON of a body that may be a form with the field `payload`.
pub(super) fn of_form<'a>(request: &RawRequest<'a>) -> Result<Cow<'a, [u8]>, Unreadable> {
    let declared = request.text("content-type").unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(Cow::Borrowed(request.body));
    }
    let fields = form_urlencoded::parse(request.body);
    let mut payloads = fields.filter(|(name, _)| name == "payload").map(|(_, value)| value);
    match (payloads.next(), payloads.next()) {
        (Some(payload), None) => Ok(Cow::Owned(payload.into_owned().into_bytes())),
        (Some(_), Some(_)) => Err(unreadable("it is a form with more than one `payload`")),
        (None, _) => Err(unreadable("it is a form without `payload`: send JSON, or that field")),
    }
}

/// Looks at brackets alone, so that nothing is built of what is refused.
fn shallow(body: &[u8]) -> Result<(), Unreadable> {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in body {
        match (byte, is_text) {
            (_, true) if is_escaped => is_escaped = false,
            (b'\\', true) => is_escaped = true,
            (b'"', _) => is_text = !is_text,
            (b'[' | b'{', false) => depth += 1,
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            (_, _) => {}
        }
        if depth > DEPTH {
            return Err(unreadable(format!("it nests deeper than {DEPTH} levels")));
        }
    }
    Ok(())
}
