//! What git is told besides its arguments: a configuration that trusts nobody, and the credentials.
//!
//! All of it goes through the environment of the one process: neither the command line, which others
//! of this machine can read, nor a file of the mirror ever has it.

use super::{credentials::Shown, error::GitError, mirror::Origin};
use std::{fs::File, path::Path};

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

/// The variables of one process, and files that are there as long as it runs.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) variables: Variables,
    pub(super) held: Vec<File>,
}

impl From<Variables> for Environment {
    fn from(variables: Variables) -> Environment {
        Environment { variables, held: Vec::new() }
    }
}

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
pub(super) fn local(mirror: &Path) -> Environment {
    let mut variables = within(mirror);
    variables.push(("GIT_ALLOW_PROTOCOL".to_owned(), String::new()));
    configured(variables, base(mirror)).into()
}

/// For a call that writes objects: some of those that others name may be left out.
pub(super) fn writing(mirror: &Path) -> Environment {
    let mut variables = within(mirror);
    variables.push(("GIT_ALLOW_PROTOCOL".to_owned(), String::new()));
    let mut configuration = base(mirror);
    configuration.push(("remote.origin.promisor".to_owned(), "true".to_owned()));
    configured(variables, configuration).into()
}

/// For a call that speaks to the repository's server, as the remote `origin`.
pub(super) fn remote(
    mirror: &Path,
    origin: &Origin,
    filter: &str,
) -> Result<Environment, GitError> {
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
    let proxy = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    variables.extend(PROXIES.iter().filter_map(proxy));
    let mut held = Vec::new();
    match credentials.shown_to(url)? {
        Shown::Nothing => {}
        Shown::Header(header) => set(&format!("http.{}.extraHeader", url.server()), header),
        Shown::Key { command, files } => {
            variables.push(("GIT_SSH_COMMAND".to_owned(), command));
            variables.push(("GIT_SSH_VARIANT".to_owned(), "ssh".to_owned()));
            held.extend(files);
        }
    }
    Ok(Environment { variables: configured(variables, configuration), held })
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
