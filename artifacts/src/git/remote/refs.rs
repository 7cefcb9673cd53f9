//! Refs and what they point to, and how they change.

use crate::git::name::{ObjectId, RefName};
use std::{borrow::Cow, collections::BTreeMap};

/// Of names that cannot be used, so many are kept to be shown.
const MAX_UNUSABLE: usize = 20;

/// What a ref points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its value: a commit, or the object of an annotated tag.
    pub object: ObjectId,
    /// What it leads to in the end.
    pub commit: ObjectId,
}

/// Branches and tags, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    targets: BTreeMap<RefName, Target>,
    /// Names that are refused (`refs/heads/-x`), some of them.
    pub unusable: Vec<String>,
}

/// What became of a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefChange {
    Created {
        name: RefName,
        at: ObjectId,
    },
    /// What it was is part of what it is.
    Advanced {
        name: RefName,
        from: ObjectId,
        to: ObjectId,
    },
    /// What it was is not part of what it is: pushed with force, or a tag that was moved.
    Forced {
        name: RefName,
        from: ObjectId,
        to: ObjectId,
    },
    Deleted {
        name: RefName,
        was: ObjectId,
    },
}

impl RefChange {
    pub fn name(&self) -> &RefName {
        match self {
            RefChange::Created { name, .. }
            | RefChange::Advanced { name, .. }
            | RefChange::Forced { name, .. }
            | RefChange::Deleted { name, .. } => name,
        }
    }
}

impl Refs {
    /// Of lines `object name`; a name with `^{}` says what the ref before it leads to.
    pub(super) fn of_lines<'a>(lines: impl Iterator<Item = Cow<'a, str>>) -> Refs {
        let mut refs = Refs::default();
        for line in lines {
            let Some((id, name)) = line.split_once(['\t', ' ']) else { continue };
            let (bare, peeled) = match name.strip_suffix("^{}") {
                Some(bare) => (bare, true),
                None => (name, false),
            };
            match (ObjectId::parse(id), RefName::parse(bare)) {
                (Ok(commit), Ok(name)) if peeled => {
                    refs.targets.entry(name).and_modify(|it| it.commit = commit);
                }
                (Ok(id), Ok(name)) => {
                    refs.targets.insert(name, Target { object: id.clone(), commit: id });
                }
                (Err(_), _) | (_, Err(_)) if refs.unusable.len() < MAX_UNUSABLE => {
                    refs.unusable.push(bare.chars().take(100).collect());
                }
                (Err(_), _) | (_, Err(_)) => {}
            }
        }
        refs
    }

    pub fn get(&self, name: &RefName) -> Option<&Target> {
        self.targets.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&RefName, &Target)> {
        self.targets.iter()
    }

    pub fn names(&self) -> impl Iterator<Item = &RefName> {
        self.targets.keys()
    }

    pub fn len(&self) -> usize {
        self.targets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The value of each: what to remember, to tell changes later.
    pub fn objects(&self) -> BTreeMap<RefName, ObjectId> {
        self.iter().map(|(name, target)| (name.clone(), target.object.clone())).collect()
    }

    pub fn matching(mut self, is_wanted: impl Fn(&RefName) -> bool) -> Refs {
        self.targets.retain(|name, _| is_wanted(name));
        self
    }
}
