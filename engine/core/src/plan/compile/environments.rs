//! Where the environments of a pipeline are.

use crate::{
    expression::{Piece, pieces},
    plan::{ClusterIdentity, Place},
    platform::{EnvironmentText, Leave, Owner, Platform, Source},
};
use std::{collections::BTreeMap, sync::Arc};

/// What environment names stand for, and what is restricted there. Without a platform file each is
/// the namespace of that name in one cluster, and nothing is restricted.
#[derive(Clone, Debug)]
pub struct Environments {
    kind: Kind,
    lacking: BTreeMap<String, String>,
    source: Option<From>,
}

/// The source that a pipeline comes from, by its number on the platform.
#[derive(Clone, Debug)]
struct From {
    number: usize,
    source: Source,
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
    #[error("`sources` of gennaker.yaml says which environments {repository} may use")]
    NotGranted { repository: String },
}

/// Why an application is not a source's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotOwned {
    #[error("it belongs to {0}: name your own `application`")]
    Anothers(String),
    #[error(
        "`sources` of gennaker.yaml says which `applications` are whose, and nobody has this one"
    )]
    Nobodys,
    #[error("{0} claim it, so it is nobody's: `sources` of gennaker.yaml is to say whose it is")]
    Several(String),
}

impl Environments {
    pub fn namespaces_of(cluster: Cluster) -> Environments {
        let kind = Kind::Namespaces(cluster);
        Environments { kind, lacking: BTreeMap::new(), source: None }
    }

    /// The environments that a platform's file names, in clusters by name.
    pub fn named(platform: Arc<Platform>, clusters: BTreeMap<String, Cluster>) -> Environments {
        let kind = Kind::Named { platform, clusters };
        Environments { kind, lacking: BTreeMap::new(), source: None }
    }

    /// The same for pipelines that come from a source of the platform, by its number: they have what
    /// it gives that one, and nothing else.
    #[must_use]
    pub fn of_source(mut self, number: usize) -> Environments {
        self.source = match &self.kind {
            Kind::Namespaces(_) => None,
            Kind::Named { platform, .. } => {
                let source = platform.sources().into_iter().nth(number);
                Some(From { number, source: source.unwrap_or_else(Source::nothing) })
            }
        };
        self
    }

    /// Why an application is not one of the source that its pipeline comes from, if it is not.
    pub(super) fn disowned(&self, application: &str) -> Option<NotOwned> {
        let (Kind::Named { platform, .. }, Some(from)) = (&self.kind, &self.source) else {
            return None;
        };
        let sources = platform.sources();
        let name = |number: &usize| sources.get(*number).map_or("", Source::name).to_owned();
        match platform.owner(application) {
            Owner::One(owner) if owner == from.number => None,
            Owner::One(owner) => Some(NotOwned::Anothers(name(&owner))),
            Owner::Nobody => Some(NotOwned::Nobodys),
            Owner::Several(owners) => {
                Some(NotOwned::Several(owners.iter().map(name).collect::<Vec<_>>().join(", ")))
            }
        }
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

    /// Whether people are asked there, whatever a pipeline says.
    pub(crate) fn asks_by_itself(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Namespaces(_) => false,
            Kind::Named { platform, .. } => {
                platform.rules(name).is_some_and(|rules| rules.approval.is_some())
            }
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
                if let Some(From { source, .. }) = &self.source
                    && platform.environment(name).is_some()
                    && source.environment(name) == Leave::Refused
                {
                    let repository = source.name().to_owned();
                    return Err(UnknownEnvironment::NotGranted { repository });
                }
                locate((platform, clusters), (name, application))
            }
        }
    }
}

fn locate(
    (platform, clusters): (&Platform, &BTreeMap<String, Cluster>),
    (name, application): (&str, &str),
) -> Result<Place, UnknownEnvironment> {
    let unnamed = || UnknownEnvironment::Unnamed { near: platform.near_environment(name) };
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
