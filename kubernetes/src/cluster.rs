//! One cluster: its client, its limits, and what was learnt of it.

use crate::{
    breaker::{Breaker, Passage},
    discovery::Kinds,
    error::{self, ClusterError, Intent},
    watch::Watches,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, Config};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::{Instant, timeout},
};

/// Calls that are under way at once; the server has limits of its own.
const MOST_CALLS: usize = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A cluster by its name. Every call has a deadline, none is repeated unasked, and a cluster that
/// does not answer is left alone for a while: it slows nobody but its own callers.
pub struct Cluster {
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) kinds: Kinds,
    watches: Watches,
    calls: Semaphore,
    breaker: Mutex<Breaker>,
    uid: OnceCell<String>,
    /// The way there, by which others than oneself can be acted for; a simulation has none.
    config: Option<Config>,
    /// The same cluster in the name of others, by that name.
    others: Mutex<BTreeMap<String, Arc<Cluster>>>,
}

/// Between a cluster's name and that of whom it is asked for.
const AS: &str = " as ";

/// All clusters that are known, by name. Clones share them.
#[derive(Clone, Default)]
pub struct Clusters {
    by_name: Arc<RwLock<BTreeMap<String, Arc<Cluster>>>>,
}

impl Clusters {
    pub fn new(clusters: impl IntoIterator<Item = Cluster>) -> Clusters {
        let named = clusters.into_iter().map(|cluster| (cluster.name.clone(), Arc::new(cluster)));
        Clusters { by_name: Arc::new(RwLock::new(named.collect())) }
    }

    pub fn get(&self, name: &str) -> Option<Arc<Cluster>> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = known.get(name) {
            return Some(cluster.clone());
        }
        let (cluster, user) = name.rsplit_once(AS)?;
        known.get(cluster)?.acting(user)
    }

    /// Knows these from now on, and no others. Whoever has one keeps it.
    pub fn replace(&self, clusters: impl IntoIterator<Item = Arc<Cluster>>) {
        let named = clusters.into_iter().map(|cluster| (cluster.name.clone(), cluster));
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = named.collect();
    }
}

impl Cluster {
    /// A cluster behind a connection, a tunnel or a simulation: whatever serves its API.
    pub fn new(name: impl Into<String>, client: Client) -> Cluster {
        Cluster {
            name: name.into(),
            watches: Watches::new(client.clone()),
            client,
            kinds: Kinds::default(),
            calls: Semaphore::new(MOST_CALLS),
            breaker: Mutex::default(),
            uid: OnceCell::new(),
            config: None,
            others: Mutex::default(),
        }
    }

    /// A cluster at the end of a kubeconfig's way. Reaches nothing yet.
    pub fn connect(name: impl Into<String>, mut config: Config) -> Result<Cluster, ClusterError> {
        let name = name.into();
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.write_timeout = Some(Intent::Write.deadline());
        match Client::try_from(config.clone()) {
            Ok(client) => Ok(Cluster { config: Some(config), ..Cluster::new(name, client) }),
            Err(error) => Err(error::sorted(&name, Intent::Read, error)),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same cluster, every call of which is made in the name of `user`: its rights count, and
    /// not the own ones.
    pub fn acting_as(&self, user: &str) -> Result<Arc<Cluster>, ClusterError> {
        if let Some(known) = self.acting(user) {
            return Ok(known);
        }
        let Some(mut config) = self.config.clone() else {
            let message = format!("cluster `{}` cannot be asked in the name of others", self.name);
            return Err(ClusterError::Refused(message));
        };
        config.auth_info.impersonate = Some(user.to_owned());
        let cluster = Arc::new(Cluster::connect(format!("{}{AS}{user}", self.name), config)?);
        Ok(self.others().entry(user.to_owned()).or_insert(cluster).clone())
    }

    fn acting(&self, user: &str) -> Option<Arc<Cluster>> {
        self.others().get(user).cloned()
    }

    fn others(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Cluster>>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    /// Which cluster this is, whatever its address: the uid of its `kube-system` namespace, asked
    /// once.
    pub async fn uid(&self) -> Result<&str, ClusterError> {
        let uid = self.uid.get_or_try_init(async || {
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            let system = self.call(Intent::Read, namespaces.get("kube-system")).await?;
            system.metadata.uid.ok_or_else(|| {
                ClusterError::Refused("its `kube-system` namespace has no uid".to_owned())
            })
        });
        uid.await.map(String::as_str)
    }

    /// Makes one call within its deadline and the cluster's limits.
    pub(crate) async fn call<T>(
        &self,
        intent: Intent,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ClusterError> {
        // The semaphore is never closed.
        let _turn = self.calls.acquire().await;
        self.pass()?;
        let outcome = match timeout(intent.deadline(), call).await {
            Ok(answer) => answer.map_err(|error| error::sorted(&self.name, intent, error)),
            Err(_) => Err(error::late(&self.name, intent)),
        };
        match &outcome {
            Err(ClusterError::Unreachable { .. } | ClusterError::OutcomeUnknown { .. }) => {
                self.breaker().missed(Instant::now());
            }
            Ok(_)
            | Err(
                ClusterError::Unauthorized { .. }
                | ClusterError::Conflict(_)
                | ClusterError::Changed(_)
                | ClusterError::NotFound(_)
                | ClusterError::Refused(_),
            ) => self.breaker().reached(),
        }
        outcome
    }

    fn pass(&self) -> Result<(), ClusterError> {
        match self.breaker().ask(Instant::now()) {
            Passage::Open => Ok(()),
            Passage::Closed { left } => Err(ClusterError::Unreachable {
                cluster: self.name.clone(),
                reason: format!(
                    "it did not answer lately; asked again in {} s",
                    left.as_secs().max(1)
                ),
            }),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
