//! Which tags, or versions of a chart, somebody wants to hear of.

use regex::{Regex, RegexBuilder};
use semver::{Version, VersionReq};

const MAX_PATTERN: usize = 512;
const MAX_COMPILED: usize = 256 * 1024;

/// A choice among tags.
#[derive(Clone, Debug)]
pub enum TagFilter {
    Any,
    /// Whole versions, with or without a `v` before them, within a range.
    Semver(VersionReq),
    /// Tags that a pattern matches from their beginning to their end.
    Regex(Regex),
    /// Of those that match, the one whose image was built last.
    Newest(Option<Regex>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("`{text}` is not a range of versions, as in `>=1.4, <2`: {reason}")]
    Range { text: String, reason: String },
    #[error("`{text}` is not a pattern: {reason}")]
    Pattern { text: String, reason: String },
}

impl TagFilter {
    /// A range of versions: comparisons that must all hold, parted by commas or blanks. A bare
    /// version means just itself (`1.4` every 1.4.x), and only a range that names a pre-release
    /// lets pre-releases of that version in.
    pub fn semver(text: &str) -> Result<TagFilter, FilterError> {
        let wrong = |reason: String| FilterError::Range { text: text.to_owned(), reason };
        if text.trim().is_empty() {
            return Err(wrong("it is empty; write `*` for every version".to_owned()));
        }
        if text.contains("||") {
            return Err(wrong("`||` is not known; write two triggers".to_owned()));
        }
        let range = VersionReq::parse(&comparators(text));
        range.map(TagFilter::Semver).map_err(|error| wrong(error.to_string()))
    }

    pub fn regex(text: &str) -> Result<TagFilter, FilterError> {
        whole(text).map(TagFilter::Regex)
    }

    /// The newest of all, or of those that match a pattern.
    pub fn newest(pattern: Option<&str>) -> Result<TagFilter, FilterError> {
        pattern.map(whole).transpose().map(TagFilter::Newest)
    }

    pub fn matches(&self, tag: &str) -> bool {
        match self {
            TagFilter::Any | TagFilter::Newest(None) => true,
            TagFilter::Semver(range) => version(tag).is_some_and(|version| range.matches(&version)),
            TagFilter::Regex(pattern) | TagFilter::Newest(Some(pattern)) => pattern.is_match(tag),
        }
    }

    /// The filter in a form that tells it from others.
    pub(super) fn key(&self) -> String {
        match self {
            TagFilter::Any => "any".to_owned(),
            TagFilter::Semver(range) => format!("semver {range}"),
            TagFilter::Regex(pattern) => format!("regex {pattern}"),
            TagFilter::Newest(None) => "newest".to_owned(),
            TagFilter::Newest(Some(pattern)) => format!("newest {pattern}"),
        }
    }

    /// The order in which tags are likely to have come, as far as one can tell by looking.
    pub(super) fn sort(&self, tags: &mut [String]) {
        match self {
            TagFilter::Semver(_) => tags.sort_by_cached_key(|tag| version(tag)),
            TagFilter::Any | TagFilter::Regex(_) | TagFilter::Newest(_) => tags.sort_unstable(),
        }
    }
}

/// Whether a tag looks as if it were to stand for the same for ever: a whole version, or one with a
/// commit, a date or a number of a build in it.
pub(super) fn lasts(tag: &str) -> bool {
    let is_id = |part: &str| {
        part.len() >= 7
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    version(tag).is_some() || tag.split(|it: char| !it.is_ascii_alphanumeric()).any(is_id)
}

/// A tag as a version. A chart's tag has `_` where its version has `+`.
fn version(tag: &str) -> Option<Version> {
    let text = tag.strip_prefix('v').unwrap_or(tag);
    Version::parse(text).or_else(|_| Version::parse(&text.replacen('_', "+", 1))).ok()
}

fn whole(text: &str) -> Result<Regex, FilterError> {
    let wrong = |reason: String| FilterError::Pattern { text: text.to_owned(), reason };
    if text.len() > MAX_PATTERN {
        return Err(wrong(format!("patterns have at most {MAX_PATTERN} bytes")));
    }
    // By itself first, so that none can close the group that it is put into.
    let judged = |text: &str| RegexBuilder::new(text).size_limit(MAX_COMPILED).build();
    judged(text).and_then(|_| judged(&format!("^(?:{text})$"))).map_err(|error| {
        wrong(error.to_string().lines().last().unwrap_or_default().trim().to_owned())
    })
}

/// The same range as the library writes it: operators stand at their versions, commas between.
fn comparators(text: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        match all
            .last_mut()
            .filter(|last| !last.ends_with(|it: char| it.is_ascii_alphanumeric() || it == '*'))
        {
            Some(operator) => operator.push_str(word),
            None => all.push(word.to_owned()),
        }
    }
    for comparator in &mut all {
        let (operator, version) = comparator.split_at(
            comparator.find(|it: char| !"<>=^~".contains(it)).unwrap_or(comparator.len()),
        );
        let version = version.strip_prefix('v').unwrap_or(version);
        let bare = operator.is_empty() && version.starts_with(|it: char| it.is_ascii_digit());
        let wild = version.contains(['*', 'x', 'X']) && !version.contains(['-', '+']);
        let operator = if bare && !wild { "=" } else { operator };
        *comparator = format!("{operator}{version}");
    }
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_takes_versions_and_leaves_pre_releases_unless_it_names_one() {
        for (range, yes, no) in [
            (
                ">=1",
                vec!["1.0.0", "v1.2.3", "2.0.0"],
                vec!["0.9.0", "1.0", "latest", "1.2.3-rc1", "vv1.0.0"],
            ),
            (">=1.2, <2", vec!["1.2.0", "1.9.9"], vec!["2.0.0", "1.1.9"]),
            (">=1.2 <2", vec!["1.2.0", "1.9.9"], vec!["2.0.0", "1.1.9"]),
            (">= 1.2, < 2", vec!["1.2.0"], vec!["2.0.0"]),
            ("1.4.2", vec!["1.4.2", "v1.4.2"], vec!["1.4.3", "1.5.0"]),
            ("v1.4", vec!["1.4.2", "1.4.9"], vec!["1.5.0"]),
            ("^1.4", vec!["1.5.0"], vec!["2.0.0"]),
            ("~1.4.1", vec!["1.4.2"], vec!["1.5.0"]),
            ("1.x", vec!["1.5.0"], vec!["2.0.0"]),
            ("1.*", vec!["1.5.0"], vec!["2.0.0"]),
            ("*", vec!["0.1.0", "9.9.9"], vec!["1.0.0-rc1"]),
            (">=1.2.3-rc1", vec!["1.2.3-rc1", "1.2.3-rc2", "1.2.4"], vec!["1.2.4-rc1"]),
            ("=1.2.3-x86", vec!["1.2.3-x86"], vec!["1.2.3"]),
            (">=1", vec!["1.2.3_build.4", "1.2.3+b"], vec!["1.2_3"]),
        ] {
            let filter = TagFilter::semver(range).unwrap();
            for tag in yes {
                assert!(filter.matches(tag), "{range} {tag}");
            }
            for tag in no {
                assert!(!filter.matches(tag), "{range} {tag}");
            }
        }
        for wrong in ["", " ", ">=1 || <3", "one", ">=", "1.2.3.4", ">=1,,x y z"] {
            assert!(TagFilter::semver(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_that_move_are_told_from_tags_that_last() {
        for tag in ["1.2.3", "v1.2.3-rc1", "main-1f2e3d4", "20240131", "sha-0123456789abcdef"] {
            assert!(lasts(tag), "{tag}");
        }
        for tag in ["latest", "edge", "main", "v1", "1.2", "1.2-alpine", "deadbeef", "x86_64"] {
            assert!(!lasts(tag), "{tag}");
        }
    }

    /// CVE-2026-25542.
    #[test]
    fn a_pattern_matches_whole_tags_and_stays_within_its_bounds() {
        let filter = TagFilter::regex("main-[0-9a-f]+|edge").unwrap();
        for (tag, matched) in
            [("main-1f", true), ("edge", true), ("edge2", false), ("xmain-1f", false)]
        {
            assert_eq!(filter.matches(tag), matched, "{tag}");
        }
        for wrong in ["(", "a)|(b", "(a{1000}){1000}", &"a".repeat(600)] {
            assert!(matches!(TagFilter::regex(wrong), Err(FilterError::Pattern { .. })), "{wrong}");
        }
    }
}
