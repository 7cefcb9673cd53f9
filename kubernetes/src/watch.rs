//! Shared caches of objects, one a kind and namespace, and the word that something changed in them.

mod cache;

use crate::{
    logs::{self, Cursor, Excerpt, Follower, Printing, Taken},
    readiness::{Expectation, Scope, World, scopes},
};
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
pub(crate) struct Shared {
    caches: Mutex<BTreeMap<Scope, Arc<Cache>>>,
    groups: Mutex<BTreeMap<String, Vec<Arc<Cache>>>>,
    logs: Mutex<BTreeMap<String, Arc<Follower>>>,
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
    /// Why the cluster cannot be reached, if something of it could not be read for that.
    pub away: Option<String>,
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
        let away = caches.iter().find_map(|cache| cache.away());
        self.shared.groups().insert(key.clone(), caches);
        Look { world, key, position, away }
    }

    /// Answers once something changed after `position` in what `key` names; at once if the key
    /// names nothing here.
    pub fn changed(&self, key: &str, position: u64) -> impl Future<Output = ()> + Send + 'static {
        let caches = self.shared.groups().get(key).cloned().unwrap_or_default();
        let log = self.shared.logs().get(key).cloned();
        async move {
            if let Some(log) = log {
                return log.changed(position).await;
            }
            if caches.is_empty() {
                return;
            }
            select_all(caches.iter().map(|cache| cache.changed(position).boxed())).await;
        }
    }

    /// What a container has printed behind `from`. Never waits: what comes later is a change of the
    /// excerpt's key. Lines are handed out until they are asked for from behind them.
    pub fn log(&self, source: &logs::Source, from: &Cursor, printing: Printing) -> Excerpt {
        let key = source.key();
        let position = self.shared.position.load(Ordering::Acquire);
        let mut followers = self.shared.logs();
        if let Some(follower) = followers.get(&key)
            && let Taken::Lines { lines, cursor, end } = follower.take(from, printing)
        {
            return Excerpt { lines, cursor, end, key, position };
        }
        let follower = Follower::start(&self.client, (source, *from), &self.shared);
        // It has read nothing yet, and is told whether there is more to come.
        drop(follower.take(from, printing));
        followers.insert(key.clone(), follower);
        Excerpt { lines: Vec::new(), cursor: *from, end: logs::End::Open, key, position }
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

    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Follower>>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a log that nobody asks for any more.
    pub(crate) fn forget_log(&self, source: &logs::Source, gone: &Arc<Follower>) {
        let mut logs = self.logs();
        if logs.get(&source.key()).is_some_and(|follower| Arc::ptr_eq(follower, gone)) {
            logs.remove(&source.key());
        }
    }

    /// The position of a change that was just made.
    pub(crate) fn advance(&self) -> u64 {
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
