//! Where the environments of a pipeline are.

use crate::plan::{ClusterIdentity, Place};
use std::collections::BTreeMap;

/// What environment names stand for. Without a platform file each is the namespace of that name in
/// one cluster, and nothing is restricted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environments {
    cluster: Cluster,
    lacking: BTreeMap<String, String>,
}

/// The cluster in which environments are namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The name under which the program knows it.
    pub name: String,
    /// The kubeconfig context, and the address of its server.
    pub context: String,
    pub server: String,
    pub identity: ClusterIdentity,
}

/// Why a name is no environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEnvironment {
    #[error(
        "an environment is the namespace of that name: 1 to 63 of the characters `a` to `z`, `0` \
        to `9` and `-`, beginning and ending with a letter or digit"
    )]
    NoNamespace,
}

impl Environments {
    pub fn namespaces_of(cluster: Cluster) -> Environments {
        Environments { cluster, lacking: BTreeMap::new() }
    }

    /// The same where these secrets are not known; each with the sentence that says where it was
    /// looked for.
    #[must_use]
    pub fn lacking_secrets(mut self, lacking: BTreeMap<String, String>) -> Environments {
        self.lacking = lacking;
        self
    }

    pub(super) fn lacking(&self, secret: &str) -> Option<&str> {
        self.lacking.get(secret).map(String::as_str)
    }

    /// Where `name` is.
    pub fn place(&self, name: &str) -> Result<Place, UnknownEnvironment> {
        if !is_namespace(name) {
            return Err(UnknownEnvironment::NoNamespace);
        }
        Ok(Place {
            cluster: self.cluster.name.clone(),
            context: self.cluster.context.clone(),
            server: self.cluster.server.clone(),
            namespace: name.to_owned(),
            identity: self.cluster.identity.clone(),
        })
    }
}

/// A DNS label as RFC 1123 has it, which is what Kubernetes asks of a namespace.
fn is_namespace(name: &str) -> bool {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| edge(byte) || byte == b'-';
    let edges = [name.bytes().next(), name.bytes().last()];
    name.len() <= 63
        && edges.into_iter().all(|byte| byte.is_some_and(edge))
        && name.bytes().all(inner)
}
