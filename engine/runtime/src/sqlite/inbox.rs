//! What arrives: kept once, decided once.

use super::{
    columns::{self, integer},
    failure::Failure,
    ownership::standing,
    session::{Session, Statement},
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    clock::Civil,
    delivery::{Arrival, Decided, Delivery, DeliveryFilter, Door, Kept, Mark, State},
    id::{DeliveryId, Epoch},
    store::StoreError,
};
use sqlx::{Row, sqlite::SqliteRow};

pub(super) struct Arrive {
    pub(super) epoch: Epoch,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) marks: Vec<Mark>,
}

impl Work for Arrive {
    type Answer = Result<Vec<Kept>, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let mut kept = Vec::with_capacity(self.arrivals.len());
            for arrival in &self.arrivals {
                kept.push(keep(session, arrival).await?);
            }
            write_marks(session, &self.marks).await?;
            Ok(Ok(kept))
        })
    }
}

pub(super) struct Decide {
    pub(super) epoch: Epoch,
    pub(super) decided: Decided,
}

impl Work for Decide {
    type Answer = Result<(), StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let text = "UPDATE delivery SET decision = ?, waits_for = NULL \
                WHERE id = ? AND decision IS NULL RETURNING id";
            let statement = sqlx::query(text).bind(serde_json::to_string(&self.decided.decision)?);
            let ended = session.rows(statement.bind(integer(self.decided.id.0))).await?;
            // Whoever had decided it before has written what follows from that.
            if !ended.is_empty() {
                write_marks(session, &self.decided.marks).await?;
            }
            Ok(Ok(()))
        })
    }
}

pub(super) struct Waits {
    pub(super) id: DeliveryId,
    pub(super) reason: String,
}

impl Work for Waits {
    type Answer = ();

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let text = "UPDATE delivery SET waits_for = ? WHERE id = ? AND decision IS NULL";
            session.execute(sqlx::query(text).bind(&self.reason).bind(integer(self.id.0))).await
        })
    }
}

pub(super) struct Forget {
    pub(super) epoch: Epoch,
    pub(super) before: Civil,
}

impl Work for Forget {
    type Answer = Result<u64, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            let before = integer(self.before.0);
            let text = "DELETE FROM delivery_body WHERE delivery IN \
                (SELECT id FROM delivery WHERE civil < ?)";
            session.execute(sqlx::query(text).bind(before)).await?;
            let text = "DELETE FROM delivery WHERE civil < ? AND decision IS NOT NULL RETURNING id";
            let gone = session.rows(sqlx::query(text).bind(before)).await?;
            Ok(Ok(gone.len() as u64))
        })
    }
}

pub(super) struct ForgetMarks {
    pub(super) epoch: Epoch,
    pub(super) keys: Vec<String>,
}

impl Work for ForgetMarks {
    type Answer = Result<(), StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            if let Err(lost) = holds(session, self.epoch).await? {
                return Ok(Err(lost));
            }
            for key in &self.keys {
                session.execute(sqlx::query("DELETE FROM mark WHERE key = ?").bind(key)).await?;
            }
            Ok(Ok(()))
        })
    }
}

async fn holds(session: &mut Session, epoch: Epoch) -> Result<Result<(), StoreError>, Failure> {
    Ok(match standing(session).await? {
        Some(lease) if lease.epoch == epoch => Ok(()),
        other => Err(lost(other.map(|lease| lease.owner.process_id))),
    })
}

async fn keep(session: &mut Session, arrival: &Arrival) -> Result<Kept, Failure> {
    let door = serde_json::to_string(&arrival.door)?;
    let text = "INSERT INTO delivery (door, key, digest, elapsed, civil, content) \
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id";
    let statement = sqlx::query(text).bind(&door).bind(&arrival.key).bind(&arrival.digest);
    let statement = statement
        .bind(integer(arrival.at.elapsed.0))
        .bind(integer(arrival.at.civil.0))
        .bind(serde_json::to_string(&arrival.content)?);
    let Some(row) = session.rows(statement).await?.pop() else {
        return before(session, &door, arrival).await;
    };
    let id = DeliveryId(columns::count(&row, 0)?);
    if let Some(body) = &arrival.body {
        let text = "INSERT INTO delivery_body (delivery, sealed) VALUES (?, ?)";
        session.execute(sqlx::query(text).bind(integer(id.0)).bind(body)).await?;
    }
    Ok(Kept::New(id))
}

async fn before(session: &mut Session, door: &str, arrival: &Arrival) -> Result<Kept, Failure> {
    let text = "SELECT id, digest FROM delivery WHERE door = ? AND key = ?";
    let rows = session.rows(sqlx::query(text).bind(door).bind(&arrival.key)).await?;
    let gone = || Failure::Format("a delivery was not written and is not there".to_owned());
    let row = rows.first().ok_or_else(gone)?;
    let id = DeliveryId(columns::count(row, 0)?);
    Ok(match columns::text(row, 1)? == arrival.digest {
        true => Kept::Repeated(id),
        false => Kept::Conflict(id),
    })
}

async fn write_marks(session: &mut Session, marks: &[Mark]) -> Result<(), Failure> {
    for Mark { key, value } in marks {
        let text = "INSERT INTO mark (key, value) VALUES (?, ?) \
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        session.execute(sqlx::query(text).bind(key).bind(value)).await?;
    }
    Ok(())
}

macro_rules! delivery_columns {
    () => {
        "id, door, key, digest, elapsed, civil, content, waits_for, decision"
    };
}

pub(super) fn listed(filter: &DeliveryFilter) -> Statement<'static> {
    let text = concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM delivery WHERE id < ? ORDER BY id DESC LIMIT ?"
    );
    let before = filter.before.map_or(i64::MAX, |before| integer(before.0));
    sqlx::query(text).bind(before).bind(filter.limit.map_or(-1, i64::from))
}

pub(super) fn of_id(id: DeliveryId) -> Statement<'static> {
    let text = concat!("SELECT ", delivery_columns!(), " FROM delivery WHERE id = ?");
    sqlx::query(text).bind(integer(id.0))
}

pub(super) fn pending(after: DeliveryId, limit: u32) -> Statement<'static> {
    let text = concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM delivery WHERE decision IS NULL AND id > ? ORDER BY id LIMIT ?"
    );
    sqlx::query(text).bind(integer(after.0)).bind(limit)
}

pub(super) fn body_of(id: DeliveryId) -> Statement<'static> {
    sqlx::query("SELECT sealed FROM delivery_body WHERE delivery = ?").bind(integer(id.0))
}

pub(super) fn mark_of(key: &str) -> Statement<'static> {
    sqlx::query("SELECT key, value FROM mark WHERE key = ?").bind(key.to_owned())
}

/// All keys that begin with `prefix`: none of them is greater than it with the last code point behind.
pub(super) fn marks_of(prefix: &str) -> Statement<'static> {
    let text = "SELECT key, value FROM mark WHERE key >= ? AND key < ? ORDER BY key";
    sqlx::query(text).bind(prefix.to_owned()).bind(format!("{prefix}\u{10ffff}"))
}

pub(super) fn delivery(row: &SqliteRow) -> Result<Delivery, Failure> {
    let door: Door = columns::json(row, 1)?;
    let decision: Option<&str> = row.try_get(8)?;
    Ok(Delivery {
        id: DeliveryId(columns::count(row, 0)?),
        door,
        key: columns::text(row, 2)?,
        digest: columns::text(row, 3)?,
        at: columns::now(row, 4)?,
        content: columns::json(row, 6)?,
        state: match decision {
            Some(decision) => State::Decided(serde_json::from_str(decision)?),
            None => State::Pending { waits_for: row.try_get(7)? },
        },
    })
}

pub(super) fn mark(row: &SqliteRow) -> Result<Mark, Failure> {
    Ok(Mark { key: columns::text(row, 0)?, value: columns::text(row, 1)? })
}
