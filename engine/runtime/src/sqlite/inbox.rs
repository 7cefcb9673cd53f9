//! What arrives: kept once, decided once.

use super::{
    bulk::{Bulk, Shape},
    columns::{self, integer},
    failure::Failure,
    ownership::standing,
    session::{Session, Statement},
    system::{self, Stream, open_stream},
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    clock::Civil,
    delivery::{ACCEPTED, Arrival, Decided, Delivery, DeliveryFilter, Door, Kept, Mark, State},
    fact::Fact,
    id::{DeliveryId, Epoch},
    store::StoreError,
};
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::HashMap;

/// Rows in one statement; SQLite binds at most 32,766 values.
const CHUNK: usize = 1_024;

pub(super) struct Arrive {
    pub(super) epoch: Epoch,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) marks: Vec<Mark>,
}

/// What came before under the names of those that arrive.
const READ_KEYS: &str = concat!(
    open_stream!(),
    "SELECT d.door, d.key, d.id, d.digest FROM json_each(?) AS wanted CROSS JOIN delivery AS d \
     ON d.door = wanted.value ->> 0 AND d.key = wanted.value ->> 1"
);

impl Work for Arrive {
    type Answer = Result<Vec<Kept>, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            let keys: Result<Vec<(String, &str)>, _> = self.arrivals.iter().map(named).collect();
            let keys = keys?;
            let read = (READ_KEYS, serde_json::to_string(&keys)?);
            let (stream, rows) = match Stream::open(session, self.epoch, read).await? {
                Ok(opened) => opened,
                Err(lost) => return Ok(Err(lost)),
            };
            let mut known = HashMap::new();
            for row in &rows {
                let name = (columns::text(row, 0)?, columns::text(row, 1)?);
                known.insert(name, (columns::count(row, 2)?, columns::text(row, 3)?));
            }
            let mut writing = Writing { known, newest: stream.delivery, new: Vec::new() };
            let arrivals = self.arrivals.iter().zip(keys);
            let kept = arrivals.map(|(arrival, (door, _))| writing.keep(arrival, door)).collect();
            let bulk = writing.statements(&self.marks)?;
            self.finish(session, stream, (&writing.new, bulk)).await?;
            Ok(Ok(kept))
        })
    }
}

impl Arrive {
    async fn finish(
        &self,
        session: &mut Session,
        stream: Stream,
        (new, mut bulk): (&[New<'_>], Bulk),
    ) -> Result<(), Failure> {
        let Some(last) = new.last() else {
            return match self.marks.is_empty() {
                true => Ok(()),
                false => session.send(bulk).await,
            };
        };
        let arrived = |new: &New<'_>| Fact::DeliveryArrived {
            delivery: DeliveryId(new.id),
            by: new.arrival.door.clone(),
        };
        let facts: Vec<Fact> = new.iter().map(arrived).collect();
        session.head = Some(stream.tell(&mut bulk, (last.arrival.at, &facts))?);
        session.close(bulk).await
    }
}

/// What a delivery is known again by.
fn named(arrival: &Arrival) -> Result<(String, &str), serde_json::Error> {
    Ok((serde_json::to_string(&arrival.door)?, arrival.key.as_str()))
}

/// One that is kept.
struct New<'a> {
    id: u64,
    door: String,
    arrival: &'a Arrival,
}

/// The arrivals of one call, judged in memory and written at once.
struct Writing<'a> {
    /// Id and digest by door and key.
    known: HashMap<(String, String), (u64, String)>,
    newest: u64,
    new: Vec<New<'a>>,
}

const DELIVERY_COLUMNS: usize = 7;

impl<'a> Writing<'a> {
    fn keep(&mut self, arrival: &'a Arrival, door: String) -> Kept {
        let name = (door.clone(), arrival.key.clone());
        if let Some((id, digest)) = self.known.get(&name) {
            return match *digest == arrival.digest {
                true => Kept::Repeated(DeliveryId(*id)),
                false => Kept::Conflict(DeliveryId(*id)),
            };
        }
        self.newest += 1;
        self.known.insert(name, (self.newest, arrival.digest.clone()));
        self.new.push(New { id: self.newest, door, arrival });
        Kept::New(DeliveryId(self.newest))
    }

    fn statements(&self, marks: &[Mark]) -> Result<Bulk, Failure> {
        let mut bulk = Bulk::new("");
        for chunk in self.new.chunks(CHUNK) {
            rows(&mut bulk, chunk)?;
        }
        for New { id, arrival, .. } in &self.new {
            let Some(body) = &arrival.body else { continue };
            bulk.push("INSERT INTO delivery_body (delivery, sealed) VALUES (?, ?); ");
            bulk.bind(integer(*id));
            bulk.bind(body.clone());
        }
        write_marks(&mut bulk, (marks, None));
        Ok(bulk)
    }
}

fn rows(bulk: &mut Bulk, new: &[New<'_>]) -> Result<(), Failure> {
    let shape = Shape { columns: DELIVERY_COLUMNS, rows: new.len() };
    bulk.push(
        "INSERT INTO delivery (id, door, key, digest, elapsed, civil, content) SELECT * FROM ",
    );
    bulk.values(shape);
    for New { id, door, arrival } in new {
        bulk.bind(integer(*id));
        bulk.bind(door.clone());
        bulk.bind(arrival.key.clone());
        bulk.bind(arrival.digest.clone());
        bulk.bind(integer(arrival.at.elapsed.0));
        bulk.bind(integer(arrival.at.civil.0));
        bulk.bind(serde_json::to_string(&arrival.content)?);
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL; ");
    Ok(())
}

pub(super) struct Decide {
    pub(super) epoch: Epoch,
    pub(super) decided: Decided,
}

const READ_UNDECIDED: &str = concat!(
    open_stream!(),
    "SELECT id FROM delivery WHERE id = CAST(? AS INTEGER) AND decision IS NULL"
);

impl Work for Decide {
    type Answer = Result<(), StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            let Decided { id, decision, marks } = &self.decided;
            let read = (READ_UNDECIDED, id.to_string());
            let (stream, rows) = match Stream::open(session, self.epoch, read).await? {
                Ok(opened) => opened,
                Err(lost) => return Ok(Err(lost)),
            };
            // Whoever had decided it before has written what follows from that.
            if rows.is_empty() {
                return Ok(Ok(()));
            }
            let mut bulk =
                Bulk::new("UPDATE delivery SET decision = ?, waits_for = NULL WHERE id = ?; ");
            bulk.bind(serde_json::to_string(decision)?);
            bulk.bind(integer(id.0));
            write_marks(&mut bulk, (marks, Some(decision.at.civil)));
            let fact = Fact::DeliveryDecided { delivery: *id, started: decision.started() };
            session.head = Some(stream.tell(&mut bulk, (decision.at, &[fact]))?);
            session.close(bulk).await?;
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
            // The code point after the last of the prefix ends what begins with it.
            let text = "DELETE FROM mark WHERE key >= ?1 AND key < ?1 || char(1114111) \
                AND civil < ?2";
            session.execute(sqlx::query(text).bind(ACCEPTED).bind(before)).await?;
            for statement in system::forget(self.before) {
                session.execute(statement).await?;
            }
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

pub(super) async fn holds(
    session: &mut Session,
    epoch: Epoch,
) -> Result<Result<(), StoreError>, Failure> {
    Ok(match standing(session).await? {
        Some(lease) if lease.epoch == epoch => Ok(()),
        other => Err(lost(other.map(|lease| lease.owner.process_id))),
    })
}

/// What was accepted is written with when, so that it can be forgotten.
fn write_marks(bulk: &mut Bulk, (marks, at): (&[Mark], Option<Civil>)) {
    for Mark { key, value } in marks {
        bulk.push(
            "INSERT INTO mark (key, value, civil) VALUES (?, ?, ?) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value, civil = excluded.civil; ",
        );
        bulk.bind(key.clone());
        bulk.bind(value.clone());
        bulk.bind(at.map_or(0, |at| integer(at.0)));
    }
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
