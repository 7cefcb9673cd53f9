//! Reads the log of all runs: an end is a happening, once.

use super::Shared;
use engine_core::{
    delivery::{Arrival, Content, Door, Mark},
    event::Event,
    happening::{Ended, Happening},
    id::Position,
    store::{LogRow, Page, StoreError},
    trigger::IndexKey,
};
use std::{sync::Arc, time::Duration};

const CURSOR: &str = "ended";
const ROWS: u32 = 256;
const PAUSE: Duration = Duration::from_secs(1);

/// Never ends by itself.
pub(super) async fn follow(shared: Arc<Shared>) {
    loop {
        match read(&shared).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "the ends of runs cannot be read; trying again");
                shared.pause(PAUSE).await;
            }
        }
    }
}

/// One page. The first sight of a log finds nothing.
async fn read(shared: &Shared) -> Result<(), StoreError> {
    let store = &shared.backing.store;
    let Some(cursor) = store.mark(CURSOR).await? else {
        return go_on(shared, store.head().await?, Vec::new()).await;
    };
    let cursor = Position(cursor.parse().map_err(|_| {
        StoreError::Damaged(format!("the mark `{CURSOR}` is no position: {cursor}"))
    })?);
    let rows = match store.after(cursor, ROWS).await? {
        Page::Rows(rows) => rows,
        Page::Reset { first } => {
            return go_on(shared, Position(first.0.saturating_sub(1)), Vec::new()).await;
        }
    };
    let Some(last) = rows.last() else {
        store.written_after(cursor).await;
        return Ok(());
    };
    let last = last.position;
    let mut arrivals = Vec::new();
    for row in rows {
        if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
            arrivals.extend(arrival(shared, &row).await?);
        }
    }
    go_on(shared, last, arrivals).await
}

async fn go_on(
    shared: &Shared,
    position: Position,
    arrivals: Vec<Arrival>,
) -> Result<(), StoreError> {
    let mark = Mark { key: CURSOR.to_owned(), value: position.0.to_string() };
    shared.arrive(arrivals, vec![mark]).await.map(drop)
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
