//! The rows that follow from an append's events: claims, waiters, grants, revisions.

use super::{batch::Batch, columns, failure::Failure, session::Session};
use engine_core::{
    admission::{self, Claimant, Queue, TARGET_LIMIT},
    event::Message,
    id::{Resource, RunId, Ticket},
    revision::Target,
    store::{Append, RowChange},
};
use sqlx::sqlite::SqliteRow;

/// One append whose consequences are being written.
pub(super) struct Consequences<'a> {
    pub(super) session: &'a mut Session,
    pub(super) batch: &'a mut Batch,
    pub(super) item: &'a Append,
    /// Runs for which inputs were written.
    pub(super) woken: Vec<RunId>,
}

/// Holders come first; the first column tells the two apart.
pub(super) const QUEUE: &str = "SELECT 0, ticket, run FROM claim WHERE resource = ?1 \
    UNION ALL SELECT 1, ticket, run FROM waiter WHERE resource = ?1 ORDER BY 1, 2";

pub(super) fn queue(rows: &[SqliteRow]) -> Result<Queue, Failure> {
    let mut queue = Queue::default();
    for row in rows {
        let claimant =
            Claimant { ticket: Ticket(columns::count(row, 1)?), run: columns::run(row, 2)? };
        match columns::count(row, 0)? {
            0 => queue.holders.push(claimant),
            _ => queue.waiters.push(claimant),
        }
    }
    Ok(queue)
}

impl Consequences<'_> {
    pub(super) async fn follow(&mut self, change: RowChange<'_>) -> Result<(), Failure> {
        match change {
            RowChange::Ask { resource, target, keeps } => self.ask(&resource, target, &keeps).await,
            RowChange::Release { resource, target } => {
                self.give_back(&resource).await?;
                let queue = self.queue(&resource).await?;
                self.admit(&queue, target).await
            }
            RowChange::Record { stage, target, set } => {
                super::revisions::record(self, super::revisions::Recorded { stage, target, set })
                    .await
            }
            RowChange::Prove { target, proof } => {
                super::revisions::prove(self.session, self.item.run, (target, proof)).await
            }
        }
    }

    /// Asking again keeps the place in the queue and renews what the waiter keeps.
    async fn ask(
        &mut self,
        resource: &Resource,
        target: &Target,
        keeps: &[Resource],
    ) -> Result<(), Failure> {
        let run = self.item.run;
        let mut queue = self.queue(resource).await?;
        if queue.holders.iter().any(|holder| holder.run == run) {
            return Ok(());
        }
        let before = queue.waiters.iter().find(|waiter| waiter.run == run).copied();
        let ticket = match before {
            Some(waiter) => waiter.ticket,
            None => {
                let ticket = self.batch.ticket();
                queue.waiters.push(Claimant { ticket, run });
                ticket
            }
        };
        let text = "INSERT INTO waiter (resource, ticket, run, keeps) VALUES (?, ?, ?, ?) \
            ON CONFLICT (resource, ticket) DO UPDATE SET keeps = excluded.keeps";
        let statement = sqlx::query(text)
            .bind(&resource.0)
            .bind(columns::integer(ticket.0))
            .bind(run.0.as_bytes().to_vec())
            .bind(serde_json::to_string(keeps)?);
        self.session.execute(statement).await?;
        self.admit(&queue, target).await
    }

    async fn give_back(&mut self, resource: &Resource) -> Result<(), Failure> {
        let text = "DELETE FROM claim WHERE resource = ?1 AND run = ?2; \
            DELETE FROM waiter WHERE resource = ?1 AND run = ?2; \
            DELETE FROM input WHERE resource = ?1 AND run = ?2";
        let run = self.item.run.0.as_bytes().to_vec();
        self.session.execute(sqlx::query(text).bind(&resource.0).bind(run)).await
    }

    async fn queue(&mut self, resource: &Resource) -> Result<Queue, Failure> {
        queue(&self.session.rows(sqlx::query(QUEUE).bind(&resource.0)).await?)
    }

    async fn admit(&mut self, queue: &Queue, target: &Target) -> Result<(), Failure> {
        let text = "DELETE FROM waiter WHERE resource = ?1 AND ticket = ?2; \
            INSERT INTO claim (resource, ticket, run) VALUES (?1, ?2, ?3); \
            INSERT INTO input (id, run, resource, message) VALUES (?4, ?3, ?1, ?5)";
        let message = serde_json::to_string(&Message::TargetGranted { target: target.clone() })?;
        for Claimant { ticket, run } in admission::admit(queue, TARGET_LIMIT) {
            let statement = sqlx::query(text)
                .bind(target.resource().0)
                .bind(columns::integer(ticket.0))
                .bind(run.0.as_bytes().to_vec())
                .bind(columns::integer(self.batch.input().0))
                .bind(&message);
            self.session.execute(statement).await?;
            if !self.woken.contains(&run) {
                self.woken.push(run);
            }
        }
        Ok(())
    }
}
