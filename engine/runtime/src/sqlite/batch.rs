//! What a batch of appends must know before it writes: read in one round trip, judged in memory.

use super::{
    columns,
    failure::Failure,
    session::{BEGIN, Session},
};
use engine_core::{
    id::{Epoch, InputId, Position, RunId, Ticket},
    store::{Append, Appended, Beginning},
};
use sqlx::Row;
use std::collections::HashMap;

/// The counters and gates as they stand while the transaction is open.
pub(super) struct Batch {
    pub(super) counters: Counters,
    pub(super) lease: Option<Holder>,
    gates: HashMap<RunId, Gate>,
    starts: HashMap<String, RunId>,
}

/// What is drawn in order; written back as the last thing of the transaction.
pub(super) struct Counters {
    pub(super) position: u64,
    pub(super) ticket: u64,
    pub(super) input: u64,
}

#[derive(Clone, Copy)]
pub(super) struct Holder {
    pub(super) epoch: Epoch,
    pub(super) process_id: u32,
}

#[derive(Clone, Copy)]
struct Gate {
    epoch: Epoch,
    next: u64,
}

/// How an item stands before its gate.
pub(super) enum Passage {
    Free,
    Refused(Appended),
}

/// The first row holds the counters; the others are gates and, of two columns, keys.
const READ: &str = "BEGIN IMMEDIATE; \
    SELECT c.position, c.ticket, c.input, l.epoch, l.process_id \
    FROM counters AS c LEFT JOIN lease AS l ON l.id = c.id; \
    SELECT run.id, run.epoch, run.next FROM json_each(?) AS wanted \
    CROSS JOIN run ON run.id = unhex(wanted.value); \
    SELECT key, run FROM dedup WHERE key IN (SELECT value FROM json_each(?))";

impl Batch {
    pub(super) async fn open(session: &mut Session, items: &[Append]) -> Result<Batch, Failure> {
        debug_assert!(READ.starts_with(BEGIN));
        let ids: Vec<String> = items.iter().map(|item| item.run.0.simple().to_string()).collect();
        let keys: Vec<String> = items.iter().filter_map(start_key).collect();
        let arguments = [serde_json::to_string(&ids)?, serde_json::to_string(&keys)?];
        let rows = session.open(READ, arguments).await?;
        let [counters, others @ ..] = rows.as_slice() else {
            return Err(Failure::Format("the row of counters is missing".to_owned()));
        };
        let mut batch = Batch::empty(counters)?;
        for row in others {
            if row.len() == 2 {
                batch.starts.insert(columns::text(row, 0)?, columns::run(row, 1)?);
                continue;
            }
            let gate =
                Gate { epoch: Epoch(columns::count(row, 1)?), next: columns::count(row, 2)? };
            batch.gates.insert(columns::run(row, 0)?, gate);
        }
        Ok(batch)
    }

    fn empty(row: &sqlx::sqlite::SqliteRow) -> Result<Batch, Failure> {
        let counters = Counters {
            position: columns::count(row, 0)?,
            ticket: columns::count(row, 1)?,
            input: columns::count(row, 2)?,
        };
        let lease = match columns::count_or_none(row, 3)? {
            Some(epoch) => {
                Some(Holder { epoch: Epoch(epoch), process_id: columns::small(row, 4)? })
            }
            None => None,
        };
        Ok(Batch { counters, lease, gates: HashMap::new(), starts: HashMap::new() })
    }

    /// Judges an item, and remembers it, for the items after it.
    pub(super) fn pass(&mut self, epoch: Epoch, item: &Append) -> Passage {
        let key = start_key(item);
        if let Some(run) = key.as_ref().and_then(|key| self.starts.get(key)) {
            return Passage::Refused(Appended::Repeated { run: *run });
        }
        let passes = match (&item.beginning, self.gates.get(&item.run)) {
            (Beginning::Run { .. }, None) => item.n == 0,
            (Beginning::No, Some(gate)) => gate.next == item.n && gate.epoch == epoch,
            (Beginning::Run { .. }, Some(_)) | (Beginning::No, None) => false,
        };
        if !passes {
            return Passage::Refused(Appended::Conflict);
        }
        self.gates.insert(item.run, Gate { epoch, next: next(item) });
        self.starts.extend(key.map(|key| (key, item.run)));
        self.counters.position += next(item) - item.n;
        Passage::Free
    }

    /// Whether its key has started a run before.
    pub(super) fn is_repeated(&self, item: &Append) -> bool {
        start_key(item).is_some_and(|key| self.starts.contains_key(&key))
    }

    pub(super) fn position(&self) -> Position {
        Position(self.counters.position)
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.counters.ticket += 1;
        Ticket(self.counters.ticket)
    }

    pub(super) fn input(&mut self) -> InputId {
        self.counters.input += 1;
        InputId(self.counters.input)
    }
}

/// The number of the row that follows: an append without events writes none.
pub(super) fn next(item: &Append) -> u64 {
    if item.events.is_empty() { item.n } else { item.n + 1 }
}

/// The row under which a start by key is remembered.
pub(super) fn start_key(item: &Append) -> Option<String> {
    match &item.beginning {
        Beginning::Run { key: Some(key), .. } => Some(format!("start:{key}")),
        Beginning::Run { key: None, .. } | Beginning::No => None,
    }
}
