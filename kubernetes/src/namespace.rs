//! The namespace that an environment is.

use crate::{
    Cluster, FIELD_MANAGER,
    error::{ClusterError, Intent},
    marks::Writer,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};

/// Whether a namespace can be deployed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceState {
    There,
    Missing,
    /// Somebody deletes it: nothing can be created in it any more.
    Going,
}

impl Cluster {
    pub async fn namespace(&self, name: &str) -> Result<NamespaceState, ClusterError> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let found = self.call(Intent::Read, namespaces.get_opt(name)).await?;
        Ok(match found {
            None => NamespaceState::Missing,
            Some(found) if found.metadata.deletion_timestamp.is_some() => NamespaceState::Going,
            Some(_) => NamespaceState::There,
        })
    }

    /// Creates a namespace that was missing, with the mark of who did it. It belongs to the
    /// environment and not to an application, so it carries no owner's labels and is never deleted.
    pub async fn create_namespace(&self, name: &str, writer: &Writer) -> Result<(), ClusterError> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let annotations = [
            ("gennaker.dev/run".to_owned(), writer.run.clone()),
            ("gennaker.dev/stage".to_owned(), writer.stage.clone()),
        ];
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            annotations: Some(annotations.into()),
            ..ObjectMeta::default()
        };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        match self.call(Intent::Write, namespaces.create(&parameters, &namespace)).await {
            // Somebody else was faster.
            Ok(_) | Err(ClusterError::Changed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
