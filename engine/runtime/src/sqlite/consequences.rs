//! The rows that follow from an append's events: claims, waiters, grants, revisions.

use super::{batch::Batch, claims, columns, failure::Failure, revisions, session::Session};
use engine_core::{
    admission::{self, Claimant, Queue},
    event::Message,
    id::{Resource, RunId, Ticket},
    store::{Append, Claimed, Entry, RowChange},
};
use sqlx::sqlite::SqliteRow;

/// One append whose consequences are being written.
pub(super) struct Consequences<'a> {
    pub(super) session: &'a mut Session,
    pub(super) batch: &'a mut Batch,
    pub(super) item: &'a Append,
    /// Runs for which inputs were written.
    pub(super) woken: Vec<RunId>,
    /// Whether the place that it begins by asking for is its own.
    pub(super) entry: Entry,
}

/// Holders come first; the first column tells the two apart.
macro_rules! queue_of {
    () => {
        "SELECT 0, ticket, run, standing FROM claim WHERE resource = ?1 \
        UNION ALL SELECT 1, ticket, run, standing FROM waiter WHERE resource = ?1 ORDER BY 1, 2"
    };
}
pub(super) const QUEUE: &str = queue_of!();

pub(super) fn queue(rows: &[SqliteRow]) -> Result<Queue, Failure> {
    let mut queue = Queue::default();
    for row in rows {
        let claimant = Claimant {
            ticket: Ticket(columns::count(row, 1)?),
            run: columns::run(row, 2)?,
            standing: columns::json(row, 3)?,
        };
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
            RowChange::Ask(ask) => claims::ask(self, (self.item.run, &ask)).await,
            RowChange::Release { resource, claimed } => {
                let queue = self.give_back(&resource).await?;
                self.admit(&queue, (&resource, claimed)).await
            }
            RowChange::Record { stage, target, set } => {
                revisions::record(self, revisions::Recorded { stage, target, set }).await
            }
            RowChange::Prove { target, proof } => {
                revisions::prove(self.session, self.item.run, (target, proof)).await
            }
            RowChange::TellParent { run, stage } => {
                let message = Message::ChildEnded { stage: stage.to_owned() };
                self.tell(run, None, &message).await
            }
        }
    }

    /// Takes the run's rows away; answers with who is left.
    async fn give_back(&mut self, resource: &Resource) -> Result<Queue, Failure> {
        let text = concat!(
            "DELETE FROM claim WHERE resource = ?1 AND run = ?2; \
            DELETE FROM waiter WHERE resource = ?1 AND run = ?2; \
            DELETE FROM input WHERE resource = ?1 AND run = ?2; ",
            queue_of!()
        );
        let run = self.item.run.0.as_bytes().to_vec();
        queue(&self.session.rows(sqlx::query(text).bind(&resource.0).bind(run)).await?)
    }

    pub(super) async fn queue(&mut self, resource: &Resource) -> Result<Queue, Failure> {
        queue(&self.session.rows(sqlx::query(QUEUE).bind(&resource.0)).await?)
    }

    /// Makes holders of those who may be.
    pub(super) async fn admit(
        &mut self,
        queue: &Queue,
        (resource, claimed): (&Resource, Claimed<'_>),
    ) -> Result<(), Failure> {
        let text = "DELETE FROM waiter WHERE resource = ?1 AND ticket = ?2; \
            INSERT INTO claim (resource, ticket, run, standing) VALUES (?1, ?2, ?3, ?4)";
        for Claimant { ticket, run, standing } in admission::admit(queue) {
            let statement = sqlx::query(text)
                .bind(&resource.0)
                .bind(columns::integer(ticket.0))
                .bind(run.0.as_bytes().to_vec())
                .bind(serde_json::to_string(&standing)?);
            self.session.execute(statement).await?;
            match claimed.behind(&standing) {
                // One place leads to one other place, and no further.
                Some(behind) => Box::pin(claims::ask(self, (run, &behind.ask()))).await?,
                None if self.item.is_let_in(run) => self.entry = Entry::Admitted,
                None => self.tell(run, Some(resource), &claimed.granted()).await?,
            }
        }
        Ok(())
    }

    /// Writes an input for a run that has not ended; one of a `resource` goes with its release.
    pub(super) async fn tell(
        &mut self,
        run: RunId,
        resource: Option<&Resource>,
        message: &Message,
    ) -> Result<(), Failure> {
        let text = "INSERT INTO input (id, run, resource, message) \
            SELECT ?1, id, ?3, ?4 FROM run WHERE id = ?2 AND finished = 0";
        let statement = sqlx::query(text)
            .bind(columns::integer(self.batch.input().0))
            .bind(run.0.as_bytes().to_vec())
            .bind(resource.map(|resource| resource.0.as_str()))
            .bind(serde_json::to_string(message)?);
        self.session.execute(statement).await?;
        if !self.woken.contains(&run) {
            self.woken.push(run);
        }
        Ok(())
    }
}
