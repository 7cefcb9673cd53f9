//! What is needed to repeat a run: what was kept with it, and what has happened since.

use super::Engine;
use crate::reader::ReadError;
use engine_core::{
    Execution,
    id::BlobName,
    revision::{self, Origin, Revision},
    store::StoreError,
};
use std::collections::BTreeSet;

/// What has happened since an earlier run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    pub moved_on: Vec<Moved>,
    /// The environments in which what the run had deployed is not live any more: another run has
    /// written there, or the run itself went back.
    pub gone: BTreeSet<String>,
}

/// An environment in which another run has recorded something since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub environment: String,
    /// The newest revision there, and its run: `checkout#13`.
    pub revision: u64,
    pub by: String,
}

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
    /// What has happened to the environments of an earlier run since it wrote there, or had begun.
    ///
    /// # Errors
    ///
    /// When the store does not answer.
    pub async fn since(&self, earlier: &Execution) -> Result<Since, ReadError> {
        let reader = self.reader();
        let mut runs = earlier.taken_over_from();
        runs.insert(earlier.recorded().id);
        let mut since = Since::default();
        for (environment, state) in &earlier.recorded().targets {
            let revisions = reader.revisions(&state.target).await?;
            let newer = revision::newer(&revisions, &runs, earlier.recorded().started_at);
            if let Some(newest) = newer {
                let by = reader.summary(newest.run).await?.label();
                let (environment, revision) = (environment.clone(), newest.number);
                since.moved_on.push(Moved { environment, revision, by });
            }
            let went_back = |revision: &&Revision| match revision.set.origin {
                Origin::Deploy => false,
                Origin::Rollback { .. } => runs.contains(&revision.run),
            };
            if newer.is_some() || revisions.iter().any(|revision| went_back(&revision)) {
                since.gone.insert(environment.clone());
            }
        }
        Ok(since)
    }

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
