//! What a server wants to see before it answers, and to whom it is shown.

use super::{
    error::GitError,
    url::{RemoteUrl, Scheme},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fmt,
    fs::{File, Permissions},
    io::{self, Write},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
};
use zeroize::Zeroizing;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// For `ssh`. Host keys that are not known are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    /// As `ssh-keygen` writes it, without a passphrase.
    pub key: Secret,
    /// Lines of a `known_hosts`.
    pub known_hosts: String,
}

/// Not shown by anything.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// What one call of git is given.
pub(super) enum Shown {
    Nothing,
    Header(String),
    Key {
        command: String,
        /// Where the command finds them, while they are held.
        files: [File; 2],
    },
}

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
    /// Of one text: `user:secret`, or a token alone, which most hosts accept with any user, or a private
    /// key for ssh with the lines of a `known_hosts` after it.
    pub fn of_text(text: &str) -> Credentials {
        let text = text.trim();
        if text.starts_with("-----BEGIN ") {
            return Credentials::SshKey(SshKey::of_text(text));
        }
        let (user, secret) = text.split_once(':').unwrap_or(("git", text));
        Credentials::Basic { user: user.to_owned(), secret: Secret::new(secret.to_owned()) }
    }

    /// Refuses what a server of this kind cannot be shown, or could be seen by others on the way.
    pub(super) fn shown_to(&self, url: &RemoteUrl) -> Result<Shown, GitError> {
        match (self, url.scheme()) {
            (Credentials::None, Scheme::Https | Scheme::Http | Scheme::File) => Ok(Shown::Nothing),
            (Credentials::Basic { user, secret }, Scheme::Https) => Ok(header(user, secret)),
            (Credentials::Basic { user, secret }, Scheme::Http) if is_this_machine(url) => {
                Ok(header(user, secret))
            }
            (Credentials::Basic { .. }, Scheme::Http) => {
                Err(unfit("they are not sent over http, which others can read: write https"))
            }
            (Credentials::SshKey(key), Scheme::Ssh) => key.shown(),
            (Credentials::None | Credentials::Basic { .. }, Scheme::Ssh) => {
                Err(unfit("ssh wants a private key, and after it the lines of a known_hosts"))
            }
            (Credentials::SshKey(_), Scheme::Https | Scheme::Http) => {
                Err(unfit("a private key is for ssh: write user:secret, or a token"))
            }
            (Credentials::Basic { .. } | Credentials::SshKey(_), Scheme::File) => {
                Err(unfit("a folder asks for none"))
            }
        }
    }
}

impl SshKey {
    fn of_text(text: &str) -> SshKey {
        let is_end = |line: &str| line.starts_with("-----END ");
        let count = text.lines().take_while(|line| !is_end(line)).count() + 1;
        let join = |lines: Vec<&str>| lines.into_iter().map(|it| format!("{it}\n")).collect();
        let key: String = join(text.lines().take(count).map(str::trim).collect());
        SshKey { key: Secret::new(key), known_hosts: join(text.lines().skip(count).collect()) }
    }

    /// git hands the command to a shell, as its only way to give ssh options. Nothing of a repository is
    /// in it: host and path come as arguments of their own. Key and hosts are never written to a disk.
    fn shown(&self) -> Result<Shown, GitError> {
        let file = |text: &str| {
            in_memory(text).map_err(|error| GitError::Machine { message: error.to_string() })
        };
        let files = [file(&self.key.0)?, file(&self.known_hosts)?];
        let [key, known_hosts] = files
            .each_ref()
            .map(|it| format!("/proc/{}/fd/{}", std::process::id(), it.as_raw_fd()));
        let command = format!(
            "ssh -F /dev/null -i {key} -o IdentitiesOnly=yes -o UserKnownHostsFile={known_hosts} \
             -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o UpdateHostKeys=no \
             -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ForwardAgent=no \
             -o ClearAllForwardings=yes"
        );
        Ok(Shown::Key { command, files })
    }
}

fn header(user: &str, secret: &Secret) -> Shown {
    let pair = Zeroizing::new(format!("{user}:{}", *secret.0));
    Shown::Header(format!("Authorization: Basic {}", STANDARD.encode(pair.as_bytes())))
}

fn is_this_machine(url: &RemoteUrl) -> bool {
    let host = url.host().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

/// A file that only this process and those of its user can open, as long as it is held.
fn in_memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("gennaker", MemfdFlags::CLOEXEC)?);
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn unfit(why: &str) -> GitError {
    GitError::Unauthorised { message: why.to_owned() }
}
