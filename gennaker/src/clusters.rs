//! The clusters that this process can reach, and how the engine hears of changes in them.

use crate::{
    arguments::Common,
    platform::{self, Found},
    registries, secrets,
};
use artifacts::registry::Registries;
use engine_core::{
    BoxFuture,
    latest::Latest,
    plan::{self, ClusterIdentity, Environments, Place},
    platform::{ClusterText, Platform},
    stage::ObjectKey,
};
use engine_runtime::{objects::Objects, secrets::Kept};
use futures::future::select_all;
use kubernetes::{
    Cluster, Clusters,
    kubeconfig::{self, Choice, KubeconfigError, Plugins},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Where this process may act, and the ways there. Whoever needs no cluster does not care.
#[derive(Clone)]
pub(crate) struct Reach {
    pub(crate) clusters: Clusters,
    pub(crate) registries: Registries,
    pub(crate) found: Found,
    /// By the name of the cluster; without a platform's file there is one, whose name is its context.
    ways: BTreeMap<String, Result<Way, Arc<KubeconfigError>>>,
    /// What steps go by, and whoever judges rights: the platform of the newest reach.
    pub(crate) in_force: Latest<Platform>,
    /// Its secrets, granted or not.
    pub(crate) kept: Latest<Kept>,
}

/// The way to a cluster, by a context of a kubeconfig.
#[derive(Clone)]
struct Way {
    context: String,
    server: String,
    made_of: MadeOf,
}

/// What a way was found by, to be told from another one.
#[derive(Clone, PartialEq, Eq)]
struct MadeOf {
    text: ClusterText,
    /// Of the kubeconfig that the platform's file, or a flag, names.
    content: Option<Vec<u8>>,
}

/// The ways that were found, and the clusters at their ends.
type Connected = (BTreeMap<String, Result<Way, Arc<KubeconfigError>>>, Vec<Arc<Cluster>>);

/// Finds the ways to the clusters; reaches nothing yet.
pub(crate) async fn reach(common: &Common) -> anyhow::Result<Reach> {
    ways(common, platform::find(common)?).await
}

/// The same for a platform whose file was read.
pub(crate) async fn ways(common: &Common, found: Found) -> anyhow::Result<Reach> {
    let (ways, connected) = connected(common, &found, None).await?;
    let clusters = Clusters::default();
    clusters.replace(connected);
    let in_force = Latest::new(found.platform.clone());
    let kept = Latest::new(secrets::kept(common, &found));
    let registries = registries::of(common, &found)?;
    Ok(Reach { clusters, registries, found, ways, in_force, kept })
}

/// Ways that are as they were keep their cluster, with all that is known of it.
async fn connected(
    common: &Common,
    found: &Found,
    before: Option<&Reach>,
) -> anyhow::Result<Connected> {
    let (mut ways, mut clusters) = (BTreeMap::new(), Vec::new());
    let wanted: Vec<(Option<String>, ClusterText)> = match &*found.platform {
        Platform::Open => vec![(None, ClusterText::default())],
        Platform::File(_) => {
            found.platform.clusters().into_iter().map(|(name, way)| (Some(name), way)).collect()
        }
    };
    for (name, text) in wanted {
        let choice = choice(common, found, text.clone());
        let resolved = match kubeconfig::resolve(&choice).await {
            Ok(resolved) => resolved,
            Err(error) => {
                ways.insert(name.unwrap_or_default(), Err(Arc::new(error)));
                continue;
            }
        };
        let content = choice.file.as_ref().and_then(|file| std::fs::read(file).ok());
        let content = content.map(|content| Sha256::digest(content).to_vec());
        let name = name.unwrap_or_else(|| resolved.context.clone());
        let (context, server) = (resolved.context, resolved.server);
        let way = Way { context, server, made_of: MadeOf { text, content } };
        let same = before.and_then(|before| before.unchanged(&name, &way));
        clusters.push(match same {
            Some(cluster) => cluster,
            None => Arc::new(Cluster::connect(name.clone(), resolved.config)?),
        });
        ways.insert(name, Ok(way));
    }
    Ok((ways, clusters))
}

fn choice(common: &Common, found: &Found, way: ClusterText) -> Choice {
    let file = way.kubeconfig.map(|path| found.path(&path));
    Choice {
        file: file.or_else(|| common.kubeconfig.clone()),
        context: way.context.or_else(|| common.context.clone()),
        plugins: if common.allow_exec_plugins { Plugins::Allowed } else { Plugins::Refused },
    }
}

/// Everything that files may name, where nothing is reached and nothing restricted.
pub(crate) fn offline() -> engine_core::Registries {
    let stages = stages::registry(&Clusters::default());
    engine_core::Registries { stages, triggers: triggers::registry() }
}

impl Reach {
    /// Goes by what was found from here on, as do all that share this. After an error all is as it
    /// was.
    pub(crate) async fn renewed(&self, common: &Common, found: Found) -> anyhow::Result<Reach> {
        let (ways, connected) = connected(common, &found, Some(self)).await?;
        self.registries.replace(&registries::of(common, &found)?);
        self.kept.replace(secrets::kept(common, &found));
        self.clusters.replace(connected);
        self.in_force.replace(found.platform.clone());
        Ok(Reach { found, ways, ..self.clone() })
    }

    fn unchanged(&self, name: &str, way: &Way) -> Option<Arc<Cluster>> {
        let before = self.ways.get(name)?.as_ref().ok()?;
        let is_same = before.made_of == way.made_of
            && (&before.context, &before.server) == (&way.context, &way.server);
        if is_same { self.clusters.get(name) } else { None }
    }

    pub(crate) fn registry(&self) -> engine_core::Registries {
        let stages = stages::registry_of((&self.clusters, &self.registries), &self.in_force);
        engine_core::Registries { stages, triggers: triggers::registry() }
    }

    /// Stage types to look at files with, which reach nothing.
    pub(crate) fn offline(&self) -> engine_core::Registries {
        let nothing = (&Clusters::default(), &Registries::default());
        let stages = stages::registry_of(nothing, &self.in_force);
        engine_core::Registries { stages, triggers: triggers::registry() }
    }

    /// The environments as they are to be run in: the clusters of these places are asked who they
    /// are, and no others.
    pub(crate) async fn environments(
        &self,
        places: impl Iterator<Item = &Place>,
    ) -> anyhow::Result<Environments> {
        let wanted: BTreeSet<&str> = places.map(|place| place.cluster.as_str()).collect();
        let mut asked = BTreeMap::new();
        for (name, way) in &self.ways {
            if !wanted.contains(name.as_str()) {
                asked.insert(name.clone(), known(name, way, ClusterIdentity::Unread));
                continue;
            }
            let way = way.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
            let cluster = self.clusters.get(name);
            let cluster =
                cluster.ok_or_else(|| anyhow::anyhow!("cluster `{name}` is not known"))?;
            let identity = ClusterIdentity::Pinned { uid: cluster.uid().await?.to_owned() };
            asked.insert(name.clone(), known(name, &Ok(way.clone()), identity));
        }
        Ok(self.placed(asked))
    }

    /// The same without asking anybody: to look at, not to run.
    pub(crate) fn unasked(&self) -> Environments {
        let all = self.ways.iter();
        let all = all.map(|(name, way)| (name.clone(), known(name, way, ClusterIdentity::Unread)));
        self.placed(all.collect())
    }

    fn placed(&self, clusters: BTreeMap<String, plan::Cluster>) -> Environments {
        match &*self.found.platform {
            Platform::File(_) => Environments::named(self.found.platform.clone(), clusters),
            Platform::Open => {
                let only = clusters.into_values().next();
                Environments::namespaces_of(
                    only.unwrap_or_else(|| known("", &Ok(Way::nowhere()), ClusterIdentity::Unread)),
                )
            }
        }
    }

    /// The context and the server of each cluster, or why there is no way.
    pub(crate) fn ways(
        &self,
    ) -> impl Iterator<Item = (&str, Result<(String, String), Arc<KubeconfigError>>)> {
        self.ways.iter().map(|(name, way)| {
            let way = way.as_ref().map(|way| (way.context.clone(), way.server.clone()));
            (name.as_str(), way.map_err(Arc::clone))
        })
    }

    /// Why a cluster cannot be reached, if it cannot.
    pub(crate) fn missing(&self) -> Option<&KubeconfigError> {
        self.ways.values().find_map(|way| way.as_ref().err()).map(|error| &**error)
    }
}

impl Way {
    fn nowhere() -> Way {
        let made_of = MadeOf { text: ClusterText::default(), content: None };
        Way { context: String::new(), server: String::new(), made_of }
    }
}

fn known(
    name: &str,
    way: &Result<Way, Arc<KubeconfigError>>,
    identity: ClusterIdentity,
) -> plan::Cluster {
    let Way { context, server, .. } = way.clone().unwrap_or_else(|_| Way::nowhere());
    plan::Cluster { name: name.to_owned(), context, server, identity }
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
            Some((cluster, key)) => {
                let (key, position) = (key.to_owned(), *position);
                Box::pin(async move { cluster.watches().changed(&key, position).await })
            }
            // The key of another process: looking again is the only way to know.
            None => Box::pin(std::future::ready(())),
        }
    }
}
