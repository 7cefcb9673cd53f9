//! What was posted to a pipeline's own address, as expressions see it.

use engine_core::receiver::{RawRequest, Unreadable};
use serde_json::{Map, Value};

const DEPTH: usize = 64;
/// All values and keys together: each takes some tens of bytes once it is read.
const VALUES: usize = 50_000;
const MAX_MESSAGE_CHARACTERS: usize = 300;

/// JSON, or the fields of a form as texts. Nothing at all is an empty map.
pub fn payload(request: &RawRequest<'_>) -> Result<Value, Unreadable> {
    if request.body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let declared = request.text("content-type").unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let fields = form_urlencoded::parse(request.body).take(VALUES);
        let fields =
            fields.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
        return Ok(Value::Object(fields.collect()));
    }
    bounded(request.body)?;
    serde_json::from_slice(request.body).map_err(|error| {
        let words: String = error.to_string().chars().take(MAX_MESSAGE_CHARACTERS).collect();
        Unreadable(format!("it is neither JSON nor a form: {words}"))
    })
}

/// Looks at brackets and commas alone, so that nothing is built of what is refused.
fn bounded(body: &[u8]) -> Result<(), Unreadable> {
    let (mut depth, mut values, mut is_text, mut is_escaped) = (0_usize, 1_usize, false, false);
    for byte in body {
        match (byte, is_text) {
            (_, true) if is_escaped => is_escaped = false,
            (b'\\', true) => is_escaped = true,
            (b'"', _) => is_text = !is_text,
            (_, true) => {}
            (b'[' | b'{', false) => {
                depth += 1;
                values += 1;
            }
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            (b',' | b':', false) => values += 1,
            (_, false) => {}
        }
        if depth > DEPTH {
            return Err(Unreadable(format!("it nests deeper than {DEPTH} levels")));
        }
        if values > VALUES {
            return Err(Unreadable(format!("it has more than {VALUES} values")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::payload;
    use engine_core::receiver::RawRequest;
    use serde_json::json;

    fn read(kind: &str, body: &[u8]) -> Result<serde_json::Value, String> {
        let headers = [("content-type".to_owned(), kind.as_bytes().to_vec())];
        let request = RawRequest { headers: &headers, path: "", body, received_seconds: 0 };
        payload(&request).map_err(|error| error.0)
    }

    #[test]
    fn json_and_forms_are_read_and_nothing_large_is_built() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert_eq!(read("application/json", b"{\"a\": [1]}"), Ok(json!({"a": [1]})));
        assert_eq!(read("text/plain", b"7"), Ok(json!(7)));
        assert_eq!(read(form, b"tag=v1&x=%20y"), Ok(json!({"tag": "v1", "x": " y"})));
        assert_eq!(read("application/json", b""), Ok(json!({})));
        assert!(read("application/json", b"{").unwrap_err().contains("neither JSON nor a form"));
        assert!(read("application/json", &b"[".repeat(100)).unwrap_err().contains("deeper"));
        let wide = format!("[{}1]", "1,".repeat(60_000));
        assert!(read("application/json", wide.as_bytes()).unwrap_err().contains("more than"));
    }
}
