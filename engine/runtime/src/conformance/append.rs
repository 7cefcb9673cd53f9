//! Facts about appends: whole or not at all, each item with its own answer.

use super::{
    Checked,
    sample::{
        World, actor, attempt, begin, begin_by_key, end, next, now, refuse, run, summary, written,
    },
};
use engine_core::{
    event::{Force, Message},
    id::{BlobName, InputId, RunId},
    status::RunStatus,
    store::{Append, Appended, Blob, Request, Store, Submitted},
};
use std::sync::Arc;

pub async fn an_append_is_read_back_whole(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let item = next(run, 1, vec![attempt("build"), attempt("it's \"quoted\"\n\u{1F6A2}")]);
    let position = written(&world.append(item.clone()).await?);
    let log = world.store.log(run, 0).await?;
    assert_eq!(log.len(), 2);
    assert_eq!((log[1].run, log[1].n, log[1].position), (run, 1, position));
    assert_eq!((log[1].now, &log[1].events), (item.now, &item.events));
    assert_eq!(world.store.log(run, 1).await?, log[1..]);
    assert_eq!(world.store.log(run, 2).await?, []);
    Ok(())
}

pub async fn a_row_with_a_number_that_is_taken_is_a_conflict(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let item = next(run, 1, vec![attempt("build")]);
    written(&world.append(item.clone()).await?);
    let before = world.store.log(run, 0).await?;
    assert_eq!(world.append(item).await?, Appended::Conflict);
    assert_eq!(world.store.log(run, 0).await?, before);
    Ok(())
}

pub async fn a_row_that_leaves_a_gap_is_a_conflict(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let known = world.start(1).await?;
    for (run, n) in [(known, 2), (run(2), 0), (run(2), 1)] {
        let answer = world.append(next(run, n, vec![attempt("build")])).await?;
        assert_eq!(answer, Appended::Conflict, "row {n} of {run}");
    }
    assert_eq!(world.store.gate(run(2)).await?, None);
    Ok(())
}

pub async fn a_run_begins_only_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    assert_eq!(world.append(begin(run)).await?, Appended::Conflict);
    assert_eq!(world.append(Append { n: 1, ..begin(run) }).await?, Appended::Conflict);
    assert_eq!(world.store.log(run, 0).await?.len(), 1);
    Ok(())
}

pub async fn one_stale_item_leaves_its_neighbours_alone(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (first, stale, last) =
        (world.start(1).await?, world.start(2).await?, world.start(3).await?);
    let blob = Blob { name: BlobName("aa".to_owned()), sealed: vec![1] };
    let input = cancel(&world, stale).await?;
    let broken = Append {
        blobs: vec![blob.clone()],
        inputs: vec![input],
        summary: summary(stale, RunStatus::Cancelled),
        ..next(stale, 7, vec![attempt("lost")])
    };
    let before = world.store.gate(stale).await?;
    let batch = vec![next(first, 1, vec![attempt("a")]), broken, next(last, 1, vec![attempt("b")])];
    let answers = world.store.append(world.epoch, batch).await?;
    assert_eq!(answers[1], Appended::Conflict);
    assert_eq!(written(&answers[0]).0 + 1, written(&answers[2]).0);
    assert_eq!(world.store.gate(first).await?.map(|gate| gate.next), Some(2));
    assert_eq!(world.store.gate(last).await?.map(|gate| gate.next), Some(2));
    assert_eq!(world.store.gate(stale).await?, before);
    assert_eq!(world.store.blob(&blob.name).await?, None);
    assert_eq!(world.store.inputs(stale).await?.len(), 1);
    Ok(())
}

pub async fn a_key_starts_one_run(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    written(&world.append(begin_by_key(run(1), "delivery 1")).await?);
    let again = world.append(begin_by_key(run(2), "delivery 1")).await?;
    assert_eq!(again, Appended::Repeated { run: run(1) });
    assert_eq!(world.store.gate(run(2)).await?, None);
    written(&world.append(begin_by_key(run(3), "delivery 2")).await?);
    Ok(())
}

pub async fn a_key_repeated_in_one_batch_starts_one_run(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let batch = vec![begin_by_key(run(1), "delivery"), begin_by_key(run(2), "delivery")];
    let answers = world.store.append(world.epoch, batch).await?;
    written(&answers[0]);
    assert_eq!(answers[1], Appended::Repeated { run: run(1) });
    assert_eq!(world.store.unfinished().await?.len(), 1);
    Ok(())
}

pub async fn an_append_without_events_only_deletes_inputs(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let input = cancel(&world, run).await?;
    let head = world.store.head().await?;
    assert_eq!(written(&world.append(refuse(run, 1, vec![input])).await?), head);
    assert_eq!(world.store.inputs(run).await?, []);
    assert_eq!(world.store.head().await?, head);
    assert_eq!(world.store.log(run, 0).await?.len(), 1);
    written(&world.append(next(run, 1, vec![attempt("build")])).await?);
    Ok(())
}

pub async fn an_append_without_events_must_pass_the_gate(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let input = cancel(&world, run).await?;
    assert_eq!(world.append(refuse(run, 2, vec![input])).await?, Appended::Conflict);
    assert_eq!(world.store.inputs(run).await?.len(), 1);
    Ok(())
}

pub async fn the_summary_is_the_one_appended(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    for item in [next(run, 1, vec![attempt("build")]), end(run, 2)] {
        let expected = item.summary.clone();
        let n = item.n;
        written(&world.append(item).await?);
        let gate = world.store.gate(run).await?.ok_or("no gate")?;
        assert_eq!((gate.next, gate.epoch, gate.unclean_ends), (n + 1, world.epoch, 0));
        assert_eq!(gate.summary, expected);
    }
    Ok(())
}

pub async fn a_large_batch_is_answered_item_by_item(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let runs: Vec<RunId> = (1..=700).map(run).collect();
    let starts = runs.iter().map(|run| begin(*run)).collect();
    for answer in world.store.append(world.epoch, starts).await? {
        written(&answer);
    }
    let number = |index: usize| if index.is_multiple_of(7) { 5 } else { 1 };
    let item = |(index, run): (usize, &RunId)| next(*run, number(index), vec![attempt("build")]);
    let items = runs.iter().enumerate().map(item).collect();
    for (index, answer) in world.store.append(world.epoch, items).await?.iter().enumerate() {
        assert_eq!(*answer == Appended::Conflict, index.is_multiple_of(7), "item {index}");
    }
    assert_eq!(world.store.head().await?.0, 700 + 600);
    Ok(())
}

async fn cancel(world: &World, run: RunId) -> Result<InputId, Box<dyn std::error::Error>> {
    let message = Message::Cancel { actor: actor(), reason: "enough".to_owned(), force: Force::No };
    let request = Request { run, key: "request".to_owned(), message, at: now(3) };
    match world.store.submit(request).await? {
        Submitted::Written(id) => Ok(id),
        other @ (Submitted::Repeated(_) | Submitted::NoRun) => Err(format!("{other:?}").into()),
    }
}
