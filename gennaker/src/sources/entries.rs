//! From the pipeline files of a source to what is put on the shelf.

use super::Ground;
use engine_core::{
    Pipeline,
    catalogue::{Entry, Outline, Standing},
    diagnostic::SourceFile,
    platform::Source,
};
use std::sync::Arc;

/// A source while its files are read.
pub(super) struct Shelving<'a> {
    pub(super) ground: &'a Ground,
    pub(super) source: &'a Source,
    pub(super) said: Said,
    pub(super) name: &'a Arc<str>,
    /// How happenings name it, if it is a repository.
    pub(super) repository: Option<&'a str>,
}

/// Whether the platform's file says what belongs to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    There,
    /// There is none, or it has no sources: nothing is anybody's.
    Nowhere,
}

/// A file as it lies there.
pub(super) enum Found {
    Whole(Arc<Outline>),
    /// It cannot be read; the fragment says why.
    Unreadable(String),
}

impl Shelving<'_> {
    /// What there is to know of a file. Takes milliseconds, and a large stack of its own.
    pub(super) fn outline(&self, path: &str, content: &[u8]) -> Outline {
        let file = SourceFile::new(path.to_owned(), content);
        Outline::of(&file, &Pipeline::read(&file, &self.ground.registries))
    }

    /// The entry of a file, for which `good` is in force while it is broken.
    pub(super) fn entry(&self, path: &str, found: Found, good: Option<Arc<Outline>>) -> Entry {
        let (outline, faults) = match found {
            Found::Whole(outline) => {
                let faults = self.faults(&outline);
                (outline, faults)
            }
            Found::Unreadable(reason) => (Arc::default(), vec![reason]),
        };
        let (outline, standing) = match (faults.is_empty(), good) {
            (true, _) => (outline, Standing::Good),
            // What may not be here any more is not kept in force by what once was.
            (false, Some(good)) if self.not_ours(&good).is_none() => {
                (good, Standing::Superseded { faults })
            }
            (false, _) => (outline, Standing::Refused { faults }),
        };
        let (registries, repository) = (&self.ground.registries, self.repository);
        Entry::new((self.name, path), (outline, standing), registries, repository)
    }

    fn faults(&self, outline: &Outline) -> Vec<String> {
        outline.faults.iter().cloned().chain(self.not_ours(outline)).collect()
    }

    /// E019: whose application it is says the platform's file, and no other.
    pub(super) fn not_ours(&self, outline: &Outline) -> Option<String> {
        match self.said {
            Said::There => {}
            Said::Nowhere => return None,
        }
        // A file whose name could not be read is nobody's, which is told already.
        let application = Some(outline.application()).filter(|name| !name.is_empty())?;
        let listed = self.ground.listed();
        let owners: Vec<&str> =
            listed.iter().filter(|it| it.owns(application)).map(Source::name).collect();
        match owners.as_slice() {
            [one] if *one == self.source.name() => None,
            [one] => Some(format!(
                "E019 application `{application}` belongs to {one}, not to {}",
                self.source.name()
            )),
            [] => Some(format!(
                "E019 application `{application}` belongs to no source: whoever keeps gennaker.yaml \
                 adds it to the `applications` of one"
            )),
            several => Some(format!(
                "E019 application `{application}` is claimed by several sources: {}",
                several.join(", ")
            )),
        }
    }
}
