//! Which kinds a cluster serves, under which path, and whether they live in namespaces.

use crate::{
    Cluster,
    error::{ClusterError, Intent},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) plural: String,
    pub(crate) scope: Scope,
    /// As people write it: `deployment`, `deployments`, `deploy`.
    pub(crate) names: Vec<String>,
}

/// Where objects of a kind live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Namespaced,
    Cluster,
}

/// What was learnt so far, by `apiVersion`. A kind that is not in it is asked for again: it may
/// have been defined since.
#[derive(Default)]
pub(crate) struct Kinds {
    served: Mutex<BTreeMap<String, BTreeMap<String, Served>>>,
}

impl Kinds {
    fn find(&self, version: &str, kind: &str) -> Option<Served> {
        self.served().get(version)?.get(kind).cloned()
    }

    fn served(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Served>>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cluster {
    /// How `kind` is served under `version` (`apps/v1`), if it is.
    pub(crate) async fn served(
        &self,
        version: &str,
        kind: &str,
    ) -> Result<Option<Served>, ClusterError> {
        if let Some(known) = self.kinds.find(version, kind) {
            return Ok(Some(known));
        }
        let asked = self.ask_kinds(version).await?;
        self.kinds.served().insert(version.to_owned(), asked);
        Ok(self.kinds.find(version, kind))
    }

    /// The versions of a group (`apps/v1`, …), the preferred one first.
    pub(crate) async fn versions(&self, group: &str) -> Result<Vec<String>, ClusterError> {
        if group.is_empty() {
            return Ok(vec!["v1".to_owned()]);
        }
        let groups = self.call(Intent::Read, self.client.list_api_groups()).await?;
        let found = groups.groups.into_iter().find(|known| known.name == group);
        let Some(found) = found else { return Ok(Vec::new()) };
        let preferred = found.preferred_version.map(|version| version.group_version);
        let others = found.versions.into_iter().map(|version| version.group_version);
        let others = others.filter(|version| Some(version) != preferred.as_ref());
        Ok(preferred.iter().cloned().chain(others).collect())
    }

    /// The version and kind that people mean by a name, with its group or without. Without one the
    /// oldest groups are asked first, as kubectl does.
    pub(crate) async fn named(
        &self,
        name: &str,
    ) -> Result<Option<(String, String, Served)>, ClusterError> {
        let name = name.to_lowercase();
        let (short, group) = match name.split_once('.') {
            Some((short, group)) => (short, Some(group)),
            None => (&*name, None),
        };
        for version in self.preferred(group).await? {
            self.learn(&version).await?;
            let served = self.kinds.served();
            let found = served.get(&version).and_then(|kinds| {
                kinds.iter().find(|(_, served)| served.names.iter().any(|known| known == short))
            });
            if let Some((kind, served)) = found {
                return Ok(Some((version, kind.clone(), served.clone())));
            }
        }
        Ok(None)
    }

    /// The preferred version of one group, or of all.
    async fn preferred(&self, group: Option<&str>) -> Result<Vec<String>, ClusterError> {
        if let Some(group) = group {
            return Ok(self.versions(group).await?.into_iter().take(1).collect());
        }
        let groups = self.call(Intent::Read, self.client.list_api_groups()).await?.groups;
        let preferred = groups.into_iter().filter_map(|group| group.preferred_version);
        let all = preferred.map(|version| version.group_version);
        Ok(["v1".to_owned()].into_iter().chain(all).collect())
    }

    async fn learn(&self, version: &str) -> Result<(), ClusterError> {
        if !self.kinds.served().contains_key(version) {
            let asked = self.ask_kinds(version).await?;
            self.kinds.served().insert(version.to_owned(), asked);
        }
        Ok(())
    }

    async fn ask_kinds(&self, version: &str) -> Result<BTreeMap<String, Served>, ClusterError> {
        let asked = match version.contains('/') {
            true => self.call(Intent::Read, self.client.list_api_group_resources(version)).await,
            false => self.call(Intent::Read, self.client.list_core_api_resources(version)).await,
        };
        let list = match asked {
            Ok(list) => list,
            Err(ClusterError::NotFound(_)) => return Ok(BTreeMap::new()),
            Err(error) => return Err(error),
        };
        // `deployments/scale` is a part of an object, not a kind of its own.
        let whole = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
        let served = whole.map(|resource| {
            let scope = if resource.namespaced { Scope::Namespaced } else { Scope::Cluster };
            let mut names = vec![resource.kind.to_lowercase(), resource.name.clone()];
            names.push(resource.singular_name);
            names.extend(resource.short_names.into_iter().flatten());
            (resource.kind, Served { plural: resource.name, scope, names })
        });
        Ok(served.collect())
    }
}
