//! What polls of registries have in common.

use artifacts::registry::RegistryError;
use engine_core::trigger::PollError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::time::Duration;

/// Of the minute that a poll may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(50);

/// What is to be done about an error.
pub(crate) fn poll_error(error: &RegistryError) -> PollError {
    let reason = error.to_string();
    match error {
        RegistryError::Unreachable { again, .. } => {
            PollError::Later { reason, after: Some(*again) }
        }
        RegistryError::Missing { .. }
        | RegistryError::Unauthorised { .. }
        | RegistryError::TooLarge { .. }
        | RegistryError::Refused { .. } => PollError::Refused { reason },
    }
}

pub(crate) fn read<C: DeserializeOwned>(cursor: Option<Value>) -> Result<Option<C>, PollError> {
    let unreadable = |error: serde_json::Error| PollError::Refused {
        reason: format!("what is remembered of it cannot be read: {error}"),
    };
    cursor.map(serde_json::from_value).transpose().map_err(unreadable)
}

pub(crate) fn written(cursor: &impl Serialize) -> Result<Value, PollError> {
    serde_json::to_value(cursor).map_err(|error| PollError::Refused {
        reason: format!("what is to be remembered of it cannot be written: {error}"),
    })
}

/// Its answer, or that it took too long.
pub(crate) async fn in_time<T>(
    work: impl Future<Output = Result<T, PollError>>,
) -> Result<T, PollError> {
    let late = || PollError::Later {
        reason: format!("the registry took more than {} s", DEADLINE.as_secs()),
        after: None,
    };
    tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| Err(late()))
}
