//! Facts about readers: the one order of all rows, pages, and being woken.

use super::{
    Checked,
    sample::{World, attempt, begin, end, next, run, written},
};
use engine_core::{
    id::{Position, RunId},
    store::{FeedRow, LogRow, Page, RunFilter, Store, StoreError},
};
use std::sync::Arc;

pub async fn positions_run_without_gaps(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    assert_eq!(world.store.head().await?, Position(0));
    for seed in 1..=3 {
        let batch = vec![begin(run(seed)), next(run(99), 4, Vec::new()), begin(run(seed + 10))];
        world.store.append(world.epoch, batch).await?;
    }
    let rows = read_from(&world, Position(0)).await?;
    let positions: Vec<u64> = rows.iter().map(|row| row.position.0).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(world.store.head().await?, Position(6));
    Ok(())
}

/// Four writers, one reader that follows from the beginning: what it sees never changes behind it.
pub async fn readers_see_every_row_in_order_while_others_append(store: Arc<dyn Store>) -> Checked {
    const ROWS: u64 = 25;
    let world = World::on(store).await?;
    let writing = (1..=4).map(|seed| write_rows(&world, run(seed), ROWS));
    let writing = futures::future::try_join_all(writing);
    let (_written, seen) = futures::try_join!(writing, follow(&world, 4 * ROWS))?;
    let positions: Vec<u64> = seen.iter().map(|row| row.position.0).collect();
    assert_eq!(positions, (1..=4 * ROWS).collect::<Vec<u64>>());
    assert_eq!(read_from(&world, Position(0)).await?, seen);
    Ok(())
}

async fn follow(world: &World, rows: u64) -> Result<Vec<LogRow>, StoreError> {
    let mut seen: Vec<LogRow> = Vec::new();
    while (seen.len() as u64) < rows {
        let cursor = seen.last().map_or(Position(0), |row| row.position);
        world.store.written_after(cursor).await;
        seen.extend(read_from(world, cursor).await?);
    }
    Ok(seen)
}

async fn write_rows(world: &World, run: RunId, rows: u64) -> Result<(), StoreError> {
    written(&world.append(begin(run)).await?);
    for n in 1..rows {
        written(&world.append(next(run, n, vec![attempt("build")])).await?);
        tokio::task::yield_now().await;
    }
    Ok(())
}

pub async fn the_feed_is_read_page_by_page(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let all = (1..=5).map(|seed| begin(run(seed))).collect();
    world.store.append(world.epoch, all).await?;
    let mut seen = Vec::new();
    for (cursor, count) in [(0, 2), (2, 2), (4, 1), (5, 0), (900, 0)] {
        let Page::Rows(rows) = world.store.after(Position(cursor), 2).await? else {
            panic!("cursor {cursor} was reset");
        };
        assert_eq!(rows.len(), count, "after {cursor}");
        seen.extend(rows.into_iter().filter_map(FeedRow::of_run).map(|row| row.run));
    }
    assert_eq!(seen, (1..=5).map(run).collect::<Vec<_>>());
    Ok(())
}

pub async fn a_waiting_reader_is_woken_by_an_append(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    world.start(1).await?;
    let reader = Arc::clone(&world.store);
    let waiting = tokio::spawn(async move { reader.written_after(Position(1)).await });
    tokio::task::yield_now().await;
    world.start(2).await?;
    waiting.await?;
    world.store.written_after(Position(0)).await;
    Ok(())
}

pub async fn runs_are_listed_newest_first(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [2, 1, 3, 4] {
        world.start(seed).await?;
    }
    let listed = async |limit, before| -> Result<Vec<RunId>, StoreError> {
        let runs = world.store.runs(RunFilter { limit, before }).await?;
        Ok(runs.into_iter().map(|summary| summary.run).collect())
    };
    assert_eq!(listed(None, None).await?, [4, 3, 2, 1].map(run));
    assert_eq!(listed(Some(2), None).await?, [4, 3].map(run));
    assert_eq!(listed(Some(2), Some(run(3))).await?, [2, 1].map(run));
    Ok(())
}

pub async fn unfinished_runs_are_listed_oldest_first(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [3, 1, 2] {
        world.start(seed).await?;
    }
    written(&world.append(end(run(2), 1)).await?);
    let gates = world.store.unfinished().await?;
    let expected = [world.store.gate(run(1)).await?, world.store.gate(run(3)).await?];
    assert_eq!(gates.into_iter().map(Some).collect::<Vec<_>>(), expected);
    Ok(())
}

async fn read_from(world: &World, position: Position) -> Result<Vec<LogRow>, StoreError> {
    match world.store.after(position, 1_000).await? {
        Page::Rows(rows) => Ok(rows.into_iter().filter_map(FeedRow::of_run).collect()),
        Page::Reset { first } => Err(StoreError::Damaged(format!("reset to {}", first.0))),
    }
}
