//! Which requests pipelines may send, by the platform's file.

use engine_core::platform::Platform;
use reqwest::Url;

/// Judges a request by what the platform's file allows: a method and the beginning of a URL. Both
/// are compared as they were parsed, and a path ends where the allowed one does, or goes on below it.
pub(super) fn check_allowed(
    platform: &Platform,
    method: &str,
    url: &Url,
) -> Result<(), (String, String)> {
    let Some(allowed) = platform.requests() else { return Ok(()) };
    let is_allowed = |request: &String| {
        let Some((asked, prefix)) = request.split_once(' ') else { return false };
        let Ok(prefix) = Url::parse(prefix) else { return false };
        let rest = url.path().strip_prefix(prefix.path());
        let below =
            |rest: &str| rest.is_empty() || rest.starts_with('/') || prefix.path().ends_with('/');
        asked == method && prefix.origin() == url.origin() && rest.is_some_and(below)
    };
    if allowed.iter().any(is_allowed) {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    let origin = url.origin().ascii_serialization();
    let message = format!("{method} of {host} is not allowed there");
    Err((
        message,
        format!("gennaker.yaml may allow it: `http: {{allow: [\"{method} {origin}/\"]}}`"),
    ))
}
