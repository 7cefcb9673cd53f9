//! The pipelines that are known, and which of their triggers a happening may mean something to.

mod asking;
mod holding;
mod outline;

pub use asking::{Answer, Firing};
pub use holding::{Holding, Place, Sorted};
pub use outline::{Activity, Outline, TriggerOutline};

use crate::{
    Registries,
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
    /// It is broken at the commit that is looked at, and what was pushed there was it: what its triggers
    /// would have started is a run that is invalid. Never in force.
    Broken {
        faults: Vec<String>,
    },
}

/// A trigger that is ready to be asked.
pub struct Listening {
    pub home: Home,
    pub outline: Arc<TriggerOutline>,
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

/// What every source holds, and by what its triggers are found. What a happening costs does not hang
/// on how many triggers there are.
#[derive(Clone, Default)]
pub struct Catalogue {
    sources: BTreeMap<Arc<str>, Arc<Holding>>,
    /// The sources in which some trigger looks at a key.
    index: HashMap<Arc<IndexKey>, Vec<Arc<str>>>,
}

impl Catalogue {
    /// Puts these entries in the place of all that `source` had.
    pub fn put(&mut self, source: &Arc<str>, entries: Vec<Entry>) {
        self.hold(source, Arc::new(Holding::in_force(entries)));
    }

    /// The same for what was indexed before anybody had to wait.
    pub fn hold(&mut self, source: &Arc<str>, holding: Arc<Holding>) {
        self.remove(source);
        for key in holding.keys() {
            self.index.entry(key.clone()).or_default().push(source.clone());
        }
        self.sources.insert(source.clone(), holding);
    }

    pub fn remove(&mut self, source: &str) {
        let Some(holding) = self.sources.remove(source) else { return };
        for key in holding.keys() {
            let Some(sources) = self.index.get_mut(key) else { continue };
            sources.retain(|it| &**it != source);
            if sources.is_empty() {
                self.index.remove(key);
            }
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.sources.values().flat_map(|holding| holding.entries())
    }

    /// Whether the files of a source have been read.
    pub fn has(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    pub fn of_source(&self, source: &str) -> &[Entry] {
        self.sources.get(source).map(|holding| holding.entries()).unwrap_or_default()
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

    /// The sources in which some trigger looks at one of these keys, in the order of their names.
    pub fn looking(&self, keys: &[IndexKey]) -> BTreeMap<Arc<str>, Arc<Holding>> {
        let named = keys.iter().filter_map(|key| self.index.get(key)).flatten();
        let held = |name: &Arc<str>| Some((name.clone(), self.sources.get(name)?.clone()));
        named.filter_map(held).collect()
    }

    /// What is looked at by some trigger that is enabled.
    pub fn keys(&self) -> impl Iterator<Item = &IndexKey> {
        self.index.keys().map(|key| &**key)
    }

    /// The triggers that look at one key.
    pub fn listening<'a>(
        &'a self,
        key: &'a IndexKey,
    ) -> impl Iterator<Item = (&'a Entry, &'a Arc<Listening>)> {
        let sources = self.index.get(key).into_iter().flatten();
        let held = sources.filter_map(|name| self.sources.get(name));
        held.flat_map(move |holding| holding.listening(key))
    }
}

#[cfg(test)]
mod tests;
