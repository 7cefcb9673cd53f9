//! Whether what is known of a repository was seen by this engine, or by one before it.

use super::{Repository, State, poll_error};
use artifacts::git::{GitError, Refs};
use engine_core::trigger::PollError;
use std::sync::{MutexGuard, PoisonError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Nobody has looked since the engine began.
    #[default]
    Unseen,
    Seen,
    /// It was tried, and its server did not tell.
    Tried,
}

impl Repository {
    fn fresh(&self) -> MutexGuard<'_, Freshness> {
        self.memory.freshness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn freshness(&self) -> Freshness {
        *self.fresh()
    }

    /// What is on the shelf is what its server has.
    fn looked_at(&self) {
        let before = std::mem::replace(&mut *self.fresh(), Freshness::Seen);
        if before != Freshness::Seen {
            self.ground.looked.notify_waiters();
        }
    }

    pub(super) fn tried(&self) {
        let mut fresh = self.fresh();
        if *fresh == Freshness::Unseen {
            *fresh = Freshness::Tried;
            self.ground.looked.notify_waiters();
        }
    }

    /// Looks at it, if this engine has not yet: what began of what an earlier one saw might not be there
    /// any more.
    pub(crate) async fn refresh(&self) -> Result<(), PollError> {
        match self.freshness() {
            Freshness::Seen => return Ok(()),
            Freshness::Unseen | Freshness::Tried => {}
        }
        let used = self.replica.mirror();
        let looked = match self.refreshed().await {
            Err(error) => match self.mend(error, &used).await {
                Ok(()) => self.refreshed().await,
                Err(error) => Err(error),
            },
            done => done,
        };
        looked.map_err(|error| {
            self.tried();
            poll_error(error)
        })
    }

    async fn refreshed(&self) -> Result<(), GitError> {
        let mut state = self.memory.state.lock().await;
        self.look_now(&mut state).await.map(drop)
    }

    /// Has mirror and shelf be what the server has.
    pub(super) async fn look_now(&self, state: &mut State) -> Result<Refs, GitError> {
        let refs = self.caught_up().await?;
        self.shelve(state, &refs).await?;
        self.looked_at();
        Ok(refs)
    }
}
