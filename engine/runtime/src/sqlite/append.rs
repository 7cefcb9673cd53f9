//! One batch of appends: the gates are read in one query, each item is judged in Rust, and what
//! passed is written in one more round trip that commits as well.

use super::{
    batch::{Batch, Passage, next},
    bulk::{Bulk, Shape},
    columns::{self, integer},
    consequences::{Consequences, QUEUE, queue},
    failure::Failure,
    session::Session,
    writer::Work,
};
use crate::lease::lost;
use engine_core::{
    BoxFuture,
    admission::{Limit, Outlook, Standing},
    id::{Epoch, Position, RunId},
    store::{Append, Appended, Beginning, Entrance, Entry, StoreError, Summary, changes},
};
use std::{borrow::Cow, collections::BTreeMap};

pub(super) struct AppendBatch {
    pub(super) epoch: Epoch,
    pub(super) items: Vec<Append>,
}

/// An item that has passed its gate, and its place among the answers.
struct Passed<'a> {
    /// As it is written: its own, once it is known that it need not wait.
    item: Cow<'a, Append>,
    /// The position of its row; if it has none, of the row before.
    position: Position,
    index: usize,
}

/// A run that begins only if not too many wait; it is judged after all others.
struct Entering<'a> {
    item: &'a Append,
    entrance: Entrance<'a>,
    index: usize,
}

/// Rows in one statement; SQLite binds at most 32,766 values.
const CHUNK: usize = 1_024;
const LOG_COLUMNS: usize = 6;
const RUN_COLUMNS: usize = 11;

impl Work for AppendBatch {
    type Answer = Result<Vec<Appended>, StoreError>;

    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>> {
        Box::pin(async move {
            let mut batch = Batch::open(session, &self.items).await?;
            match batch.lease {
                Some(lease) if lease.epoch == self.epoch => {
                    Ok(Ok(self.write(session, &mut batch).await?))
                }
                other => Ok(Err(lost(other.map(|lease| lease.process_id)))),
            }
        })
    }
}

impl AppendBatch {
    async fn write(
        &self,
        session: &mut Session,
        batch: &mut Batch,
    ) -> Result<Vec<Appended>, Failure> {
        let (mut answers, mut passed, entering) = self.judge(batch);
        super::beginning::write(session, self.epoch, passed.iter().map(|passed| &*passed.item))
            .await?;
        for passed in &mut passed {
            if let Some(answer) = answers.get_mut(passed.index) {
                *answer = follow(session, batch, passed).await?;
            }
        }
        for Entering { item, entrance, index } in entering {
            let mut answer = enter(session, batch, (item, &entrance)).await?;
            if let Passage::Free = answer {
                answer = batch.pass(self.epoch, item);
            }
            let answer = match answer {
                Passage::Refused(answer) => answer,
                Passage::Free => {
                    super::beginning::write(session, self.epoch, [item].into_iter()).await?;
                    let (position, item) = (batch.position(), Cow::Borrowed(item));
                    let mut entered = Passed { item, position, index };
                    let answer = follow(session, batch, &mut entered).await?;
                    passed.push(entered);
                    answer
                }
            };
            if let Some(place) = answers.get_mut(index) {
                *place = answer;
            }
        }
        super::beside::blobs(session, passed.iter().map(|passed| &*passed.item)).await?;
        if !passed.is_empty() {
            finish(session, batch, &passed).await?;
        }
        Ok(answers)
    }

    fn judge<'a>(
        &'a self,
        batch: &mut Batch,
    ) -> (Vec<Appended>, Vec<Passed<'a>>, Vec<Entering<'a>>) {
        let mut answers = Vec::with_capacity(self.items.len());
        let mut passed = Vec::with_capacity(self.items.len());
        let mut entering = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            if let Some(entrance) = Entrance::of(item) {
                entering.push(Entering { item, entrance, index });
                answers.push(Appended::Conflict);
                continue;
            }
            answers.push(match batch.pass(self.epoch, item) {
                Passage::Refused(answer) => answer,
                Passage::Free => {
                    let position = batch.position();
                    passed.push(Passed { item: Cow::Borrowed(item), position, index });
                    let entry = Entry::AsAsked;
                    Appended::Written { position, woken: Vec::new(), entry }
                }
            });
        }
        (answers, passed, entering)
    }
}

/// Whether a run would be one too many of those of its application that wait, after all that the
/// batch has done so far.
async fn enter(
    session: &mut Session,
    batch: &Batch,
    (item, entrance): (&Append, &Entrance<'_>),
) -> Result<Passage, Failure> {
    if batch.is_repeated(item) {
        return Ok(Passage::Free);
    }
    let (room, groups) = (entrance.slot.room(), entrance.slot.groups());
    let text = "SELECT standing FROM waiter WHERE resource = ?1 \
        UNION ALL SELECT standing FROM waiter WHERE resource >= ?2 AND resource < ?3";
    // `0` follows `/`.
    let end = format!("{}0", groups.trim_end_matches('/'));
    let statement = sqlx::query(text).bind(&room.0).bind(groups).bind(end);
    let mut waiting = 0;
    for row in session.rows(statement).await? {
        let standing: Standing = columns::json(&row, 0)?;
        waiting += usize::from(standing.room != Limit::Unlimited);
    }
    if waiting < entrance.most as usize {
        return Ok(Passage::Free);
    }
    let mut doors = Vec::with_capacity(2);
    for resource in [entrance.slot.resource(), room] {
        doors.push(queue(&session.rows(sqlx::query(QUEUE).bind(&resource.0)).await?)?);
    }
    let [group, application] = doors.as_slice() else { return Ok(Passage::Free) };
    Ok(match entrance.judge(item.run, waiting, (group, application)) {
        Outlook::Passes => Passage::Free,
        Outlook::Waits => Passage::Refused(Appended::QueueFull { most: entrance.most }),
    })
}

/// Writes the rows that follow from an item's events, and from those of a run that need not wait.
async fn follow(
    session: &mut Session,
    batch: &mut Batch,
    passed: &mut Passed<'_>,
) -> Result<Appended, Failure> {
    let position = passed.position;
    let (mut entry, mut woken) = followed(session, batch, (&passed.item, 0)).await?;
    let admitted = match entry {
        Entry::Admitted => passed.item.of_admitted(),
        Entry::AsAsked => None,
    };
    match admitted {
        Some(admitted) => {
            let behind = passed.item.events.len();
            passed.item = Cow::Owned(admitted);
            woken.extend(followed(session, batch, (&passed.item, behind)).await?.1);
        }
        None => entry = Entry::AsAsked,
    }
    Ok(Appended::Written { position, woken, entry })
}

/// The same for the events behind the first few.
async fn followed(
    session: &mut Session,
    batch: &mut Batch,
    (item, behind): (&Append, usize),
) -> Result<(Entry, Vec<RunId>), Failure> {
    let (woken, entry) = (Vec::new(), Entry::AsAsked);
    let mut consequences = Consequences { session, batch, item, woken, entry };
    for change in changes(item.events.get(behind..).unwrap_or_default()) {
        consequences.follow(change).await?;
    }
    Ok((consequences.entry, consequences.woken))
}

/// Log rows, summary rows, and last the counters, which make the rows visible to readers in order.
async fn finish(
    session: &mut Session,
    batch: &Batch,
    passed: &[Passed<'_>],
) -> Result<(), Failure> {
    let rows: Vec<&Passed<'_>> = passed.iter().filter(|row| !row.item.events.is_empty()).collect();
    // The row of a run that begins is there, but as one that waits.
    let is_other = |passed: &&Passed<'_>| {
        passed.item.beginning == Beginning::No || matches!(passed.item, Cow::Owned(_))
    };
    let runs: BTreeMap<RunId, &Append> =
        passed.iter().filter(is_other).map(|passed| (passed.item.run, &*passed.item)).collect();
    let runs: Vec<&Append> = runs.into_values().collect();
    let mut bulk = Bulk::new("");
    super::beside::write(&mut bulk, passed.iter().map(|passed| &*passed.item))?;
    for chunk in rows.chunks(CHUNK) {
        log(&mut bulk, chunk)?;
    }
    for chunk in runs.chunks(CHUNK) {
        summaries(&mut bulk, chunk);
    }
    bulk.push("UPDATE counters SET ticket = ?, input = ?, position = ?");
    bulk.bind(integer(batch.counters.ticket));
    bulk.bind(integer(batch.counters.input));
    bulk.bind(integer(batch.counters.position));
    session.head = Some(batch.position());
    session.close(bulk).await
}

fn log(bulk: &mut Bulk, rows: &[&Passed<'_>]) -> Result<(), Failure> {
    let shape = Shape { columns: LOG_COLUMNS, rows: rows.len() };
    bulk.push("INSERT INTO log (position, stream, n, elapsed, civil, events) SELECT * FROM ");
    bulk.values(shape);
    for Passed { item, position, .. } in rows {
        bulk.bind(integer(position.0));
        bulk.bind(item.run.0.as_bytes().to_vec());
        bulk.bind(integer(item.n));
        bulk.bind(integer(item.now.elapsed.0));
        bulk.bind(integer(item.now.civil.0));
        bulk.bind(serde_json::to_string(&item.events)?);
    }
    bulk.fill(shape);
    bulk.push(" WHERE column1 IS NOT NULL; ");
    Ok(())
}

/// Only what may change; a row in the log says that the run has survived its last step.
fn summaries(bulk: &mut Bulk, items: &[&Append]) {
    let shape = Shape { columns: RUN_COLUMNS, rows: items.len() };
    bulk.push(
        "UPDATE run SET \
         unclean_ends = CASE WHEN v.column2 > run.next THEN 0 ELSE run.unclean_ends END, \
         next = v.column2, status = v.column3, ended_elapsed = v.column4, \
         ended_civil = v.column5, stages = v.column6, stages_ended = v.column7, \
         stages_failed = v.column8, waiting = v.column9, wake_elapsed = v.column10, \
         wake_civil = v.column11 FROM ",
    );
    bulk.values(shape);
    for item in items {
        bulk.bind(item.run.0.as_bytes().to_vec());
        bulk.bind(integer(next(item)));
        changing(bulk, &item.summary);
    }
    bulk.fill(shape);
    bulk.push(" AS v WHERE run.id = v.column1; ");
}

/// The part of a summary that changes from append to append, in the order of the columns.
pub(super) fn changing(bulk: &mut Bulk, summary: &Summary) {
    bulk.bind(summary.status.word());
    bulk.bind(summary.ended_at.map(|at| integer(at.elapsed.0)));
    bulk.bind(summary.ended_at.map(|at| integer(at.civil.0)));
    bulk.bind(i64::from(summary.stages.all));
    bulk.bind(i64::from(summary.stages.ended));
    bulk.bind(i64::from(summary.stages.failed));
    bulk.bind(summary.waiting.map(|kind| kind.word()));
    bulk.bind(summary.wake.elapsed.map(|at| integer(at.0)));
    bulk.bind(summary.wake.civil.map(|at| integer(at.0)));
}
