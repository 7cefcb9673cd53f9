//! Where the environments of a pipeline are.

use crate::{
    expression::{Piece, pieces},
    plan::{ClusterIdentity, Place},
    platform::{EnvironmentText, Leave, Platform},
};
use std::{collections::BTreeMap, sync::Arc};

/// What environment names stand for, and what is restricted there. Without a platform file each is
/// the namespace of that name in one cluster, and nothing is restricted.
#[derive(Clone, Debug)]
pub struct Environments {
    kind: Kind,
    lacking: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
enum Kind {
    Namespaces(Cluster),
    Named { platform: Arc<Platform>, clusters: BTreeMap<String, Cluster> },
}

/// A cluster in which environments are.
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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownEnvironment {
    #[error(
        "an environment is the namespace of that name: 1 to 63 of the characters `a` to `z`, `0` \
        to `9` and `-`, beginning and ending with a letter or digit"
    )]
    NoNamespace,
    /// The platform's file does not have it.
    #[error("{near}")]
    Unnamed { near: String },
    #[error("its namespace would be `{namespace}`, which is none")]
    BadNamespace { namespace: String },
    #[error("its cluster `{cluster}` is not known to this process")]
    NoCluster { cluster: String },
}

impl Environments {
    pub fn namespaces_of(cluster: Cluster) -> Environments {
        Environments { kind: Kind::Namespaces(cluster), lacking: BTreeMap::new() }
    }

    /// The environments that a platform's file names, in clusters by name.
    pub fn named(platform: Arc<Platform>, clusters: BTreeMap<String, Cluster>) -> Environments {
        Environments { kind: Kind::Named { platform, clusters }, lacking: BTreeMap::new() }
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

    pub(super) fn secret(&self, name: &str, by: (&str, Option<&str>)) -> Leave {
        match &self.kind {
            Kind::Namespaces(_) => Leave::Granted,
            Kind::Named { platform, .. } => platform.secret(name, by),
        }
    }

    /// Whether the platform's file says so of the environment; without one nothing is known.
    pub(crate) fn is_production(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Namespaces(_) => false,
            Kind::Named { platform, .. } => {
                platform.environment(name).is_some_and(|environment| environment.production)
            }
        }
    }

    /// Where `name` is, for an application.
    pub fn place(&self, name: &str, application: &str) -> Result<Place, UnknownEnvironment> {
        match &self.kind {
            Kind::Namespaces(_) if !is_namespace(name) => Err(UnknownEnvironment::NoNamespace),
            Kind::Namespaces(cluster) => Ok(cluster.place(name.to_owned())),
            Kind::Named { platform, clusters } => {
                let unnamed =
                    || UnknownEnvironment::Unnamed { near: platform.near_environment(name) };
                let environment = platform.environment(name).ok_or_else(unnamed)?;
                let namespace = environment.namespace_for(name, application);
                if !is_namespace(&namespace) {
                    return Err(UnknownEnvironment::BadNamespace { namespace });
                }
                let cluster = environment.cluster.clone();
                let known = clusters.get(&cluster);
                let place = known.ok_or(UnknownEnvironment::NoCluster { cluster })?;
                Ok(Place {
                    production: environment.production,
                    labels: environment.labels.clone(),
                    ..place.place(namespace)
                })
            }
        }
    }
}

impl Cluster {
    fn place(&self, namespace: String) -> Place {
        Place {
            cluster: self.name.clone(),
            context: self.context.clone(),
            server: self.server.clone(),
            namespace,
            identity: self.identity.clone(),
            production: false,
            labels: BTreeMap::new(),
        }
    }
}

impl EnvironmentText {
    pub(crate) fn namespace_for(&self, name: &str, application: &str) -> String {
        let Some(written) = &self.namespace else { return name.to_owned() };
        // What else it could hold was refused when the file was read.
        let part = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Expression(_) | Piece::Secret(_) => application.to_owned(),
        };
        pieces(written).unwrap_or_default().into_iter().map(part).collect()
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
