//! The pipelines that are known, and which of their triggers a happening may mean something to.

mod asking;
mod outline;

pub use asking::{Answer, Firing};
pub use outline::{Activity, Outline, TriggerOutline};

use crate::{
    Registries,
    happening::Happening,
    trigger::{AnyMatcher, Home, IndexKey},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// One pipeline file, as it lies in its source.
#[derive(Clone)]
pub struct Entry {
    /// The name of the source.
    pub source: Arc<str>,
    pub path: String,
    pub outline: Arc<Outline>,
    pub standing: Standing,
    pub triggers: Vec<Arc<Listening>>,
}

/// Whether a file may start runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    /// It is broken, and an earlier version of it is in force.
    Superseded {
        faults: Vec<String>,
    },
    /// It is broken, or may not be here; the fragments say why.
    Refused {
        faults: Vec<String>,
    },
}

/// A trigger that is ready to be asked.
pub struct Listening {
    pub home: Home,
    pub outline: TriggerOutline,
    pub matcher: Box<dyn AnyMatcher>,
}

impl Entry {
    /// The entry of a file that lies in `repository`, if its source is one.
    pub fn new(
        (source, path): (&Arc<str>, &str),
        (outline, standing): (Arc<Outline>, Standing),
        registries: &Registries,
        repository: Option<&str>,
    ) -> Entry {
        let triggers = outline.listening(registries, repository);
        let (source, path) = (source.clone(), path.to_owned());
        Entry { source, path, outline, standing, triggers }
    }

    pub fn application(&self) -> &str {
        self.outline.application()
    }

    pub fn pipeline(&self) -> &str {
        self.outline.name.as_deref().unwrap_or_default()
    }
}

/// Which trigger of which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    entry: usize,
    trigger: usize,
}

/// Every entry of every source, and an index over their triggers. What a happening costs hangs on
/// how many triggers look at what it is about, and not on how many there are.
#[derive(Clone, Default)]
pub struct Catalogue {
    sources: BTreeMap<Arc<str>, Arc<Vec<Entry>>>,
    index: HashMap<IndexKey, BTreeMap<Arc<str>, Vec<Place>>>,
}

impl Catalogue {
    /// Puts these entries in the place of all that `source` had.
    pub fn put(&mut self, source: &Arc<str>, entries: Vec<Entry>) {
        self.remove(source);
        for (at, entry) in entries.iter().enumerate() {
            // What may start nothing is asked nothing; only its own push is told of it.
            if let Standing::Refused { .. } = entry.standing {
                continue;
            }
            for (trigger, listening) in entry.triggers.iter().enumerate() {
                for key in listening.matcher.keys() {
                    let places = self.index.entry(key).or_default();
                    let place = Place { entry: at, trigger };
                    places.entry(source.clone()).or_default().push(place);
                }
            }
        }
        self.sources.insert(source.clone(), Arc::new(entries));
    }

    pub fn remove(&mut self, source: &str) {
        let Some(entries) = self.sources.remove(source) else { return };
        let triggers = entries.iter().flat_map(|entry| &entry.triggers);
        for key in triggers.flat_map(|listening| listening.matcher.keys()) {
            let Some(places) = self.index.get_mut(&key) else { continue };
            places.remove(source);
            if places.is_empty() {
                self.index.remove(&key);
            }
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sources.values().flat_map(|entries| entries.iter())
    }

    /// Whether the files of a source have been read.
    pub fn has(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    pub fn of_source(&self, source: &str) -> &[Entry] {
        self.sources.get(source).map(|entries| entries.as_slice()).unwrap_or_default()
    }

    /// The pipelines of this name that may start runs.
    pub fn find<'a>(
        &'a self,
        application: &'a str,
        pipeline: &'a str,
    ) -> impl Iterator<Item = &'a Entry> {
        self.entries()
            .filter(move |it| it.application() == application && it.pipeline() == pipeline)
    }

    /// The triggers that look at what has happened.
    pub fn asked(&self, happening: &Happening) -> Vec<(&Entry, &Arc<Listening>)> {
        let mut found = Vec::new();
        for key in IndexKey::all_of(happening) {
            for (source, places) in self.index.get(&key).into_iter().flatten() {
                let Some(entries) = self.sources.get(source) else { continue };
                found.extend(places.iter().filter_map(|place| {
                    let entry = entries.get(place.entry)?;
                    Some((entry, entry.triggers.get(place.trigger)?))
                }));
            }
        }
        found
    }

    /// What is looked at by some trigger that is enabled.
    pub fn keys(&self) -> impl Iterator<Item = &IndexKey> {
        self.index.keys()
    }

    /// The triggers that look at one key.
    pub fn listening<'a>(
        &'a self,
        key: &IndexKey,
    ) -> impl Iterator<Item = (&'a Entry, &'a Arc<Listening>)> {
        let places = self.index.get(key).into_iter().flatten();
        places.flat_map(|(source, places)| {
            let entries = self.sources.get(source);
            places.iter().filter_map(move |place| {
                let entry = entries?.get(place.entry)?;
                Some((entry, entry.triggers.get(place.trigger)?))
            })
        })
    }
}

#[cfg(test)]
mod tests;
