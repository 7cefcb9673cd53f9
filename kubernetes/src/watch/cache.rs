//! One kind in one namespace, kept current by one watch.

use super::Shared;
use crate::{
    error::{ClusterError, Intent, sorted},
    readiness::Scope,
};
use futures::StreamExt;
use kube::{
    Client,
    api::{Api, ApiResource, DynamicObject, GroupVersionKind},
    runtime::watcher::{self, Event, watcher},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// A cache that nobody asked for in this time ends.
const IDLE: Duration = Duration::from_secs(5 * 60);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

pub(super) struct Cache {
    content: Mutex<Content>,
    /// The position of the last change.
    changes: watch::Sender<u64>,
}

struct Content {
    objects: Objects,
    /// What a list in progress has brought so far.
    listed: Objects,
    is_current: bool,
    /// Why the cluster was not reached, if the last try to read it ended so.
    away: Option<String>,
    is_alive: bool,
    asked_at: Instant,
}

type Objects = BTreeMap<String, Arc<Value>>;

impl Cache {
    pub(super) fn start(client: &Client, scope: &Scope, shared: Arc<Shared>) -> Arc<Cache> {
        let content = Content {
            objects: Objects::new(),
            listed: Objects::new(),
            is_current: false,
            away: None,
            is_alive: true,
            asked_at: Instant::now(),
        };
        let cache = Cache { content: Mutex::new(content), changes: watch::Sender::new(0) };
        let cache = Arc::new(cache);
        let keeper = Keeper {
            api: api(client, scope),
            scope: scope.clone(),
            cache: cache.clone(),
            shared: Arc::downgrade(&shared),
        };
        tokio::spawn(keeper.keep());
        cache
    }

    pub(super) fn objects(&self) -> Vec<Arc<Value>> {
        self.content().objects.values().cloned().collect()
    }

    /// Whether everything there is has been read, and the watch has not broken since.
    pub(super) fn is_current(&self) -> bool {
        self.content().is_current
    }

    /// Why the cluster cannot be reached, if that is in the way of reading.
    pub(super) fn away(&self) -> Option<String> {
        self.content().away.clone()
    }

    pub(super) fn is_alive(&self) -> bool {
        self.content().is_alive
    }

    pub(super) fn touch(&self) {
        self.content().asked_at = Instant::now();
    }

    pub(super) fn changed(&self, position: u64) -> impl Future<Output = ()> + Send + 'static {
        let mut changes = self.changes.subscribe();
        async move {
            // The sender is gone only with the cache: then there is something new to ask for.
            drop(changes.wait_for(|newest| *newest > position).await);
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, event: Event<DynamicObject>) {
        let mut content = self.content();
        match event {
            Event::Init => content.listed.clear(),
            Event::InitApply(object) => {
                content.listed.extend(entry(object));
            }
            Event::InitDone => {
                content.objects = std::mem::take(&mut content.listed);
                (content.is_current, content.away) = (true, None);
            }
            Event::Apply(object) => {
                content.objects.extend(entry(object));
            }
            Event::Delete(object) => {
                content.objects.remove(&object.metadata.name.unwrap_or_default());
            }
        }
    }
}

/// Feeds a cache until nobody asks for it.
struct Keeper {
    api: Api<DynamicObject>,
    scope: Scope,
    cache: Arc<Cache>,
    shared: Weak<Shared>,
}

impl Keeper {
    async fn keep(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::select! {
                biased;
                () = self.idle() => break,
                () = self.watch(&mut pause) => {}
            }
            self.cache.content().is_current = false;
            self.tell();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.cache.content().is_alive = false;
        if let Some(shared) = self.shared.upgrade() {
            shared.forget(&self.scope, &self.cache);
        }
        self.tell();
    }

    /// Follows one watch until it breaks. A broken one is begun anew with a list, so that what it
    /// missed cannot stay unseen.
    async fn watch(&self, pause: &mut Duration) {
        let mut events = pin!(watcher(self.api.clone(), watcher::Config::default()));
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    let is_news = !matches!(event, Event::Init | Event::InitApply(_));
                    self.cache.apply(event);
                    if is_news {
                        *pause = FIRST_PAUSE;
                        self.tell();
                    }
                }
                Err(error) => {
                    tracing::debug!(kind = %self.scope.kind, %error, "a watch broke");
                    self.cache.content().away = unreached(error);
                    return;
                }
            }
        }
    }

    fn tell(&self) {
        if let Some(shared) = self.shared.upgrade() {
            self.cache.changes.send_replace(shared.advance());
        }
    }

    async fn idle(&self) {
        loop {
            let ends = self.cache.content().asked_at + IDLE;
            tokio::time::sleep_until(ends).await;
            let asked_at = self.cache.content().asked_at;
            let is_waited_for = self.cache.changes.receiver_count() > 0;
            if is_waited_for {
                self.cache.touch();
            } else if asked_at + IDLE <= Instant::now() {
                return;
            }
        }
    }
}

/// Why nobody answered, if that is what a watch broke by: one that was cut off is begun anew first.
fn unreached(error: watcher::Error) -> Option<String> {
    let error = match error {
        watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => error,
        watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => return None,
    };
    match sorted("", Intent::Read, error) {
        ClusterError::Unreachable { reason, .. } => Some(reason),
        ClusterError::OutcomeUnknown { .. }
        | ClusterError::Unauthorized { .. }
        | ClusterError::Conflict(_)
        | ClusterError::Changed(_)
        | ClusterError::NotFound(_)
        | ClusterError::Refused(_) => None,
    }
}

fn api(client: &Client, scope: &Scope) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk(&scope.group, &scope.version, &scope.kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, &scope.plural);
    match &scope.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// The object by its name, as plain JSON; kinds are left out by some servers' lists.
fn entry(object: DynamicObject) -> Option<(String, Arc<Value>)> {
    let name = object.metadata.name.clone()?;
    serde_json::to_value(&object).ok().map(|value| (name, Arc::new(value)))
}
