//! Which tags of a repository, as an author says it.

use super::{Repository, TagFilter};
use engine_core::{
    files::Step,
    stage::{Fault, FaultCode},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Tags that everybody moves.
const MOVING: [&str; 12] = [
    "latest",
    "edge",
    "main",
    "master",
    "develop",
    "dev",
    "nightly",
    "stable",
    "test",
    "staging",
    "prod",
    "production",
];

/// Which tags: exactly one of the three.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TagsText {
    /// Versions within a range: comparisons that must all hold. A `v` before a version does not count;
    /// pre-releases are within a range that names one of the same version.
    #[serde(default)]
    #[schemars(example = &">=1.4, <2")]
    semver: Option<String>,
    /// Tags that an expression matches from their beginning to their end.
    #[serde(default)]
    #[schemars(example = &"main-[0-9a-f]{7}")]
    regex: Option<String>,
    /// Any tag: whatever was pushed last.
    #[serde(default)]
    #[schemars(example = true)]
    newest: Option<bool>,
}

impl TagsText {
    pub(super) fn filter(self) -> Result<TagFilter, Fault> {
        let judged = |key: &str, filter: Result<TagFilter, artifacts::registry::FilterError>| {
            filter.map_err(|error| {
                told(&["tags", key], (FaultCode::Format, format!("`{key}`: {error}")))
            })
        };
        match (self.semver, self.regex, self.newest) {
            (Some(range), None, None) => judged("semver", TagFilter::semver(&range)),
            (None, Some(pattern), None) => judged("regex", TagFilter::regex(&pattern)),
            (None, None, Some(true)) => judged("newest", TagFilter::newest(None)),
            (None, None, Some(false)) => {
                let message = "`newest` can only be true".to_owned();
                Err(told(&["tags", "newest"], (FaultCode::Value, message)))
            }
            (None, None, None) => {
                let message = "`tags` names none of `semver`, `regex` and `newest`".to_owned();
                Err(told(&["tags"], (FaultCode::Value, message)))
            }
            (..) => {
                let message = "`tags` takes one of `semver`, `regex` and `newest`".to_owned();
                Err(told(&["tags"], (FaultCode::Value, message)))
            }
        }
    }
}

/// What is probably not meant: any tag without a word about it, or one that others move.
pub(super) fn warning(tags: Option<&TagsText>) -> Option<String> {
    let Some(tags) = tags else {
        return Some("an image with any tag starts this pipeline".to_owned());
    };
    let filter = TagFilter::regex(tags.regex.as_ref()?).ok()?;
    let moving = MOVING.iter().find(|tag| filter.matches(tag))?;
    Some(format!("whoever moves the tag `{moving}` starts this pipeline"))
}

/// `host/path` as happenings name it: with nothing left out, the host in lower case.
pub(crate) fn place(written: &str) -> Result<String, String> {
    let (host, path) = written.split_once('/').unwrap_or(("", written));
    let is_host = host.contains(['.', ':']) || host.eq_ignore_ascii_case("localhost");
    let lower = host.to_ascii_lowercase();
    let plain = lower.strip_suffix(":443").or(lower.strip_suffix(":80")).unwrap_or(&lower);
    let whole = if is_host { format!("{plain}/{path}") } else { written.to_owned() };
    match Repository::parse(&whole) {
        Ok(repository) => Ok(repository.normal().to_string()),
        Err(error) => Err(format!("`{written}` is not a repository of images: {error}")),
    }
}

fn told(place: &[&str], (code, message): (FaultCode, String)) -> Fault {
    let example = match place.last() {
        Some(&"regex") => r#"tags: {regex: "main-[0-9a-f]{7}"}"#,
        Some(&"newest") => "tags: {newest: true}",
        Some(_) | None => r#"tags: {semver: ">=1"}"#,
    };
    let place = place.iter().map(|key| Step::Key((*key).to_owned())).collect();
    let help = Some(format!("write it like `{example}`"));
    Fault { code, place, message, help }
}
