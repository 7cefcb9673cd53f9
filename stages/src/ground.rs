//! Where stages may act: the clusters, and the platform that confines what is done in them.

use crate::site::{Site, Trouble};
use engine_core::{
    latest::Latest,
    plan::Place,
    platform::{Confines, Destination, Platform, RulesText},
    revision::Target,
    stage::StageError,
};
use kubernetes::{Candidate, Cluster, Clusters, Located, Location};
use serde_json::Value;
use std::sync::Arc;

/// What stage types act on.
#[derive(Clone, Default)]
pub struct Ground {
    pub clusters: Clusters,
    /// Asked at every step: what was closed since the run was planned is closed.
    pub platform: Latest<Platform>,
}

impl Ground {
    /// How an environment is confined now, and what its rules are.
    pub(crate) fn confines(
        &self,
        target: &Target,
        place: &Place,
    ) -> Result<(Confines, Option<RulesText>), StageError> {
        let (platform, environment) = (self.platform.now(), target.environment.as_str());
        let what = (environment, target.application.as_str());
        let confines = platform.confines(what, place).map_err(StageError::Failure)?;
        Ok((confines, platform.rules(environment).cloned()))
    }
}

/// The cluster as whom the environment wants it asked.
pub(crate) fn acting(cluster: Arc<Cluster>, confines: &Confines) -> Result<Arc<Cluster>, Trouble> {
    match confines.impersonated() {
        None => Ok(cluster),
        Some(user) => Ok(cluster.acting_as(user)?),
    }
}

impl Site<'_> {
    /// Refuses a set of which any object may not be written where it would go, and tells all of
    /// them. A kind that the set itself defines is looked at when it is written.
    pub(crate) async fn keep_within(
        &self,
        candidates: &[Candidate<'_>],
        written: &str,
    ) -> Result<(), Trouble> {
        if let Confines::Open = self.confines {
            return Ok(());
        }
        let mut told = Vec::new();
        for Candidate { object, namespace, .. } in candidates {
            if let Located::At(location) = self.cluster.locate(object, namespace).await? {
                told.extend(self.objections(object, &location));
            }
        }
        match told.is_empty() {
            true => Ok(()),
            false => Err(StageError::Failure(format!("{}; {written}", told.join("; "))).into()),
        }
    }

    /// Why an object must not be written to `location`.
    pub(crate) fn objections(&self, object: &Value, location: &Location) -> Vec<String> {
        let to = Destination {
            group: &location.group,
            kind: &location.kind,
            namespace: location.namespace.as_deref(),
        };
        let objections = self.confines.objections(object, to);
        objections.into_iter().map(|why| format!("{location}: {why}")).collect()
    }
}
