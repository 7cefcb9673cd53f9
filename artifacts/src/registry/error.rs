//! What asking a registry can come to, sorted by what its caller does next.

use std::time::Duration;

/// Why a registry brought nothing. Each variant is a decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// There is no such thing until somebody pushes it.
    #[error("{host} has no {what}")]
    Missing { host: String, what: String },
    /// Credentials are missing, or are not accepted.
    #[error("{host} does not let us read {what}: {why}; see `registries` in gennaker.yaml")]
    Unauthorised { host: String, what: String, why: String },
    /// It did not answer, or not now: ask again, not before `again` has passed.
    #[error("{host} cannot be asked: {why}")]
    Unreachable { host: String, why: String, again: Duration },
    /// The answer was longer than anything that is believed, and was not read to its end.
    #[error("{host} answers more than {limit} bytes about {what}")]
    TooLarge { host: String, what: String, limit: usize },
    /// It may not be asked, or its answer may not be believed.
    #[error("{host}: {reason}")]
    Refused { host: String, reason: String },
}

impl RegistryError {
    /// Whether the same question may have an answer later, and after how long.
    pub fn again(&self) -> Option<Duration> {
        match self {
            RegistryError::Unreachable { again, .. } => Some(*again),
            RegistryError::Missing { .. }
            | RegistryError::Unauthorised { .. }
            | RegistryError::TooLarge { .. }
            | RegistryError::Refused { .. } => None,
        }
    }
}
