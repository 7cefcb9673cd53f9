//! The stream `system`: facts about no run, each row written in the transaction of what it tells.

use super::{
    bulk::Bulk,
    columns::{self, integer},
    failure::Failure,
    session::{BEGIN, Session, Statement},
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    clock::{Civil, Now},
    fact::{Fact, Refusal},
    id::{Epoch, Position},
    store::StoreError,
};
use sqlx::sqlite::SqliteRow;

/// What stands in the place of a run's id.
pub(super) const STREAM: &[u8] = b"system";

/// The counters that a row of the stream draws from, as they stand while the transaction is open.
pub(super) struct Stream {
    position: u64,
    n: u64,
    /// The newest delivery.
    pub(super) delivery: u64,
}

/// Begins the text of a statement that is sent by [`Stream::open`]: its first row is read there.
macro_rules! open_stream {
    () => {
        "BEGIN IMMEDIATE; SELECT c.position, \
         (SELECT MAX(n) FROM log WHERE stream = x'73797374656d'), \
         (SELECT seq FROM sqlite_sequence WHERE name = 'delivery'), l.epoch, l.process_id \
         FROM counters AS c LEFT JOIN lease AS l ON l.id = c.id; "
    };
}
pub(super) use open_stream;

/// The stream with what else was read; or who holds the lease.
pub(super) type Opened = Result<(Stream, Vec<SqliteRow>), StoreError>;

impl Stream {
    pub(super) async fn open(
        session: &mut Session,
        epoch: Epoch,
        (text, argument): (&'static str, String),
    ) -> Result<Opened, Failure> {
        debug_assert!(text.starts_with(BEGIN));
        let mut rows = session.open(text, [argument]).await?;
        if rows.is_empty() {
            return Err(Failure::Format("the row of counters is missing".to_owned()));
        }
        let first = rows.remove(0);
        if columns::count_or_none(&first, 3)? != Some(epoch.0) {
            let holder = match columns::count_or_none(&first, 3)? {
                Some(_) => Some(columns::small(&first, 4)?),
                None => None,
            };
            return Ok(Err(lost(holder)));
        }
        let stream = Stream {
            position: columns::count(&first, 0)?,
            n: columns::count_or_none(&first, 1)?.map_or(0, |newest| newest + 1),
            delivery: columns::count_or_none(&first, 2)?.unwrap_or_default(),
        };
        Ok(Ok((stream, rows)))
    }

    /// Adds the row of `facts`, and what makes it visible, to the last statements of a unit.
    pub(super) fn tell(
        self,
        bulk: &mut Bulk,
        (now, facts): (Now, &[Fact]),
    ) -> Result<Position, Failure> {
        let position = Position(self.position + 1);
        bulk.push("INSERT INTO log (position, stream, n, elapsed, civil, events) VALUES (?, ?, ?, ?, ?, ?); ");
        bulk.bind(integer(position.0));
        bulk.bind(STREAM.to_vec());
        bulk.bind(integer(self.n));
        bulk.bind(integer(now.elapsed.0));
        bulk.bind(integer(now.civil.0));
        bulk.bind(serde_json::to_string(facts)?);
        bulk.push("UPDATE counters SET position = ?");
        bulk.bind(integer(position.0));
        Ok(position)
    }
}

pub(super) struct Record {
    pub(super) epoch: Epoch,
    pub(super) now: Now,
    pub(super) facts: Vec<Fact>,
}

const READ: &str = concat!(open_stream!(), "SELECT value FROM json_each(?) WHERE FALSE");

impl Work for Record {
    type Answer = Result<Position, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            let (stream, _) = match Stream::open(session, self.epoch, (READ, "[]".into())).await? {
                Ok(opened) => opened,
                Err(lost) => return Ok(Err(lost)),
            };
            for fact in &self.facts {
                match fact {
                    Fact::PostsRefused(refusal) => add(session, refusal).await?,
                    Fact::DeliveryArrived { .. }
                    | Fact::DeliveryDecided { .. }
                    | Fact::ConfigurationTaken { .. }
                    | Fact::ConfigurationRefused { .. } => {}
                }
            }
            let mut bulk = Bulk::new("");
            let position = stream.tell(&mut bulk, (self.now, &self.facts))?;
            session.head = Some(position);
            session.close(bulk).await?;
            Ok(Ok(position))
        })
    }
}

async fn add(session: &mut Session, refusal: &Refusal) -> Result<(), Failure> {
    let text = "SELECT door, reason, count, first, last FROM refusal WHERE door = ? AND reason = ?";
    let door = serde_json::to_string(&refusal.door)?;
    let statement = sqlx::query(text).bind(&door).bind(refusal.reason.word());
    let before = session.rows(statement).await?.first().map(self::refusal).transpose()?;
    let now = refusal.clone().since(before.as_ref());
    let text = "INSERT INTO refusal (door, reason, count, first, last) VALUES (?, ?, ?, ?, ?) \
        ON CONFLICT (door, reason) DO UPDATE \
        SET count = excluded.count, first = excluded.first, last = excluded.last";
    let statement = sqlx::query(text).bind(&door).bind(now.reason.word()).bind(integer(now.count));
    session.execute(statement.bind(integer(now.first.0)).bind(integer(now.last.0))).await
}

pub(super) const REFUSALS: &str =
    "SELECT door, reason, count, first, last FROM refusal ORDER BY last DESC, door, reason";

pub(super) fn refusal(row: &SqliteRow) -> Result<Refusal, Failure> {
    Ok(Refusal {
        door: columns::json(row, 0)?,
        reason: columns::word(row, 1)?,
        count: columns::count(row, 2)?,
        first: Civil(columns::count(row, 3)?),
        last: Civil(columns::count(row, 4)?),
    })
}

/// What the stream told before `civil`, and refusals none of which is newer. The newest row stays:
/// numbers go on from it.
pub(super) fn forget(civil: Civil) -> [Statement<'static>; 2] {
    let rows = "DELETE FROM log WHERE stream = x'73797374656d' AND n < COALESCE( \
        (SELECT n FROM log WHERE stream = x'73797374656d' AND civil >= ? ORDER BY n LIMIT 1), \
        (SELECT MAX(n) FROM log WHERE stream = x'73797374656d'))";
    let refusals = "DELETE FROM refusal WHERE last < ?";
    [rows, refusals].map(|text| sqlx::query(text).bind(integer(civil.0)))
}
