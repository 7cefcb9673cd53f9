//! Who may write, in SQLite: one lease row, compared and taken in one transaction.

use super::{
    columns::{self, FORMAT, integer},
    failure::Failure,
    session::Session,
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    clock::milliseconds,
    id::Epoch,
    store::{Candidate, LEASE, Lease, LeaseTerms, StoreError, Takeover},
};
use sqlx::sqlite::SqliteRow;
use std::time::Duration;

pub(super) const LEASE_ROW: &str = "SELECT epoch, process_id, process_started, pid_namespace, \
    boot, elapsed, civil, renewals, length_ms FROM lease";

pub(super) fn lease(row: &SqliteRow) -> Result<Lease, Failure> {
    let owner = Candidate {
        process_id: columns::small(row, 1)?,
        process_started: columns::count(row, 2)?,
        pid_namespace: columns::text(row, 3)?,
        boot: columns::text(row, 4)?,
        now: columns::now(row, 5)?,
    };
    let length = Duration::from_millis(columns::count(row, 8)?);
    Ok(Lease {
        epoch: Epoch(columns::count(row, 0)?),
        owner,
        renewals: columns::count(row, 7)?,
        terms: LeaseTerms { length },
    })
}

pub(super) async fn standing(session: &mut Session) -> Result<Option<Lease>, Failure> {
    session.rows(sqlx::query(LEASE_ROW)).await?.first().map(lease).transpose()
}

pub(super) struct Acquire {
    pub(super) candidate: Candidate,
    pub(super) takeover: Takeover,
}

/// The lease, or whoever holds it.
type Acquired = Result<Lease, Box<Candidate>>;

impl Work for Acquire {
    type Answer = Acquired;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Acquired, Failure>> {
        Box::pin(async move {
            match (standing(session).await?, &self.takeover) {
                (None, _) => {}
                (Some(lease), Takeover::Of(seen)) if **seen == lease => {
                    self.count_unclean_end(session).await?;
                }
                (Some(lease), _) => return Ok(Err(Box::new(lease.owner))),
            }
            Ok(Ok(self.take(session).await?))
        })
    }
}

impl Acquire {
    /// Counts the runs that are driven as soon as somebody drives any: what only waits for a
    /// person, for others or for a later moment had no part in the end.
    async fn count_unclean_end(&self, session: &mut Session) -> Result<(), Failure> {
        let text = "UPDATE run SET unclean_ends = unclean_ends + 1 WHERE finished = 0 AND \
            (waiting IS NULL OR waiting IN ('readiness', 'cluster') \
            OR wake_elapsed <= ?1 OR wake_civil <= ?2 OR id IN (SELECT run FROM input))";
        let now = &self.candidate.now;
        let statement = sqlx::query(text).bind(integer(now.elapsed.0)).bind(integer(now.civil.0));
        session.execute(statement).await
    }

    async fn take(&self, session: &mut Session) -> Result<Lease, Failure> {
        let Candidate { process_id, process_started, pid_namespace, boot, now } = &self.candidate;
        let text = "UPDATE counters SET epoch = epoch + 1; \
            INSERT OR REPLACE INTO lease (id, epoch, process_id, process_started, pid_namespace, \
            boot, elapsed, civil, renewals, length_ms) \
            SELECT 1, epoch, ?1, ?2, ?3, ?4, ?5, ?6, 0, ?7 FROM counters; \
            UPDATE run SET epoch = (SELECT epoch FROM counters) \
            WHERE finished = 0 AND format <= ?8; \
            DELETE FROM input WHERE run NOT IN (SELECT id FROM run WHERE finished = 0)";
        let statement = sqlx::query(text)
            .bind(i64::from(*process_id))
            .bind(integer(*process_started))
            .bind(pid_namespace)
            .bind(boot)
            .bind(integer(now.elapsed.0))
            .bind(integer(now.civil.0))
            .bind(integer(milliseconds(LEASE)))
            .bind(FORMAT);
        session.execute(statement).await?;
        let taken = standing(session).await?;
        taken.ok_or_else(|| Failure::Format("the lease row was not written".to_owned()))
    }
}

/// What the holder of a lease may do with it.
#[derive(Clone, Copy)]
pub(super) enum Keeping {
    Renew,
    Release,
}

pub(super) struct Keep {
    pub(super) epoch: Epoch,
    pub(super) keeping: Keeping,
}

impl Work for Keep {
    type Answer = Result<(), StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            match standing(session).await? {
                Some(lease) if lease.epoch == self.epoch => {}
                other => return Ok(Err(lost(other.map(|lease| lease.owner.process_id)))),
            }
            session.execute(sqlx::query(self.keeping.text())).await?;
            Ok(Ok(()))
        })
    }
}

impl Keeping {
    fn text(self) -> &'static str {
        match self {
            Keeping::Renew => "UPDATE lease SET renewals = renewals + 1",
            Keeping::Release => "DELETE FROM lease",
        }
    }
}
