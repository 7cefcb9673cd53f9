//! Finds objects that nobody rendered: by the words of a person, or by their labels.

use crate::{
    Cluster, Found, Live, Located, Location,
    error::{ClusterError, Intent},
    location::Named,
};
use kube::api::ListParams;
use serde_json::{Value, json};

/// Objects of one kind that a selector may match.
const MOST_SELECTED: u32 = 500;

/// What a selector looks through: the kinds that run pods on behalf of somebody.
const WORKLOADS: [(&str, &str); 4] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
];

/// Why an object was not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("`{0}` is not written as KIND/NAME, such as `deployment/web`")]
    Spelling(String),
    #[error("the cluster serves no kind that is called `{0}`")]
    Kind(String),
    #[error("there is no {0} in namespace {1}")]
    Absent(String, String),
    #[error("no workload in namespace {1} carries the labels `{0}`")]
    Nothing(String, String),
}

impl Cluster {
    /// The object that `KIND/NAME` means, kinds spelled as for kubectl: `deployment/web`,
    /// `deploy/web`, `deployments.apps/web`.
    pub async fn find(
        &self,
        resource: &str,
        namespace: &str,
    ) -> Result<(Location, Live), SearchError> {
        let spelling = || SearchError::Spelling(resource.to_owned());
        let (kind, name) = resource.split_once('/').ok_or_else(spelling)?;
        if kind.is_empty() || name.is_empty() || name.contains('/') {
            return Err(spelling());
        }
        let named = self.named(kind).await?;
        let (version, kind, _) = named.ok_or_else(|| SearchError::Kind(kind.to_owned()))?;
        let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
        let location = self.place(&object, namespace).await?;
        match self.read(&location).await? {
            Found::There(live) => Ok((location, live)),
            Found::Absent => Err(SearchError::Absent(location.to_string(), namespace.to_owned())),
        }
    }

    /// The workloads of a namespace that carry the labels.
    pub async fn select(
        &self,
        labels: &str,
        namespace: &str,
    ) -> Result<Vec<(Location, Live)>, SearchError> {
        let mut selected = Vec::new();
        for (version, kind) in WORKLOADS {
            let object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": ""}});
            let place = self.place(&object, namespace).await?;
            let page = ListParams::default().labels(labels).limit(MOST_SELECTED);
            for object in self.call(Intent::Read, self.api(&place).list(&page)).await?.items {
                let name = object.metadata.name.clone().unwrap_or_default();
                selected.push((Location { name, ..place.clone() }, Live::new(object)));
            }
        }
        if selected.is_empty() {
            return Err(SearchError::Nothing(labels.to_owned(), namespace.to_owned()));
        }
        Ok(selected)
    }

    async fn place(&self, object: &Value, namespace: &str) -> Result<Location, SearchError> {
        match self.locate(object, namespace).await? {
            Located::At(location) => Ok(location),
            Located::UnknownKind => Err(SearchError::Kind(Named::of(object).kind.to_owned())),
        }
    }
}
