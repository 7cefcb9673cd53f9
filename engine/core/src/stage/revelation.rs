//! How a step comes to the secrets that its configuration names.

use super::{Secret, SecretText, SecretValue, StageError, StepContext};
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a secret has no value for a step. No message holds one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("there is no secret `{name}`: {looked}")]
    Unknown { name: String, looked: String },
    #[error("secret `{name}` may not be used by {by}")]
    NotGranted { name: String, by: String },
    #[error("secret `{name}` cannot be used: {why}")]
    Unusable { name: String, why: String },
    #[error("secret `{name}` cannot be read: {why}")]
    Unreadable { name: String, why: String },
}

impl From<SecretError> for StageError {
    fn from(error: SecretError) -> StageError {
        match error {
            SecretError::Unknown { .. }
            | SecretError::NotGranted { .. }
            | SecretError::Unusable { .. } => StageError::Failure(error.to_string()),
            SecretError::Unreadable { .. } => StageError::Error(error.to_string()),
        }
    }
}

impl StepContext {
    /// The text with the present values of its secrets.
    pub async fn reveal(&self, text: &SecretText) -> Result<Secret, StageError> {
        let found = self.found(text.names()).await?;
        Ok(text.filled(&|name| taken(&found, name))?)
    }

    /// The value with the present values of its secrets. It must not go anywhere but to where it
    /// is used.
    pub async fn reveal_value(&self, value: &SecretValue) -> Result<Value, StageError> {
        let names = value.names();
        let found = self.found(names.iter().map(String::as_str)).await?;
        Ok(value.filled(&|name| taken(&found, name))?)
    }

    async fn found<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, Secret>, StageError> {
        let mut found = BTreeMap::new();
        for name in names {
            found.insert(name.to_owned(), self.services.secret(name).await?);
        }
        Ok(found)
    }
}

fn taken(found: &BTreeMap<String, Secret>, name: &str) -> Result<Secret, SecretError> {
    found.get(name).cloned().ok_or_else(|| SecretError::Unknown {
        name: name.to_owned(),
        looked: "it was not asked for".to_owned(),
    })
}
