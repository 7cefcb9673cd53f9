//! Taking away what is kept no longer.

use super::StoreError;
use crate::{
    BoxFuture,
    clock::Civil,
    id::{Epoch, RunId},
    retention::Aged,
};

/// Which runs that have ended are looked at, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgedFilter {
    pub ended_before: Civil,
    /// Only runs that started after this one.
    pub after: Option<RunId>,
    pub limit: u32,
}

/// Whether runs that are gone have left something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    MayBeMore,
    All,
}

/// # Contract
///
/// Each call is one transaction, so short that whoever appends meanwhile does not feel it. Which runs
/// are to go is for the caller to judge (`retention`); numbers of runs and revisions never come again.
pub trait Forgetting: Send + Sync + 'static {
    fn aged(&self, filter: AgedFilter) -> BoxFuture<'_, Result<Vec<Aged>, StoreError>>;
    /// Takes runs away with their revisions, but for those that have not ended, and those that have
    /// recorded a revision of a target which somebody holds or asks for; answers with those that went.
    /// From then on nobody finds them. What else is theirs goes by [`Forgetting::clear`].
    fn forget_runs(
        &self,
        epoch: Epoch,
        runs: Vec<RunId>,
    ) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>>;
    /// Takes away some of what runs have left that are gone: rows of the log, what was printed, plans
    /// that no run has, and blobs that no run, plan or revision names.
    fn clear(&self, epoch: Epoch) -> BoxFuture<'_, Result<Cleared, StoreError>>;
    /// Looks at some of the requests whose keys come after `after`, and takes away those from before
    /// `civil` milliseconds whose runs are gone; answers with where to go on.
    fn forget_requests(
        &self,
        epoch: Epoch,
        span: (String, Civil),
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
}
