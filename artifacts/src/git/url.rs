//! Addresses of repositories: which ones may be spoken to, and which two are the same repository.

use sha2::{Digest, Sha256};
use std::fmt;

const MAX_URL_BYTES: usize = 2_048;

/// An address that may be handed to git: parsed, and without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteUrl {
    scheme: Scheme,
    /// Of `ssh` only; elsewhere who asks is part of the credentials.
    user: Option<String>,
    /// As written; empty for `file`.
    host: String,
    port: Option<u16>,
    /// Begins with `/`, except in the short form `user@host:path`, where servers may mean another place.
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Https,
    Http,
    Ssh,
    File,
}

/// Which addresses a caller can use. Files are for trying things, and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    Network,
    NetworkAndFiles,
}

/// `host/path` without what may differ between two addresses of one repository: the scheme, the user,
/// the case of the host, a default port, `.git`, a last slash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(String);

/// Why a text is not an address. Texts with a secret are not repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it is empty")]
    Empty,
    #[error("an address has at most {MAX_URL_BYTES} bytes")]
    TooLong,
    #[error("it has a character that addresses do not have: {0:?}")]
    Character(char),
    #[error("it has a secret in it: leave out the user and the password, and name `credentials`")]
    Secret,
    #[error("only https, http, ssh and user@host:path are spoken, not `{0}`")]
    Scheme(String),
    #[error("a folder of this machine cannot be a repository here")]
    File,
    #[error("`{0}` is not a host name")]
    Host(String),
    #[error("`{0}` is not a port")]
    Port(String),
    #[error(
        "`{0}` is not a path of a repository: it is empty, or has `.`, `..`, `//`, `::`, or begins with `-`"
    )]
    Path(String),
}

impl RemoteUrl {
    pub fn parse(text: &str, allowance: Allowance) -> Result<RemoteUrl, UrlError> {
        characters(text)?;
        let url = match text.split_once("://") {
            Some((scheme, rest)) => with_scheme(scheme, rest)?,
            None => short_form(text)?,
        };
        match (url.scheme, allowance) {
            (Scheme::File, Allowance::Network) => Err(UrlError::File),
            (Scheme::File, Allowance::NetworkAndFiles)
            | (Scheme::Https | Scheme::Http | Scheme::Ssh, _) => Ok(url),
        }
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Empty for a folder of this machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn identity(&self) -> Identity {
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        let port = match self.port {
            Some(port) if Some(port) != self.scheme.default_port() => format!(":{port}"),
            Some(_) | None => String::new(),
        };
        let path = self.path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
        Identity(format!("{host}{port}/{path}"))
    }

    /// `scheme://host:port/`, by which git finds what is meant for this server only.
    pub(super) fn server(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{}{port}/", self.scheme.name(), self.host)
    }

    /// The last part of its path, without `.git`: what a repository is called.
    pub fn last_part(&self) -> &str {
        let path = self.path.trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or(path);
        last.strip_suffix(".git").unwrap_or(last)
    }
}

impl Scheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Ssh => "ssh",
            Scheme::File => "file",
        }
    }

    fn default_port(self) -> Option<u16> {
        match self {
            Scheme::Https => Some(443),
            Scheme::Http => Some(80),
            Scheme::Ssh => Some(22),
            Scheme::File => None,
        }
    }
}

impl Identity {
    /// `host/path`
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name for the folder of its mirror: what the repository is called, and what tells it from others
    /// of that name.
    pub fn folder(&self) -> String {
        let last = self.0.rsplit('/').next().unwrap_or(&self.0);
        let plain = |it: &char| it.is_ascii_alphanumeric() || "-_.".contains(*it);
        let name: String = last.chars().filter(plain).take(60).collect();
        let digest = Sha256::digest(self.0.as_bytes());
        format!("{}-{}", name.trim_start_matches('.'), hex::encode(&digest[..12]))
    }
}

/// What git is given: it begins with a scheme or a user, so that it is no option and names no helper.
impl fmt::Display for RemoteUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RemoteUrl { scheme, user, host, port, path } = self;
        if let (Some(user), false) = (user, path.starts_with('/')) {
            return write!(formatter, "{user}@{host}:{path}");
        }
        write!(formatter, "{}://", scheme.name())?;
        if let Some(user) = user {
            write!(formatter, "{user}@")?;
        }
        formatter.write_str(host)?;
        if let Some(port) = port {
            write!(formatter, ":{port}")?;
        }
        formatter.write_str(path)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn characters(text: &str) -> Result<(), UrlError> {
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    let plain = |it: char| it.is_ascii_alphanumeric() || "-._~/:@%+,=!()[]".contains(it);
    match text.chars().find(|it| !plain(*it)) {
        Some(odd) => Err(UrlError::Character(odd)),
        None => Ok(()),
    }
}

fn with_scheme(scheme: &str, rest: &str) -> Result<RemoteUrl, UrlError> {
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        "ssh" => Scheme::Ssh,
        "file" => Scheme::File,
        other => return Err(UrlError::Scheme(other.to_owned())),
    };
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, ""),
    };
    let (user, server) = match authority.rsplit_once('@') {
        Some((user, server)) => (Some(parse_user(user, scheme)?), server),
        None => (None, authority),
    };
    let (host, port) = parse_server(server, scheme)?;
    Ok(RemoteUrl { scheme, user, host, port, path: parse_path(path)? })
}

/// `user@host:path`, as git writes addresses of ssh.
fn short_form(text: &str) -> Result<RemoteUrl, UrlError> {
    let Some((server, path)) = text.split_once(':') else {
        return Err(UrlError::Scheme(text.chars().take(20).collect()));
    };
    if path.starts_with(':') {
        return Err(UrlError::Scheme(format!("{server}::")));
    }
    let Some((user, host)) = server.split_once('@') else {
        return Err(UrlError::Scheme(format!("{server}:")));
    };
    let user = Some(parse_user(user, Scheme::Ssh)?);
    let (host, port) = parse_server(host, Scheme::Ssh)?;
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    parse_path(&absolute)?;
    Ok(RemoteUrl { scheme: Scheme::Ssh, user, host, port, path: path.to_owned() })
}

/// A user of ssh. A user in another address is half of a secret, and often all of it.
fn parse_user(user: &str, scheme: Scheme) -> Result<String, UrlError> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    let named = !user.is_empty() && !user.starts_with('-') && user.chars().all(plain);
    match scheme {
        Scheme::Ssh if named => Ok(user.to_owned()),
        Scheme::Ssh | Scheme::Https | Scheme::Http | Scheme::File => Err(UrlError::Secret),
    }
}

fn parse_server(server: &str, scheme: Scheme) -> Result<(String, Option<u16>), UrlError> {
    if scheme == Scheme::File {
        return if server.is_empty() { Ok((String::new(), None)) } else { Err(host(server)) };
    }
    let after_address = server.rfind(']').map_or(0, |end| end + 1);
    let (name, port) = match server[after_address..].split_once(':') {
        Some((rest, port)) => (&server[..after_address + rest.len()], Some(port)),
        None => (server, None),
    };
    let is_name = match name.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_host_name(name),
    };
    if !is_name {
        return Err(host(name));
    }
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = |text: &str| match text.parse() {
        Ok(port) if is_port(text) && port > 0 => Ok(port),
        Ok(_) | Err(_) => Err(UrlError::Port(text.to_owned())),
    };
    Ok((name.to_owned(), port.map(number).transpose()?))
}

fn host(text: &str) -> UrlError {
    UrlError::Host(text.to_owned())
}

/// A name of DNS, or an address in its usual form: no `0x7f.1`, and nothing that looks like an option.
fn is_host_name(name: &str) -> bool {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && !it.starts_with('-')
            && !it.ends_with('-')
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
    };
    let is_number = |it: &str| {
        it.bytes().all(|it| it.is_ascii_digit()) || it.to_ascii_lowercase().starts_with("0x")
    };
    let bare = name.strip_suffix('.').unwrap_or(name);
    let last = bare.rsplit('.').next().unwrap_or(bare);
    bare.len() <= 253
        && bare.split('.').all(label)
        && (!is_number(last) || bare.parse::<std::net::Ipv4Addr>().is_ok())
}

fn parse_path(path: &str) -> Result<String, UrlError> {
    let fault = || UrlError::Path(path.to_owned());
    let inner = path.strip_prefix('/').ok_or_else(fault)?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let lower = inner.to_ascii_lowercase();
    let hides = ["%2e", "%2f", "%5c", "%00", "%0a", "%0d"].iter().any(|it| lower.contains(it));
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.starts_with('-');
    // Before `::` stands a program for git, in other places than this; it stands in no path of a host.
    let is_strange = inner.contains(['[', ']']) || inner.contains("::");
    if hides || is_strange || !inner.split('/').all(plain) {
        return Err(fault());
    }
    Ok(path.to_owned())
}
