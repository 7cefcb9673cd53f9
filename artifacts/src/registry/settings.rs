//! What the platform says of a registry.

use std::sync::Arc;
use zeroize::Zeroizing;

/// How a registry is asked.
#[derive(Clone, Default)]
pub struct Settings {
    pub credentials: Credentials,
    /// PEM certificates whose servers are trusted here beside those that the system trusts.
    pub certificate_authority: Option<String>,
    pub transport: Transport,
}

/// Whose name requests go by.
#[derive(Clone, Default)]
pub enum Credentials {
    #[default]
    Anonymous,
    /// The value of a secret: `user:password`, or a token that has no colon.
    Secret(Reveal),
}

/// Reads a secret anew each time it is needed, so that it can be changed meanwhile; or says why not.
pub type Reveal = Arc<dyn Fn() -> Result<Zeroizing<String>, String> + Send + Sync>;

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Always, but for loopback without a certificate authority.
    #[default]
    Usual,
    /// Never: everybody on the way can read and change what passes.
    Plain,
}

/// Which registries may be asked beside those with settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// Every one, without credentials.
    #[default]
    Anonymous,
    Refused,
}

/// Whether a registry has settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Declared,
    Other,
}

/// What is wrong with the settings of one host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("registry `{host}`: {reason}")]
pub struct SettingsFault {
    pub host: String,
    pub reason: String,
}

/// Credentials, ready for use.
pub(super) enum Access {
    Anonymous,
    /// For a name and a password, as the header has them.
    Basic(Zeroizing<String>),
    Bearer(Zeroizing<String>),
}

impl Credentials {
    pub(super) fn access(&self) -> Result<Access, String> {
        let reveal = match self {
            Credentials::Anonymous => return Ok(Access::Anonymous),
            Credentials::Secret(reveal) => reveal,
        };
        let value = reveal()?;
        let value = value.trim();
        if value.is_empty() {
            return Err("the secret with its credentials is empty".to_owned());
        }
        let kept = || Zeroizing::new(value.to_owned());
        Ok(if value.contains(':') { Access::Basic(kept()) } else { Access::Bearer(kept()) })
    }
}
