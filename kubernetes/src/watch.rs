//! Shared caches of objects, one a kind and namespace, and the word that something changed in them.

mod cache;

use crate::readiness::{Expectation, Scope, World, scopes};
use cache::Cache;
use futures::{FutureExt, future::select_all};
use kube::Client;
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The watches of one cluster. Clones share them; each starts when it is first asked for, and ends
/// when nobody has asked for some minutes.
#[derive(Clone)]
pub struct Watches {
    client: Client,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    caches: Mutex<BTreeMap<Scope, Arc<Cache>>>,
    groups: Mutex<BTreeMap<String, Vec<Arc<Cache>>>>,
    /// Counts every change in every cache.
    position: AtomicU64,
}

/// What the watches know, and where they were when they knew it.
#[derive(Clone, Debug)]
pub struct Look {
    pub world: World,
    /// Names the caches that were looked at.
    pub key: String,
    pub position: u64,
}

impl Watches {
    pub fn new(client: Client) -> Watches {
        Watches { client, shared: Arc::default() }
    }

    /// What is known of a set and of everything its readiness depends on. Never waits: what has
    /// not been read yet is marked so in the world, and reading it is a change.
    pub fn look(&self, expectations: &[Expectation]) -> Look {
        let scopes = scopes(expectations);
        let key = scopes.iter().map(name).collect::<Vec<_>>().join(",");
        let caches: Vec<_> = scopes.iter().map(|scope| self.cache(scope)).collect();
        let position = self.shared.position.load(Ordering::Acquire);
        let mut world = World::default();
        for (scope, cache) in scopes.iter().zip(&caches) {
            world.insert(&scope.group, &scope.kind, cache.objects());
        }
        for (scope, cache) in scopes.iter().zip(&caches) {
            if !cache.is_current() {
                world.insert_outdated(&scope.group, &scope.kind);
            }
        }
        self.shared.groups().insert(key.clone(), caches);
        Look { world, key, position }
    }

    /// Answers once something changed after `position` in what `key` names; at once if the key
    /// names nothing here.
    pub fn changed(&self, key: &str, position: u64) -> impl Future<Output = ()> + Send + 'static {
        let caches = self.shared.groups().get(key).cloned().unwrap_or_default();
        async move {
            if caches.is_empty() {
                return;
            }
            select_all(caches.iter().map(|cache| cache.changed(position).boxed())).await;
        }
    }

    fn cache(&self, scope: &Scope) -> Arc<Cache> {
        let mut caches = self.shared.caches();
        if let Some(cache) = caches.get(scope).filter(|cache| cache.is_alive()) {
            cache.touch();
            return cache.clone();
        }
        let cache = Cache::start(&self.client, scope, self.shared.clone());
        caches.insert(scope.clone(), cache.clone());
        cache
    }
}

impl Shared {
    fn caches(&self) -> MutexGuard<'_, BTreeMap<Scope, Arc<Cache>>> {
        self.caches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Arc<Cache>>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position of a change that was just made.
    fn advance(&self) -> u64 {
        self.position.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Forgets a cache that nobody asks for any more.
    fn forget(&self, scope: &Scope, gone: &Arc<Cache>) {
        let mut caches = self.caches();
        if caches.get(scope).is_some_and(|cache| Arc::ptr_eq(cache, gone)) {
            caches.remove(scope);
        }
        drop(caches);
        self.groups().retain(|_, group| !group.iter().any(|cache| Arc::ptr_eq(cache, gone)));
    }
}

fn name(scope: &Scope) -> String {
    let Scope { group, kind, namespace, .. } = scope;
    format!("{group}/{kind}@{}", namespace.as_deref().unwrap_or("*"))
}
