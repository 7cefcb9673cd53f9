//! Reads the log of all runs: an end is a happening, once.

use super::Shared;
use engine_core::{
    clock::Elapsed,
    delivery::{Arrival, Content, Door, Mark},
    event::Event,
    happening::{Ended, Happening},
    id::Position,
    store::{FeedRow, LogRow, Page, StoreError},
    trigger::IndexKey,
};
use std::{sync::Arc, time::Duration};

/// Where reading goes on: what comes before it, nobody reads any more.
pub(crate) const CURSOR: &str = "ended";
const ROWS: u32 = 256;
const PAUSE: Duration = Duration::from_secs(1);
/// How far the place where to go on may be behind: what was read since is read again after a crash,
/// and found to have come before.
const BEHIND: Duration = Duration::from_secs(1);

/// Where reading goes on, in memory and in the store.
struct Place {
    cursor: Position,
    stored: Position,
    /// When it was stored.
    at: Elapsed,
}

/// Never ends by itself.
pub(super) async fn follow(shared: Arc<Shared>) {
    loop {
        let broke = match begin(&shared).await {
            Ok(place) => read_on(&shared, place).await,
            Err(error) => error,
        };
        tracing::warn!(error = %broke, "the ends of runs cannot be read; trying again");
        shared.pause(PAUSE).await;
    }
}

/// The first sight of a log finds nothing.
async fn begin(shared: &Shared) -> Result<Place, StoreError> {
    let store = &shared.backing.store;
    let at = shared.backing.clock.now().elapsed;
    let Some(cursor) = store.mark(CURSOR).await? else {
        let mut place = Place { cursor: store.head().await?, stored: Position(0), at };
        place.store(shared, Vec::new()).await?;
        return Ok(place);
    };
    let cursor = Position(cursor.parse().map_err(|_| {
        StoreError::Damaged(format!("the mark `{CURSOR}` is no position: {cursor}"))
    })?);
    Ok(Place { cursor, stored: cursor, at })
}

/// Page by page, until something breaks.
async fn read_on(shared: &Shared, mut place: Place) -> StoreError {
    loop {
        if let Err(error) = read(shared, &mut place).await {
            return error;
        }
    }
}

async fn read(shared: &Shared, place: &mut Place) -> Result<(), StoreError> {
    let store = &shared.backing.store;
    let rows = match store.after(place.cursor, ROWS).await? {
        Page::Rows(rows) => rows,
        Page::Reset { first } => {
            place.cursor = Position(first.0.saturating_sub(1));
            return Ok(());
        }
    };
    let Some(last) = rows.last() else { return place.rest(shared).await };
    place.cursor = last.position();
    let mut arrivals = Vec::new();
    for row in rows.into_iter().filter_map(FeedRow::of_run) {
        if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
            arrivals.extend(arrival(shared, &row).await?);
        }
    }
    if !arrivals.is_empty() || place.is_behind(shared) {
        place.store(shared, arrivals).await?;
    }
    Ok(())
}

impl Place {
    fn is_behind(&self, shared: &Shared) -> bool {
        shared.backing.clock.now().elapsed.since(self.at) >= BEHIND
    }

    /// Waits until there is more; the place is stored meanwhile.
    async fn rest(&mut self, shared: &Shared) -> Result<(), StoreError> {
        let more = shared.backing.store.written_after(self.cursor);
        if self.stored == self.cursor {
            more.await;
            return Ok(());
        }
        tokio::select! {
            () = more => Ok(()),
            () = shared.pause(BEHIND) => self.store(shared, Vec::new()).await,
        }
    }

    /// With what was found up to it.
    async fn store(&mut self, shared: &Shared, arrivals: Vec<Arrival>) -> Result<(), StoreError> {
        let mark = Mark { key: CURSOR.to_owned(), value: self.cursor.0.to_string() };
        drop(shared.arrive(arrivals, vec![mark]).await?);
        (self.stored, self.at) = (self.cursor, shared.backing.clock.now().elapsed);
        Ok(())
    }
}

/// What nobody looks at leaves no row: all runs end.
async fn arrival(shared: &Shared, row: &LogRow) -> Result<Option<Arrival>, StoreError> {
    let store = &shared.backing.store;
    let Some(gate) = store.gate(row.run).await? else { return Ok(None) };
    let summary = gate.summary;
    let (application, pipeline) = (summary.application.clone(), summary.pipeline.clone());
    let key = IndexKey::Ended { application, pipeline };
    if shared.shelf.read().listening(&key).next().is_none() {
        return Ok(None);
    }
    let ended = Ended {
        run: row.run,
        label: summary.label(),
        application: summary.application,
        pipeline: summary.pipeline,
        status: summary.status,
        ancestry: ancestry(shared, row).await?,
    };
    Ok(Some(Arrival {
        door: Door::Log,
        key: row.run.to_string(),
        digest: String::new(),
        at: shared.backing.clock.now(),
        content: Content { happenings: vec![Happening::Ended(ended)], ..Content::default() },
        body: None,
    }))
}

/// The runs that led to one, itself the last.
async fn ancestry(
    shared: &Shared,
    row: &LogRow,
) -> Result<Vec<engine_core::id::RunId>, StoreError> {
    let first = shared.backing.store.log(row.run, 0).await?;
    let started = first.first().and_then(|row| row.events.first());
    let mut ancestry = match started {
        Some(Event::RunStarted { ancestry, .. }) => ancestry.clone(),
        Some(_) | None => Vec::new(),
    };
    ancestry.push(row.run);
    Ok(ancestry)
}
