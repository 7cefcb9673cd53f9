//! Where an object is in a cluster.

use crate::{
    Cluster,
    discovery::{Scope, Served},
    error::ClusterError,
    readiness::Expectation,
};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// An object's place. A stored format.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    /// Nothing for kinds that live outside of namespaces.
    pub namespace: Option<String>,
    pub name: String,
}

/// What a cluster says of an object's kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    At(Location),
    /// It serves no such kind (now).
    UnknownKind,
}

/// The words that an object is known by before any cluster is asked.
pub(crate) struct Named<'a> {
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: Option<&'a str>,
}

impl<'a> Named<'a> {
    pub(crate) fn of(object: &'a Value) -> Named<'a> {
        let text = |place: &str| object.pointer(place).and_then(Value::as_str);
        Named {
            version: text("/apiVersion").unwrap_or_default(),
            kind: text("/kind").unwrap_or_default(),
            name: text("/metadata/name").unwrap_or_default(),
            namespace: text("/metadata/namespace").filter(|namespace| !namespace.is_empty()),
        }
    }

    pub(crate) fn group(&self) -> &'a str {
        self.version.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

impl Cluster {
    /// Where `object` is or would be; without a namespace of its own it goes to `namespace`.
    pub async fn locate(&self, object: &Value, namespace: &str) -> Result<Located, ClusterError> {
        let named = Named::of(object);
        let served = self.served(named.version, named.kind).await?;
        Ok(match served {
            Some(served) => Located::At(place(&named, named.version, served, namespace)),
            None => Located::UnknownKind,
        })
    }

    /// The same for an object of the past, whose version may not be served any more.
    pub async fn locate_past(
        &self,
        object: &Value,
        namespace: &str,
    ) -> Result<Located, ClusterError> {
        if let Located::At(location) = self.locate(object, namespace).await? {
            return Ok(Located::At(location));
        }
        let named = Named::of(object);
        for version in self.versions(named.group()).await? {
            if let Some(served) = self.served(&version, named.kind).await? {
                return Ok(Located::At(place(&named, &version, served, namespace)));
            }
        }
        Ok(Located::UnknownKind)
    }

    pub(crate) fn api(&self, location: &Location) -> Api<DynamicObject> {
        let Location { group, version, kind, plural, .. } = location;
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        match &location.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

fn place(named: &Named<'_>, api_version: &str, served: Served, namespace: &str) -> Location {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let namespace = match served.scope {
        Scope::Namespaced => Some(named.namespace.unwrap_or(namespace).to_owned()),
        Scope::Cluster => None,
    };
    Location {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: named.kind.to_owned(),
        plural: served.plural,
        namespace,
        name: named.name.to_owned(),
    }
}

impl Location {
    /// What is expected of the object as an apply left it.
    pub fn expectation(&self, live: &crate::Live, applied_at_ms: u64) -> Expectation {
        let Location { group, version, kind, plural, namespace, name } = self.clone();
        let (uid, generation) = (live.uid().to_owned(), live.generation());
        Expectation {
            group,
            version,
            kind,
            plural,
            namespace,
            name,
            uid,
            generation,
            applied_at_ms,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind.to_lowercase(), self.name)
    }
}
