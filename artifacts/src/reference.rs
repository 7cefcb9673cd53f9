//! Image references, by the grammar of the distribution project
//! (<https://github.com/distribution/reference>): `registry/repository:tag@digest`.

mod grammar;

pub(crate) use grammar::{digest, tag};

use std::fmt;

/// Which image, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    pub repository: Repository,
    pub tag: Option<String>,
    /// With its algorithm: `sha256:…`.
    pub digest: Option<String>,
}

/// Where an image comes from. Shown as it was written; compared by [`Repository::normal`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    pub registry: Option<String>,
    pub path: String,
}

/// Why a text is not an image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("it is empty")]
    Empty,
    #[error("repository names have at most 255 characters")]
    TooLong,
    #[error("repository names are lower case; write `{0}`")]
    UpperCase(String),
    #[error(
        "`{0}` is not a repository name: parts of a-z, 0-9, joined by `.`, `_`, `__`, `-` or `/`"
    )]
    Repository(String),
    #[error("`{0}` is not a registry: a host name, and perhaps a port")]
    Registry(String),
    #[error(
        "`{0}` is not a tag: up to 128 letters, digits, `_`, `.`, `-`, beginning with none of the last two"
    )]
    Tag(String),
    #[error("`{0}` is not a digest: an algorithm, a colon, and hexadecimal digits (64 for sha256)")]
    Digest(String),
}

impl Reference {
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(grammar::digest(digest)?)),
            None => (text, None),
        };
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[name_start..].find(':') {
            Some(colon) => {
                let colon = name_start + colon;
                (&rest[..colon], Some(tag(&rest[colon + 1..])?))
            }
            None => (rest, None),
        };
        let repository = Repository::parse(name)?;
        Ok(Reference { repository, tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }
}

impl Repository {
    /// A name without tag and digest.
    pub fn parse(text: &str) -> Result<Repository, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (registry, path) = match text.split_once('/') {
            Some((first, rest)) if grammar::is_registry(first) => {
                (Some(grammar::registry(first)?.to_owned()), rest)
            }
            Some(_) | None => (None, text),
        };
        let path = grammar::path(path)?.to_owned();
        if text.len() > grammar::MAX_NAME {
            return Err(ReferenceError::TooLong);
        }
        Ok(Repository { registry, path })
    }

    /// The same repository with nothing left out: `nginx` is `docker.io/library/nginx`.
    pub fn normal(&self) -> Repository {
        let registry = match self.registry.as_deref() {
            None | Some("index.docker.io") => "docker.io",
            Some(registry) => registry,
        };
        let official = registry == "docker.io" && !self.path.contains('/');
        let path = if official { format!("library/{}", self.path) } else { self.path.clone() };
        Repository { registry: Some(registry.to_owned()), path }
    }

    /// The last part of the path: `checkout` of `registry.example.com/shop/checkout`.
    pub fn last_part(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Some(registry) => write!(formatter, "{registry}/{}", self.path),
            None => formatter.write_str(&self.path),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(formatter)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
