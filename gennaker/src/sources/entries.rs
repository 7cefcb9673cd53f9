//! From the pipeline files of a source to what is put on the shelf.

use super::Ground;
use engine_core::{
    Pipeline,
    catalogue::{Activity, Entry, Outline, Standing, TriggerOutline},
    diagnostic::SourceFile,
    plan::ROLLBACK_PIPELINE,
    platform::Source,
};
use serde_json::json;
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

impl Found {
    /// Whether it is broken by itself, wherever it lies.
    pub(super) fn is_broken(&self) -> bool {
        match self {
            Found::Whole(outline) => !outline.faults.is_empty(),
            Found::Unreadable(_) => true,
        }
    }
}

/// A file before it was broken.
pub(super) enum Last {
    Was(Arc<Outline>),
    /// It was never whole on the default branch, which is called so.
    Never {
        default_branch: Option<String>,
    },
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

    /// The entry of a file that a push has broken. Whose application it was or says to be must be the
    /// source's own: else it is a file like any other that may not be here.
    pub(super) fn broken(&self, path: &str, found: Found, last: &Last) -> Entry {
        let entry = self.entry(path, found, None);
        let Standing::Refused { faults } = &entry.standing else { return entry };
        match told(&entry.outline, last).filter(|it| self.not_ours(it).is_none()) {
            Some(outline) => {
                let what = (Arc::new(outline), Standing::Broken { faults: faults.clone() });
                Entry::new((self.name, path), what, &self.ground.registries, self.repository)
            }
            None => entry,
        }
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

/// What can be told of a broken file: what could be read of it, and what it was before. None, if that is
/// not even which pipeline it is.
fn told(found: &Outline, last: &Last) -> Option<Outline> {
    let before = match last {
        Last::Was(outline) => Some(&**outline),
        Last::Never { .. } => None,
    };
    let is_free = |name: &&String| *name != ROLLBACK_PIPELINE;
    let written = found.name.as_ref().filter(is_free);
    let name = written.or(before.and_then(|it| it.name.as_ref()))?.clone();
    let was = before.filter(|it| it.name.as_ref() == Some(&name));
    let application = found.application.clone().or(was.and_then(|it| it.application.clone()));
    let mut triggers = found.triggers.clone();
    match last {
        Last::Was(outline) => {
            let is_told =
                |it: &&Arc<TriggerOutline>| !found.triggers.iter().any(|own| is_same(own, it));
            triggers.extend(outline.triggers.iter().filter(is_told).cloned());
        }
        Last::Never { default_branch: Some(branch) } if triggers.is_empty() => {
            triggers.push(Arc::new(pushes_to(branch)));
        }
        Last::Never { .. } => {}
    }
    Some(Outline { name: Some(name), application, triggers, ..found.clone() })
}

/// Wherever in the file it stands.
fn is_same(one: &TriggerOutline, other: &TriggerOutline) -> bool {
    TriggerOutline { number: other.number, ..one.clone() } == *other
}

/// Where nothing is known of triggers: whoever writes a first version there wants to hear of it.
fn pushes_to(branch: &str) -> TriggerOutline {
    TriggerOutline {
        trigger_type: "git".to_owned(),
        number: 0,
        activity: Activity::Enabled,
        config: json!({ "branches": [branch] }),
        when: None,
        parameters: Default::default(),
    }
}
