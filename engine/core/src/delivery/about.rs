//! Whether a delivery speaks of a commit or an image that somebody asks after.

use super::{Delivery, OutcomeEnd, State};
use crate::happening::{Change, Chart, Happening, Image};
use serde_json::Value;
use std::str::FromStr;

/// The fewest digits of a commit that are taken for one, and the most.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=64;
const SHA256: &str = "sha256:";

/// What is asked after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The beginning of a commit's id, in lower case.
    Commit(String),
    /// A repository as it is written or the end of one, and which of its images.
    Image { repository: Option<String>, tag: Option<String>, digest: Option<String> },
}

/// It is neither the beginning of a commit's id nor the reference of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is neither 7 to 64 hexadecimal digits of a commit nor an image such as `host/name:tag`"
)]
pub struct NotAbout;

impl FromStr for About {
    type Err = NotAbout;

    fn from_str(text: &str) -> Result<About, NotAbout> {
        if DIGITS.contains(&text.len()) && text.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Ok(About::Commit(text.to_ascii_lowercase()));
        }
        if !text.contains(['/', ':', '@']) || text.contains(char::is_whitespace) {
            return Err(NotAbout);
        }
        let (rest, digest) = match (text.starts_with(SHA256), text.split_once('@')) {
            (true, _) => ("", Some(text)),
            (false, Some((rest, digest))) => (rest, Some(digest)),
            (false, None) => (text, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            // A port.
            Some((_, tag)) if tag.contains('/') => (rest, None),
            Some((repository, tag)) => (repository, Some(tag)),
            None => (rest, None),
        };
        Ok(About::Image {
            repository: (!repository.is_empty()).then(|| repository.to_owned()),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl Delivery {
    /// Whether it tells of what is asked after, or a trigger has weighed that.
    pub fn speaks_of(&self, about: &About) -> bool {
        let weighed = || match &self.state {
            State::Pending { .. } => false,
            State::Decided(decision) => decision.outcomes.iter().any(|it| about.weighed(&it.end)),
        };
        self.content.happenings.iter().any(|it| about.told_by(it)) || weighed()
    }
}

impl About {
    fn told_by(&self, happening: &Happening) -> bool {
        match happening {
            Happening::Git(git) => match &git.change {
                Change::Push { after: commit, .. }
                | Change::Tag { commit: Some(commit), .. }
                | Change::Merge { commit, .. } => self.is_commit(commit),
                Change::Tag { commit: None, .. }
                | Change::BranchDeleted { .. }
                | Change::TagDeleted { .. } => false,
            },
            Happening::Image(image) => self.is_image(image),
            Happening::Chart(Chart { repository, name, version, digest, .. }) => {
                let (tag, digest) = (Some(version.clone()), digest.clone());
                let repository = format!("{}/{name}", repository.trim_start_matches("oci://"));
                self.is_of((&repository, tag.as_deref(), digest.as_deref()))
            }
            Happening::Hook(hook) => self.stands_in(&hook.payload),
            Happening::Time(_) | Happening::Ended(_) => false,
        }
    }

    /// A sender may tell only its first digits.
    fn is_commit(&self, commit: &str) -> bool {
        let About::Commit(begun) = self else { return false };
        let is_short = commit.len() >= *DIGITS.start() && begun.starts_with(commit);
        commit.starts_with(begun.as_str()) || is_short
    }

    fn is_image(&self, image: &Image) -> bool {
        self.is_of((&image.repository, image.tag.as_deref(), image.digest.as_deref()))
    }

    fn is_of(&self, (told, is_tag, is_digest): (&str, Option<&str>, Option<&str>)) -> bool {
        let About::Image { repository, tag, digest } = self else { return false };
        let is_there = repository.as_ref().is_none_or(|wanted| {
            told.strip_suffix(wanted.as_str()).is_some_and(|it| it.is_empty() || it.ends_with('/'))
        });
        // Where a digest is asked for, that alone decides, if it was told.
        let is_it = match (digest, is_digest) {
            (Some(wanted), Some(digest)) => wanted == digest,
            (Some(_), None) if tag.is_none() => false,
            (Some(_) | None, _) => tag.as_deref().is_none_or(|wanted| is_tag == Some(wanted)),
        };
        is_there && is_it
    }

    /// Whether a text of what was posted is it.
    fn stands_in(&self, payload: &Value) -> bool {
        match payload {
            Value::String(text) => self.is_text(text),
            Value::Array(items) => items.iter().any(|it| self.stands_in(it)),
            Value::Object(fields) => fields.values().any(|it| self.stands_in(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn is_text(&self, text: &str) -> bool {
        match (self, text.parse()) {
            (About::Commit(_), Ok(About::Commit(commit))) => self.is_commit(&commit),
            (About::Image { .. }, Ok(About::Image { repository, tag, digest })) => {
                let repository = repository.unwrap_or_default();
                self.is_of((&repository, tag.as_deref(), digest.as_deref()))
            }
            (About::Commit(_), Ok(About::Image { .. }))
            | (About::Image { .. }, Ok(About::Commit(_)))
            | (_, Err(NotAbout)) => false,
        }
    }

    /// What was looked up may be told by the outcome alone: the digest of a tag.
    fn weighed(&self, end: &OutcomeEnd) -> bool {
        match end {
            OutcomeEnd::Known { value, .. } => self.is_commit(value) || self.is_text(value),
            OutcomeEnd::Started { .. }
            | OutcomeEnd::Filtered { .. }
            | OutcomeEnd::Invalid { .. }
            | OutcomeEnd::Refused { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::happening::{Confirmation, Git, Platforms};

    const COMMIT: &str = "1a2b3c4d5e6f7890123456789012345678901234";
    const DIGEST: &str = "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";

    fn about(text: &str) -> About {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_or_a_word_is_neither_commit_nor_image() {
        for text in ["latest", "checkout#12", "1a2b3c", "1a2b3cg", "", "a b/c", "01a214b4-80cc"] {
            assert_eq!(text.parse::<About>(), Err(NotAbout), "{text}");
        }
        assert_eq!(about("1A2B3C4"), About::Commit("1a2b3c4".to_owned()));
    }

    #[test]
    fn a_push_is_spoken_of_by_the_beginning_of_its_commit() {
        let push = Happening::Git(Git {
            repository: "github.com/shop/checkout".to_owned(),
            aliases: Vec::new(),
            change: Change::Push {
                branch: "main".to_owned(),
                before: Some("f".repeat(40)),
                after: COMMIT.to_owned(),
            },
            actor: None,
            author: None,
            message: None,
            paths: crate::happening::ChangedPaths::Unread,
        });
        for (text, expected) in [
            (COMMIT, true),
            ("1a2b3c4", true),
            ("1A2B3C4D", true),
            ("1a2b3c5", false),
            ("fffffff", false),
            ("shop/checkout", false),
        ] {
            assert_eq!(about(text).told_by(&push), expected, "{text}");
        }
        assert!(about(COMMIT).is_commit(&COMMIT[..12]), "told in short");
        assert!(!about(COMMIT).is_commit(""), "not told at all");
    }

    #[test]
    fn an_image_is_spoken_of_by_whatever_names_it() {
        let image = Happening::Image(Image {
            repository: "registry.example.com:5000/shop/web".to_owned(),
            tag: Some("v7".to_owned()),
            digest: Some(DIGEST.to_owned()),
            platforms: Platforms::Unread,
            confirmation: Confirmation::No,
        });
        let other = format!("sha256:{}", "0".repeat(64));
        for (text, expected) in [
            ("registry.example.com:5000/shop/web:v7".to_owned(), true),
            ("registry.example.com:5000/shop/web".to_owned(), true),
            ("shop/web:v7".to_owned(), true),
            ("web:v7".to_owned(), true),
            (DIGEST.to_owned(), true),
            (format!("shop/web@{DIGEST}"), true),
            (format!("shop/web:v8@{DIGEST}"), true),
            (format!("shop/web@{other}"), false),
            ("shop/web:v8".to_owned(), false),
            ("hop/web:v7".to_owned(), false),
            ("shop/api:v7".to_owned(), false),
            ("1a2b3c4".to_owned(), false),
        ] {
            assert_eq!(about(&text).told_by(&image), expected, "{text}");
        }
    }

    #[test]
    fn what_was_posted_speaks_of_what_stands_in_it() {
        let posted = serde_json::json!({"build": [{"commit": COMMIT, "image": "shop/web:v7"}]});
        for (text, expected) in
            [("1a2b3c4", true), ("shop/web:v7", true), ("web:v8", false), ("0000000", false)]
        {
            assert_eq!(about(text).stands_in(&posted), expected, "{text}");
        }
    }
}
