//! The objects as the watches saw them last.

use super::{Expectation, fields::Fields};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A snapshot. A kind that is not current has not been read whole since its watch last broke.
#[derive(Clone, Debug, Default)]
pub struct World {
    kinds: BTreeMap<(String, String), Vec<Arc<Value>>>,
    current: BTreeSet<(String, String)>,
}

impl World {
    /// Adds everything that is known of one kind.
    pub fn insert(&mut self, group: &str, kind: &str, objects: Vec<Arc<Value>>) {
        let key = (group.to_owned(), kind.to_owned());
        self.kinds.entry(key.clone()).or_default().extend(objects);
        self.current.insert(key);
    }

    /// Says that a kind is not known as it is now.
    pub fn insert_outdated(&mut self, group: &str, kind: &str) {
        self.current.remove(&(group.to_owned(), kind.to_owned()));
    }

    pub(super) fn is_current(&self, group: &str, kind: &str) -> bool {
        self.current.contains(&(group.to_owned(), kind.to_owned()))
    }

    pub(super) fn find(&self, wanted: &Expectation) -> Option<&Value> {
        self.of_kind(&wanted.group, &wanted.kind).find(|object| {
            let fields = Fields(object);
            fields.text("/metadata/name") == Some(&wanted.name)
                && fields.text("/metadata/namespace") == wanted.namespace.as_deref()
        })
    }

    pub(super) fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = &Value> {
        let objects = self.kinds.get(&(group.to_owned(), kind.to_owned()));
        objects.into_iter().flatten().map(|object| &**object)
    }

    /// The objects of a kind that a controller owns.
    pub(super) fn owned<'w>(
        &'w self,
        (group, kind): (&str, &str),
        uid: &'w str,
    ) -> impl Iterator<Item = &'w Value> {
        self.of_kind(group, kind).filter(move |object| Fields(object).controller_uid() == Some(uid))
    }

    /// What a controller said when it could not create a pod, since the apply.
    pub(super) fn failed_creation(&self, wanted: &Expectation) -> Option<&str> {
        let since_ms = wanted.applied_at_ms / 1_000 * 1_000;
        let events = self.of_kind("", "Event").map(Fields);
        let about = events.filter(|event| {
            event.text("/reason") == Some("FailedCreate")
                && event.text("/involvedObject/uid") == Some(&wanted.uid)
                && last_seen_ms(event) >= Some(since_ms)
        });
        about.max_by_key(last_seen_ms)?.text("/message")
    }
}

fn last_seen_ms(event: &Fields<'_>) -> Option<u64> {
    let places = ["/lastTimestamp", "/series/lastObservedTime", "/eventTime", "/firstTimestamp"];
    places.iter().filter_map(|place| event.instant_ms(place)).max()
}
