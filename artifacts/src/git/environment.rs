//! What git is told besides its arguments: a configuration that trusts nobody, and the credentials.
//!
//! All of it goes through the environment of the one process: neither the command line, which others
//! of this machine can read, nor a file of the mirror ever has it.

use super::{
    error::GitError,
    mirror::Origin,
    url::{RemoteUrl, Scheme},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    fmt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What a server wants to see before it answers.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    #[default]
    None,
    /// Sent to this server only, over https (or http on this machine).
    Basic {
        user: String,
        secret: Secret,
    },
    SshKey(SshKey),
}

/// Files that `ssh` reads. Host keys that are not known are refused.
#[derive(Clone, Debug)]
pub struct SshKey {
    pub key: PathBuf,
    pub known_hosts: PathBuf,
}

/// Not shown by anything.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl Credentials {
    /// `user:secret`, or a token alone, which hosts accept with any user.
    pub fn of_text(text: &str) -> Credentials {
        let text = text.trim();
        let (user, secret) = text.split_once(':').unwrap_or(("git", text));
        Credentials::Basic { user: user.to_owned(), secret: Secret::new(secret.to_owned()) }
    }

    fn header(user: &str, secret: &Secret) -> String {
        let pair = Zeroizing::new(format!("{user}:{}", *secret.0));
        format!("Authorization: Basic {}", STANDARD.encode(pair.as_bytes()))
    }
}

/// Programs of operators say in these how the network is left.
const PROXIES: [&str; 7] =
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// Faults of old histories that harm nobody; with them refused, many an honest repository would be.
const FORGIVEN: [&str; 7] = [
    "zeroPaddedFilemode",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingEmail",
    "missingNameBeforeEmail",
    "badTimezone",
    "zeroPaddedDate",
];

const CONFIGURATION: [(&str, &str); 41] = [
    ("advice.detachedHead", "false"),
    ("core.askPass", ""),
    ("core.attributesFile", "/dev/null"),
    ("core.bigFileThreshold", "4m"),
    ("core.deltaBaseCacheLimit", "32m"),
    ("core.excludesFile", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.fsync", "committed,reference"),
    ("core.hooksPath", "/dev/null"),
    ("core.logAllRefUpdates", "false"),
    ("core.maxTreeDepth", "128"),
    ("core.packedGitLimit", "256m"),
    ("core.packedGitWindowSize", "16m"),
    ("core.pager", "cat"),
    ("core.quotePath", "false"),
    ("core.useReplaceRefs", "false"),
    ("credential.helper", ""),
    ("diff.renames", "false"),
    ("fetch.fsckObjects", "true"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.unpackLimit", "1"),
    ("fetch.writeCommitGraph", "false"),
    ("gc.auto", "0"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    ("http.sslVerify", "true"),
    ("init.defaultBranch", "main"),
    ("log.showSignature", "false"),
    ("mailmap.blob", ""),
    ("maintenance.auto", "false"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "64m"),
    ("protocol.allow", "never"),
    ("protocol.version", "2"),
    ("receive.fsckObjects", "true"),
    ("submodule.recurse", "false"),
    ("transfer.bundleURI", "false"),
    ("transfer.credentialsInUrl", "die"),
    ("transfer.fsckObjects", "true"),
    ("transfer.unpackLimit", "1"),
];

type Variables = Vec<(String, String)>;

/// For a call that needs no repository.
pub(super) fn bare() -> Variables {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut variables = vec![
        own("GIT_ADVICE", "0"),
        own("GIT_ALLOC_LIMIT", "1g"),
        own("GIT_ASKPASS", ""),
        own("GIT_ATTR_NOSYSTEM", "1"),
        own("GIT_CONFIG_GLOBAL", "/dev/null"),
        own("GIT_CONFIG_NOSYSTEM", "1"),
        own("GIT_CONFIG_SYSTEM", "/dev/null"),
        own("GIT_LITERAL_PATHSPECS", "1"),
        own("GIT_NO_LAZY_FETCH", "1"),
        own("GIT_NO_REPLACE_OBJECTS", "1"),
        own("GIT_OPTIONAL_LOCKS", "0"),
        own("GIT_PROTOCOL_FROM_USER", "0"),
        own("GIT_TERMINAL_PROMPT", "0"),
        own("HOME", "/nonexistent"),
        own("LC_ALL", "C"),
        own("SSH_ASKPASS_REQUIRE", "never"),
    ];
    if let Ok(path) = std::env::var("PATH") {
        variables.push(own("PATH", &path));
    }
    variables
}

/// For a call that reads or writes the mirror, and can reach nothing else.
pub(super) fn local(mirror: &Path) -> Variables {
    let mut variables = within(mirror);
    variables.push(("GIT_ALLOW_PROTOCOL".to_owned(), String::new()));
    configured(variables, base(mirror))
}

/// For a call that writes objects: some of those that others name may be left out.
pub(super) fn writing(mirror: &Path) -> Variables {
    let mut variables = within(mirror);
    variables.push(("GIT_ALLOW_PROTOCOL".to_owned(), String::new()));
    let mut configuration = base(mirror);
    configuration.push(("remote.origin.promisor".to_owned(), "true".to_owned()));
    configured(variables, configuration)
}

/// For a call that speaks to the repository's server, as the remote `origin`.
pub(super) fn remote(mirror: &Path, origin: &Origin, filter: &str) -> Result<Variables, GitError> {
    let Origin { url, credentials, certificate_authority } = origin;
    let mut configuration = base(mirror);
    let mut set = |name: &str, value: String| configuration.push((name.to_owned(), value));
    set("remote.origin.url", url.to_string());
    set("remote.origin.promisor", "true".to_owned());
    set("remote.origin.partialCloneFilter", filter.to_owned());
    set(&format!("protocol.{}.allow", url.scheme().name()), "always".to_owned());
    if let Some(file) = certificate_authority {
        set("http.sslCAInfo", file.display().to_string());
    }
    let mut variables = within(mirror);
    variables.push(("GIT_ALLOW_PROTOCOL".to_owned(), url.scheme().name().to_owned()));
    let proxies =
        PROXIES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    variables.extend(proxies);
    match credentials {
        Credentials::None => {}
        Credentials::Basic { user, secret } => {
            hidden_from_listeners(url)?;
            let name = format!("http.{}.extraHeader", url.server());
            set(&name, Credentials::header(user, secret));
        }
        Credentials::SshKey(key) => {
            variables.push(("GIT_SSH_COMMAND".to_owned(), ssh(key)?));
            variables.push(("GIT_SSH_VARIANT".to_owned(), "ssh".to_owned()));
        }
    }
    Ok(configured(variables, configuration))
}

fn within(mirror: &Path) -> Variables {
    let mut variables = bare();
    variables.push(("GIT_DIR".to_owned(), ".".to_owned()));
    variables.push((super::leftovers::MARK.to_owned(), mirror.display().to_string()));
    variables
}

fn base(mirror: &Path) -> Variables {
    let fixed = CONFIGURATION.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let forgiven = FORGIVEN.iter().map(|it| (format!("fetch.fsck.{it}"), "ignore".to_owned()));
    let safe = [("safe.directory".to_owned(), mirror.display().to_string())];
    fixed.chain(forgiven).chain(safe).collect()
}

fn configured(mut variables: Variables, configuration: Variables) -> Variables {
    variables.push(("GIT_CONFIG_COUNT".to_owned(), configuration.len().to_string()));
    for (index, (name, value)) in configuration.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{index}"), name));
        variables.push((format!("GIT_CONFIG_VALUE_{index}"), value));
    }
    variables
}

/// A secret that is sent in clear is none any more.
fn hidden_from_listeners(url: &RemoteUrl) -> Result<(), GitError> {
    let host = url.host().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|it| it.is_loopback());
    match url.scheme() {
        Scheme::Https => Ok(()),
        Scheme::Http if is_here => Ok(()),
        Scheme::Http => {
            Err(unfit("they are not sent over http, which others can read: write https"))
        }
        Scheme::Ssh => Err(unfit("ssh wants a key, and has a user and a secret")),
        Scheme::File => Err(unfit("a folder asks for none")),
    }
}

/// git hands this to a shell, as its only way to give ssh options. Nothing of a repository is in it:
/// host and path come as arguments of their own, and the two paths are the platform's, and plain.
fn ssh(SshKey { key, known_hosts }: &SshKey) -> Result<String, GitError> {
    let plain = |path: &Path| match path.to_str() {
        Some(text) if text.starts_with('/') && text.chars().all(is_plain) => Ok(text.to_owned()),
        Some(_) | None => Err(unfit("paths for ssh are absolute, of letters, digits and ._+@-")),
    };
    let (key, known_hosts) = (plain(key)?, plain(known_hosts)?);
    Ok(format!(
        "ssh -F /dev/null -i {key} -o IdentitiesOnly=yes -o UserKnownHostsFile={known_hosts} \
         -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o BatchMode=yes \
         -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ForwardAgent=no -o ClearAllForwardings=yes"
    ))
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || "/._+@-".contains(character)
}

fn unfit(why: &str) -> GitError {
    GitError::Unauthorised { message: why.to_owned() }
}
