//! Paths inside a repository: what a caller may ask for, and what a tree may have.

use glob::{MatchOptions, Pattern};

const MAX_PATTERN_BYTES: usize = 512;

/// How deep a file may lie, and how long its path may be.
pub(super) const MAX_DEPTH: usize = 32;
pub(super) const MAX_PATH_BYTES: usize = 1_024;

/// A file, a folder (then all that is below it) or a glob, relative to the repository's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    /// What git is asked for: the parts before the first one with a wildcard. Empty for all.
    prefix: String,
    glob: Option<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("{0:?} leads out of the repository: paths are relative to its root, without `..`")]
    Outside(String),
    #[error("{0:?} is not a path of a repository: {1}")]
    Malformed(String, &'static str),
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl PathPattern {
    pub fn parse(text: &str) -> Result<PathPattern, PathError> {
        let malformed = |why| PathError::Malformed(text.chars().take(100).collect(), why);
        if text.len() > MAX_PATTERN_BYTES {
            return Err(malformed("it is longer than 512 bytes"));
        }
        if text.contains(|it: char| it.is_control() || it == '\\') {
            return Err(malformed("it has a control character or a `\\`"));
        }
        if text.starts_with('/') || text.split('/').any(|part| part == "..") {
            return Err(PathError::Outside(text.chars().take(100).collect()));
        }
        let parts: Vec<&str> = text.split('/').filter(|it| !matches!(*it, "" | ".")).collect();
        let is_wild = |part: &&str| part.contains(['*', '?', '[']);
        let literal = parts.iter().position(is_wild).unwrap_or(parts.len());
        let glob = (literal < parts.len()).then(|| Pattern::new(&parts.join("/"))).transpose();
        let glob = glob.map_err(|_| malformed("its wildcards cannot be read"))?;
        Ok(PathPattern { prefix: parts[..literal].join("/"), glob })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether this asks for the file at `path`.
    pub fn matches(&self, path: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.matches_with(path, OPTIONS),
            None if self.prefix.is_empty() => true,
            None => path
                .strip_prefix(&self.prefix)
                .is_some_and(|it| it.is_empty() || it.starts_with('/')),
        }
    }
}
