//! Names of refs and objects, checked before git sees them.

use std::fmt;

const MAX_NAME_BYTES: usize = 255;

/// A branch or a tag, by its full name: `refs/heads/main`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefKind {
    Branch,
    Tag,
}

/// The name of a commit or of a file's content, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{0:?} is neither refs/heads/… nor refs/tags/…")]
    Namespace(String),
    #[error("{0:?} is not a name that git gives to a branch or a tag")]
    Name(String),
    #[error("{0:?} is not an object's name: 40 or 64 hexadecimal digits")]
    Object(String),
}

impl RefName {
    /// A full name, as webhooks and servers tell it.
    pub fn parse(text: &str) -> Result<RefName, NameError> {
        let short = text.strip_prefix("refs/heads/").or_else(|| text.strip_prefix("refs/tags/"));
        match short {
            None => Err(NameError::Namespace(shortened(text))),
            Some(short) => is_name(short)
                .then(|| RefName(text.to_owned()))
                .ok_or_else(|| NameError::Name(shortened(text))),
        }
    }

    /// A branch, by the name that people use.
    pub fn branch(name: &str) -> Result<RefName, NameError> {
        RefName::parse(&format!("refs/heads/{name}"))
    }

    pub fn tag(name: &str) -> Result<RefName, NameError> {
        RefName::parse(&format!("refs/tags/{name}"))
    }

    pub fn kind(&self) -> RefKind {
        if self.0.starts_with("refs/tags/") { RefKind::Tag } else { RefKind::Branch }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that people use.
    pub fn short(&self) -> &str {
        let after = match self.kind() {
            RefKind::Branch => "refs/heads/".len(),
            RefKind::Tag => "refs/tags/".len(),
        };
        &self.0[after..]
    }
}

impl ObjectId {
    pub fn parse(text: &str) -> Result<ObjectId, NameError> {
        let is_hexadecimal = text.bytes().all(|it| it.is_ascii_hexdigit());
        match text.len() {
            40 | 64 if is_hexadecimal => Ok(ObjectId(text.to_ascii_lowercase())),
            _ => Err(NameError::Object(shortened(text))),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Providers send it where a ref was not there before, or is not any more.
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|it| it == b'0')
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The rules of `git check-ref-format`, for what comes after `refs/heads/` or `refs/tags/`, and no
/// more than 255 bytes. A first `-`, which git lets tags have, is refused too.
fn is_name(name: &str) -> bool {
    let forbidden = |it: char| it.is_ascii_control() || " ~^:?*[\\".contains(it);
    let part = |it: &str| !it.is_empty() && !it.starts_with(['.', '-']) && !it.ends_with(".lock");
    name.len() <= MAX_NAME_BYTES
        && !name.contains(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && !name.ends_with('.')
        && name.split('/').all(part)
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
