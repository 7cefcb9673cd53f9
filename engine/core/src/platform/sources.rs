//! Where pipelines live and whose an application is; who sends happenings, and how registries are
//! reached.

use super::{
    Leave, Platform, Provider,
    text::{PlatformText, SourceText},
};
use crate::{glob, language::Duration};
use std::collections::{BTreeMap, BTreeSet};

/// A place where pipelines live, with whatever holds for all of them filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub place: SourcePlace,
    /// Patterns of names.
    pub applications: Vec<String>,
    pub environments: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub poll: Duration,
    /// Patterns of paths from its root.
    pub paths: Vec<String>,
    pub serves: Serves,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePlace {
    Git {
        url: String,
        /// Patterns of branches.
        branches: Vec<String>,
        /// The name of a secret.
        credentials: Option<String>,
    },
    /// As it is written, relative to the folder of gennaker.yaml.
    Directory { path: String },
}

/// Whom a source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    ItsApplications,
    /// It holds what concerns everybody.
    Everybody,
}

/// Whose an application is: sources by their place in [`Platform::sources`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Nobody,
    One(usize),
    /// So it is nobody's: an application belongs to one source.
    Several(Vec<usize>),
}

/// Who may post happenings to `/receivers/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    pub provider: Provider,
    /// One or two names of secrets, the new one first.
    pub secrets: Vec<String>,
}

/// How a registry is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRegistry {
    /// With its port, if it has one.
    pub host: String,
    /// The name of a secret.
    pub credentials: Option<String>,
    /// As it is written, relative to the folder of gennaker.yaml.
    pub certificate_authority: Option<String>,
    pub poll: Duration,
}

impl Source {
    /// One that has nothing: the platform does not have it any more.
    pub(crate) fn nothing() -> Source {
        Source {
            place: SourcePlace::Directory { path: "a source that is gone".to_owned() },
            applications: Vec::new(),
            environments: Vec::new(),
            labels: BTreeMap::new(),
            poll: super::text::RetentionText::default().deliveries,
            paths: Vec::new(),
            serves: Serves::ItsApplications,
        }
    }

    /// What people call it: its address or its folder.
    pub fn name(&self) -> &str {
        match &self.place {
            SourcePlace::Git { url, .. } => url,
            SourcePlace::Directory { path } => path,
        }
    }

    pub fn owns(&self, application: &str) -> bool {
        self.applications.iter().any(|pattern| glob::matches(pattern, application))
    }

    /// Whether its pipelines may act on an environment.
    pub fn environment(&self, name: &str) -> Leave {
        match self.environments.iter().any(|pattern| glob::matches(pattern, name)) {
            true => Leave::Granted,
            false => Leave::Refused,
        }
    }

    /// Whether pipelines and commits of a branch count; in a folder there is only one.
    pub fn branch(&self, name: &str) -> Leave {
        match &self.place {
            SourcePlace::Git { branches, .. }
                if !branches.iter().any(|pattern| glob::matches(pattern, name)) =>
            {
                Leave::Refused
            }
            SourcePlace::Git { .. } | SourcePlace::Directory { .. } => Leave::Granted,
        }
    }
}

impl Platform {
    /// In the order of the files.
    pub fn sources(&self) -> Vec<Source> {
        let Some(file) = self.file() else { return Vec::new() };
        file.sources.iter().map(|source| source.resolved(file)).collect()
    }

    /// Whose an application is. A name in a pipeline's file grants nothing.
    pub fn owner(&self, application: &str) -> Owner {
        let sources = self.sources();
        let owners = sources.iter().enumerate().filter(|(_, source)| source.owns(application));
        match owners.map(|(at, _)| at).collect::<Vec<_>>().as_slice() {
            [] => Owner::Nobody,
            [one] => Owner::One(*one),
            several => Owner::Several(several.to_vec()),
        }
    }

    pub fn receivers(&self) -> Vec<Receiver> {
        let receivers = self.file().into_iter().flat_map(|file| &file.receivers);
        receivers.map(|(name, text)| text.named(name)).collect()
    }

    pub fn receiver(&self, name: &str) -> Option<Receiver> {
        Some(self.file()?.receivers.get(name)?.named(name))
    }

    pub fn has_receiver(&self, name: &str) -> bool {
        self.file().is_some_and(|file| file.receivers.contains_key(name))
    }

    pub fn registries(&self) -> Vec<KnownRegistry> {
        let registries = self.file().into_iter().flat_map(|file| &file.registries);
        let registry = |(host, text): (&String, &super::text::RegistryText)| KnownRegistry {
            host: host.clone(),
            credentials: text.credentials.clone(),
            certificate_authority: text.certificate_authority.clone(),
            poll: text.poll,
        };
        registries.map(registry).collect()
    }

    /// How long runs are kept once they have ended.
    pub fn runs_are_kept(&self) -> Duration {
        let written = self.file().map(|file| file.retention.runs);
        written.unwrap_or_else(|| super::text::RetentionText::default().runs)
    }

    /// How long deliveries are kept.
    pub fn deliveries_are_kept(&self) -> Duration {
        let written = self.file().map(|file| file.retention.deliveries);
        written.unwrap_or_else(|| super::text::RetentionText::default().deliveries)
    }

    /// Where people and senders reach the engine, without `/` at the end.
    pub fn public_url(&self) -> Option<&str> {
        Some(self.file()?.server.public_url.as_deref()?.trim_end_matches('/'))
    }

    /// The names of secrets that the engine itself works with, which no pipeline ever gets.
    pub fn own_secrets(&self) -> BTreeSet<&str> {
        self.file().map(PlatformText::own_secrets).unwrap_or_default()
    }
}

impl PlatformText {
    pub(super) fn own_secrets(&self) -> BTreeSet<&str> {
        let receivers = self.receivers.values().flat_map(|it| &it.secrets);
        let sources = self.sources.iter().filter_map(|it| it.credentials.as_ref());
        let registries = self.registries.values().filter_map(|it| it.credentials.as_ref());
        let all = receivers.chain(sources).chain(registries);
        all.chain(&self.source_defaults.credentials).map(String::as_str).collect()
    }
}

impl SourceText {
    fn resolved(&self, file: &PlatformText) -> Source {
        let defaults = &file.source_defaults;
        let place = match (&self.git, &self.directory) {
            (Some(url), _) => SourcePlace::Git {
                url: url.clone(),
                branches: self.branches.clone().unwrap_or_else(|| defaults.branches.clone()),
                credentials: self.credentials.clone().or_else(|| defaults.credentials.clone()),
            },
            (None, path) => SourcePlace::Directory { path: path.clone().unwrap_or_default() },
        };
        Source {
            place,
            applications: self.claimed(),
            environments: self.environments.clone(),
            labels: self.labels.clone(),
            poll: self.poll.unwrap_or(defaults.poll),
            paths: self.paths.clone().unwrap_or_else(|| defaults.paths.clone()),
            serves: match self.platform {
                true => Serves::Everybody,
                false => Serves::ItsApplications,
            },
        }
    }

    /// The patterns of its applications. What is for everybody has none of its own unless it says
    /// so.
    pub(super) fn claimed(&self) -> Vec<String> {
        match (&self.applications, self.platform) {
            (Some(written), _) => written.clone(),
            (None, true) => Vec::new(),
            (None, false) => self.last_part().into_iter().map(str::to_owned).collect(),
        }
    }

    /// The last part of its address.
    pub(super) fn last_part(&self) -> Option<&str> {
        let address = self.git.as_deref().or(self.directory.as_deref())?.trim_end_matches('/');
        let last = address.rsplit(['/', ':']).next()?;
        Some(last.strip_suffix(".git").unwrap_or(last))
    }
}

/// What two addresses of one repository have in common: `host/path`, without the way there. A port
/// tells servers apart where it is not that of `ssh`.
pub fn repository_key(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = match scheme {
        "" => rest.split_once(':').unwrap_or((rest, "")),
        _ => rest.split_once('/').unwrap_or((rest, "")),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_lowercase();
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit());
    let host = match (scheme, host.rsplit_once(':')) {
        ("https", Some((host, "443"))) | ("http", Some((host, "80"))) => host,
        ("https" | "http", _) => &host,
        (_, Some((host, port))) if is_port(port) => host,
        (_, _) => &host,
    };
    let path = path.trim_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path))
}

impl super::text::ReceiverText {
    fn named(&self, name: &str) -> Receiver {
        let (name, secrets) = (name.to_owned(), self.secrets.clone());
        Receiver { name, provider: self.provider, secrets }
    }
}
