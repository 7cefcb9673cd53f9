//! The mirror of a repository while it is in use: packed at leisure, and made anew when it is of no
//! more use.

use super::Repository;
use artifacts::git::{Git, GitError, Limited, Limits, Mirror, Origin, discard};
use engine_core::latest::Latest;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::Mutex as Turn, task::spawn_blocking};

/// How often a mirror is packed at most.
const PACKING: Duration = Duration::from_secs(60 * 60);

/// What a mirror is opened with.
#[derive(Clone)]
pub(in crate::sources) struct Opening {
    pub(in crate::sources) git: Git,
    pub(in crate::sources) directory: PathBuf,
    pub(in crate::sources) origin: Origin,
    pub(in crate::sources) limits: Limits,
}

impl Opening {
    async fn open(&self) -> Result<Mirror, GitError> {
        let with = (self.origin.clone(), self.limits.clone());
        Mirror::open(&self.git, &self.directory, with).await
    }
}

/// A mirror, and how to get another one like it.
pub(in crate::sources) struct Replica {
    opening: Latest<Opening>,
    mirror: Latest<Mirror>,
    /// When it was packed last, or opened. Held by whoever packs it or makes it anew.
    packed: Arc<Turn<Instant>>,
}

impl Replica {
    pub(in crate::sources) async fn open(opening: Opening) -> Result<Replica, GitError> {
        let mirror = Latest::new(opening.open().await?);
        let (opening, packed) = (Latest::new(opening), Arc::new(Turn::new(Instant::now())));
        Ok(Replica { opening, mirror, packed })
    }

    /// Asks its server by this way from here on.
    pub(super) fn go_by(&self, origin: &Origin) -> Result<(), GitError> {
        let (opening, mirror) = (self.opening.now(), self.mirror());
        if *mirror.origin() == *origin {
            return Ok(());
        }
        self.opening.replace(Opening { origin: origin.clone(), ..Opening::clone(&opening) });
        self.mirror.replace(mirror.through(origin.clone())?);
        Ok(())
    }

    /// Whether the server may be shown such credentials.
    pub(in crate::sources) fn judge(&self, origin: &Origin) -> Result<(), GitError> {
        self.mirror().through(origin.clone()).map(drop)
    }

    pub(super) fn mirror(&self) -> Arc<Mirror> {
        self.mirror.now()
    }

    /// Has it packed, if that was long ago; nobody waits for it.
    pub(super) fn tend(&self) {
        let Ok(mut packed) = self.packed.clone().try_lock_owned() else { return };
        if packed.elapsed() < PACKING {
            return;
        }
        let mirror = self.mirror();
        tokio::spawn(async move {
            *packed = Instant::now();
            if let Err(error) = mirror.maintain().await {
                tracing::warn!(mirror = %mirror.directory().display(), %error, "it is not packed");
            }
        });
    }

    /// Puts an empty one in the place of `spent`, unless somebody has.
    async fn renew(&self, spent: &Arc<Mirror>) -> Result<(), GitError> {
        let mut packed = self.packed.lock().await;
        if !Arc::ptr_eq(spent, &self.mirror()) {
            return Ok(());
        }
        let opening = self.opening.now();
        let directory = opening.directory.clone();
        let machine = |message: String| GitError::Machine { message };
        let discarded = spawn_blocking(move || discard(&directory)).await;
        discarded
            .map_err(|error| machine(error.to_string()))?
            .map_err(|error| machine(error.to_string()))?;
        self.mirror.replace(opening.open().await?);
        *packed = Instant::now();
        Ok(())
    }
}

/// What an error says of the mirror.
enum Verdict {
    /// Nothing can be done with it.
    Useless,
    /// No more fits in.
    Full,
    /// It is as good as it was.
    Sound,
}

impl Verdict {
    fn of(error: &GitError, mirror: &Mirror) -> Verdict {
        match error {
            GitError::Damaged { .. } => Verdict::Useless,
            GitError::Machine { .. } if !mirror.directory().exists() => Verdict::Useless,
            GitError::TooLarge { limited: Limited::Disk { .. } } => Verdict::Full,
            GitError::TooLarge {
                limited:
                    Limited::Memory { .. }
                    | Limited::Refs { .. }
                    | Limited::Files { .. }
                    | Limited::Total { .. }
                    | Limited::Output { .. },
            }
            | GitError::Machine { .. }
            | GitError::Unreachable { .. }
            | GitError::Unauthorised { .. }
            | GitError::Untrusted { .. }
            | GitError::Moved { .. }
            | GitError::NoSuchRepository { .. }
            | GitError::NoSuchRef { .. }
            | GitError::NoSuchObject { .. }
            | GitError::NotOfThisKind { .. }
            | GitError::Deadline { .. }
            | GitError::Refused { .. } => Verdict::Sound,
        }
    }
}

impl Repository {
    /// After `error`: whether to try again, for which a useless mirror is made anew. A full one is
    /// emptied, so that whoever looks next finds room.
    pub(super) async fn mend(&self, error: GitError, used: &Arc<Mirror>) -> Result<(), GitError> {
        match Verdict::of(&error, used) {
            Verdict::Sound => Err(error),
            Verdict::Full => {
                tracing::warn!(repository = self.key, %error, "its mirror is emptied");
                self.renew(used).await?;
                Err(error)
            }
            Verdict::Useless => {
                tracing::warn!(repository = self.key, %error, "its mirror is made anew");
                self.renew(used).await?;
                self.caught_up().await.map(drop)
            }
        }
    }

    /// While nobody fetches.
    async fn renew(&self, spent: &Arc<Mirror>) -> Result<(), GitError> {
        let mut state = self.memory.state.lock().await;
        state.shelved = None;
        self.replica.renew(spent).await
    }
}
