//! Facts about what stages' programs printed.

use super::{
    Checked,
    sample::{World, run},
};
use engine_core::{
    clock::Civil,
    id::{Epoch, RunId},
    store::{
        AttemptKey, Chunk, Extent, HEAD_BYTES, Line, LogAppend, LogAppended, Store, StoreError,
        TAIL_BYTES,
    },
};
use std::sync::Arc;

const ALL: u32 = 10_000;

fn key(run: RunId, stage: &str) -> AttemptKey {
    AttemptKey { run, stage: stage.to_owned(), attempt: 1 }
}

fn line(text: &str) -> Line {
    Line { at: Civil(7), source: "migrate-x/migrate".to_owned(), text: text.to_owned() }
}

fn chunk(seq: u64, texts: &[&str]) -> Chunk {
    Chunk { seq, lines: texts.iter().map(|text| line(text)).collect() }
}

fn append(key: &AttemptKey, chunk: Chunk) -> LogAppend {
    let cursor = format!("behind {}", chunk.seq);
    LogAppend { key: key.clone(), chunk, cursor }
}

pub async fn printed_lines_are_read_back_in_order(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let (migrate, other) = (key(run, "migrate"), key(run, "other"));
    let chunks = [chunk(0, &["one", "two"]), chunk(1, &["three"])];
    for chunk in &chunks {
        let appended = world.print(append(&migrate, chunk.clone())).await?;
        assert_eq!(appended, LogAppended::Written);
    }
    assert_eq!(world.print(append(&other, chunk(0, &["else"]))).await?, LogAppended::Written);
    assert_eq!(world.store.stage_log(&migrate, 0, ALL).await?, chunks);
    assert_eq!(world.store.stage_log(&migrate, 1, ALL).await?, chunks[1..]);
    assert_eq!(world.store.stage_log(&migrate, 0, 1).await?, chunks[..1]);
    let extent = world.store.stage_log_extent(&migrate).await?;
    assert_eq!((extent.next, extent.cursor.as_str(), extent.head.lines), (2, "behind 1", 3));
    assert_eq!(world.store.stage_log_extent(&key(run, "none")).await?, Extent::default());
    Ok(())
}

pub async fn the_same_chunk_is_never_kept_twice(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let migrate = key(world.start(1).await?, "migrate");
    assert_eq!(world.print(append(&migrate, chunk(0, &["one"]))).await?, LogAppended::Written);
    for seq in [0, 2] {
        let again = world.print(append(&migrate, chunk(seq, &["one"]))).await?;
        assert_eq!(again, LogAppended::Elsewhere { next: 1 }, "{seq}");
    }
    assert_eq!(world.store.stage_log(&migrate, 0, ALL).await?, [chunk(0, &["one"])]);
    Ok(())
}

pub async fn an_older_epoch_prints_nothing(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let migrate = key(world.start(1).await?, "migrate");
    let older = Epoch(world.epoch.0 - 1);
    let refused = world.store.append_stage_log(older, append(&migrate, chunk(0, &["one"]))).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    assert_eq!(world.store.stage_log(&migrate, 0, ALL).await?, []);
    Ok(())
}

pub async fn attempts_that_printed_are_listed(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (one, other) = (world.start(1).await?, world.start(2).await?);
    let second = AttemptKey { attempt: 2, ..key(one, "migrate") };
    for key in [&second, &key(one, "migrate"), &key(one, "load"), &key(other, "migrate")] {
        assert_eq!(world.print(append(key, chunk(0, &["x"]))).await?, LogAppended::Written);
    }
    let listed = world.store.stage_logs(one).await?;
    let keys: Vec<AttemptKey> = listed.into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [key(one, "load"), key(one, "migrate"), second]);
    assert_eq!(world.store.stage_logs(run(3)).await?, []);
    Ok(())
}

pub async fn of_too_much_the_head_and_the_tail_are_kept(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let migrate = key(world.start(1).await?, "migrate");
    let text = "x".repeat(1024 * 1024);
    let count = (HEAD_BYTES + TAIL_BYTES) / 1024 / 1024 + 4;
    for seq in 0..count {
        let written = world.print(append(&migrate, chunk(seq, &[&text]))).await?;
        assert_eq!(written, LogAppended::Written);
    }
    let kept = world.store.stage_log(&migrate, 0, ALL).await?;
    let extent = world.store.stage_log_extent(&migrate).await?;
    let kept: Vec<u64> = kept.iter().map(|chunk| chunk.seq).collect();
    assert_eq!(kept, [0, 1, 2, 3, 10, 11, 12, 13]);
    assert_eq!((extent.cut.lines, extent.tail_from, extent.next), (6, Some(10), count));
    Ok(())
}
