//! What it means that a ref has moved.

use super::{
    address::Place,
    text::{ObjectId, quoted},
    unreadable,
};
use artifacts::git::{NameError, RefKind, RefName};
use engine_core::{
    happening::{Change, ChangedPaths, Git, Happening},
    receiver::{Heard, Unreadable},
};

/// A ref by its whole name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ref {
    Branch(String),
    Tag(String),
    /// Notes, requests, and what hosts keep for themselves.
    Other(String),
}

/// From what to what it moved.
pub(super) struct Move {
    pub(super) before: Option<ObjectId>,
    pub(super) after: ObjectId,
    /// The commit that a tag comes to, where that is told.
    pub(super) peeled: Option<ObjectId>,
}

/// What is told beside a change, for people.
#[derive(Default)]
pub(super) struct About {
    pub(super) actor: Option<String>,
    pub(super) author: Option<String>,
    pub(super) message: Option<String>,
}

impl Ref {
    /// `refs/heads/main`.
    pub(super) fn parse(whole: &str) -> Result<Ref, Unreadable> {
        match RefName::parse(whole) {
            Ok(name) => Ok(match name.kind() {
                RefKind::Branch => Ref::Branch(name.short().to_owned()),
                RefKind::Tag => Ref::Tag(name.short().to_owned()),
            }),
            Err(NameError::Namespace(_)) if whole.starts_with("refs/") => {
                Ok(Ref::Other(quoted(whole)))
            }
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// By its short name, and the word of a host for what it is.
    pub(super) fn of_kind(kind: &str, short: &str) -> Result<Ref, Unreadable> {
        match kind.to_ascii_lowercase().as_str() {
            "branch" | "named_branch" => Ref::parse(&format!("refs/heads/{}", short_of(short))),
            "tag" => Ref::parse(&format!("refs/tags/{}", short_of(short))),
            other => Ok(Ref::Other(quoted(other))),
        }
    }

    pub(super) fn deleted(self) -> Result<Change, String> {
        match self {
            Ref::Branch(branch) => Ok(Change::BranchDeleted { branch }),
            Ref::Tag(tag) => Ok(Change::TagDeleted { tag }),
            Ref::Other(other) => Err(format!("a change of {other} starts nothing")),
        }
    }

    /// A change, or a note.
    pub(super) fn moved(self, from: Move) -> Result<Change, String> {
        let before = from.before.and_then(|ObjectId(id)| id);
        let peeled = from.peeled.and_then(|ObjectId(id)| id);
        match (self, from.after) {
            (gone, ObjectId(None)) => gone.deleted(),
            (Ref::Branch(branch), ObjectId(Some(after))) => {
                Ok(Change::Push { branch, before, after })
            }
            (Ref::Tag(tag), ObjectId(Some(_))) => Ok(Change::Tag { tag, commit: peeled }),
            (Ref::Other(other), ObjectId(Some(_))) => {
                Err(format!("a push to {other} starts nothing"))
            }
        }
    }
}

fn short_of(name: &str) -> &str {
    let tag = name.strip_prefix("refs/tags/");
    name.strip_prefix("refs/heads/").or(tag).unwrap_or(name)
}

/// What was heard of one change.
pub(super) fn heard(place: Place, change: Result<Change, String>, about: About) -> Heard {
    let mut heard = Heard::default();
    match change {
        Ok(change) => heard.happenings.push(happening(place, change, about)),
        Err(words) => heard.notes.push(words),
    }
    heard
}

pub(super) fn happening(place: Place, change: Change, about: About) -> Happening {
    let Place { repository, aliases } = place;
    let About { actor, author, message } = about;
    let paths = ChangedPaths::Unread;
    Happening::Git(Git { repository, aliases, change, actor, author, message, paths })
}
