//! Name to implementation, for everything of which there are several kinds.

use crate::{
    receiver::{AnyReceiver, Receiver},
    stage::{AnyStage, Stage},
    trigger::{AnyTrigger, Trigger},
};
use std::collections::BTreeMap;

/// What the language of pipelines knows: the types of stages and those of triggers.
#[derive(Default)]
pub struct Registries {
    pub stages: Registry<dyn AnyStage>,
    pub triggers: Registry<dyn AnyTrigger>,
}

pub struct Registry<T: ?Sized> {
    entries: BTreeMap<&'static str, Box<T>>,
}

impl<T: ?Sized> Default for Registry<T> {
    fn default() -> Registry<T> {
        Registry { entries: BTreeMap::new() }
    }
}

impl<T: ?Sized> Registry<T> {
    /// Adds an implementation.
    ///
    /// # Panics
    ///
    /// If the name is taken: two files claim one type, which no user can repair.
    #[must_use]
    pub fn insert(mut self, name: &'static str, value: Box<T>) -> Registry<T> {
        let taken = self.entries.insert(name, value).is_some();
        assert!(!taken, "type `{name}` is registered twice");
        self
    }

    pub fn get(&self, name: &str) -> Option<&T> {
        self.entries.get(name).map(|entry| &**entry)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.keys().copied()
    }
}

impl Registry<dyn AnyStage> {
    #[must_use]
    pub fn with<S: Stage>(self, stage: S) -> Registry<dyn AnyStage> {
        self.insert(S::TYPE, Box::new(stage))
    }
}

impl Registry<dyn AnyTrigger> {
    #[must_use]
    pub fn with<T: Trigger>(self, trigger: T) -> Registry<dyn AnyTrigger> {
        self.insert(T::TYPE, Box::new(trigger))
    }
}

impl Registry<dyn AnyReceiver> {
    #[must_use]
    pub fn with<R: Receiver>(self, receiver: R) -> Registry<dyn AnyReceiver> {
        self.insert(R::PROVIDER, Box::new(receiver))
    }
}
