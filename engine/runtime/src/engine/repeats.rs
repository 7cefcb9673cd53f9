//! What is needed to repeat a run: what was kept with it.

use super::Engine;
use engine_core::{id::BlobName, store::StoreError};

/// Why something that was kept cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("what was kept as {0} is not in the store")]
    Missing(BlobName),
    #[error(
        "what was kept as {0} cannot be opened: the key file of this state directory is another one"
    )]
    Sealed(BlobName),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// The content of a file that was kept with a run.
    ///
    /// # Errors
    ///
    /// When it is not there, or sealed with another key, or the store does not answer.
    pub async fn kept(&self, name: &BlobName) -> Result<Vec<u8>, KeptError> {
        let backing = &self.shop.backing;
        let sealed = backing.store.blob(name).await?;
        let sealed = sealed.ok_or_else(|| KeptError::Missing(name.clone()))?;
        backing.sealer.open(name, &sealed).map_err(|_| KeptError::Sealed(name.clone()))
    }
}
