//! The clusters that this process can reach, and how the engine hears of changes in them.

use crate::arguments::Common;
use engine_core::{
    BoxFuture,
    plan::{self, ClusterIdentity, Environments},
    stage::ObjectKey,
};
use engine_runtime::objects::Objects;
use futures::future::select_all;
use kubernetes::{
    Cluster, Clusters,
    kubeconfig::{self, Choice, KubeconfigError, Plugins},
};
use std::sync::Arc;

/// What the kubeconfig came to. Whoever needs no cluster does not care.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) clusters: Clusters,
    way: Result<Way, Arc<KubeconfigError>>,
}

/// The way to the one cluster that a kubeconfig's context names.
#[derive(Clone)]
struct Way {
    context: String,
    server: String,
}

/// Finds the way to the cluster; reaches nothing yet.
pub(crate) async fn reach(common: &Common) -> anyhow::Result<Reach> {
    let choice = Choice {
        file: common.kubeconfig.clone(),
        context: common.context.clone(),
        plugins: if common.allow_exec_plugins { Plugins::Allowed } else { Plugins::Refused },
    };
    let resolved = match kubeconfig::resolve(&choice).await {
        Ok(resolved) => resolved,
        Err(error) => {
            return Ok(Reach { clusters: Clusters::default(), way: Err(Arc::new(error)) });
        }
    };
    let way = Way { context: resolved.context.clone(), server: resolved.server };
    let cluster = Cluster::connect(resolved.context, resolved.config)?;
    Ok(Reach { clusters: Clusters::new([cluster]), way: Ok(way) })
}

impl Reach {
    /// Every environment is the namespace of its name in the one cluster, which is asked who it is.
    pub(crate) async fn environments(&self) -> anyhow::Result<Environments> {
        let way = self.way.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        let Way { context, server } = way.clone();
        let cluster = self.clusters.get(&context);
        let cluster = cluster.ok_or_else(|| anyhow::anyhow!("cluster `{context}` is not known"))?;
        let identity = ClusterIdentity::Pinned { uid: cluster.uid().await?.to_owned() };
        let name = context.clone();
        Ok(Environments::namespaces_of(plan::Cluster { name, context, server, identity }))
    }

    /// The same without asking anybody: to look at, not to run.
    pub(crate) fn unasked(&self) -> Environments {
        let (context, server) = match &self.way {
            Ok(way) => (way.context.clone(), way.server.clone()),
            Err(_) => (String::new(), String::new()),
        };
        let identity = ClusterIdentity::Unread;
        let name = context.clone();
        Environments::namespaces_of(plan::Cluster { name, context, server, identity })
    }

    /// Why there is no cluster, if there is none.
    pub(crate) fn missing(&self) -> Option<&KubeconfigError> {
        self.way.as_ref().err().map(|error| &**error)
    }
}

/// Changes in the clusters' watches. A key is `CLUSTER|KEY`.
pub(crate) struct ClusterObjects(pub(crate) Clusters);

impl Objects for ClusterObjects {
    fn changed(&self, keys: Vec<ObjectKey>) -> BoxFuture<'static, ()> {
        let changes: Vec<BoxFuture<'static, ()>> =
            keys.iter().map(|key| self.change(key)).collect();
        if changes.is_empty() {
            return Box::pin(std::future::pending());
        }
        Box::pin(async move {
            select_all(changes).await;
        })
    }
}

impl ClusterObjects {
    fn change(&self, ObjectKey { key, position }: &ObjectKey) -> BoxFuture<'static, ()> {
        let named = key.rsplit_once('|');
        let found = named.and_then(|(name, key)| Some((self.0.get(name)?, key)));
        match found {
            Some((cluster, key)) => Box::pin(cluster.watches().changed(key, *position)),
            // The key of another process: looking again is the only way to know.
            None => Box::pin(std::future::ready(())),
        }
    }
}
