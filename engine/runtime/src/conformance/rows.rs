//! Facts about the rows beside the log: inputs, numbers, plans, blobs, details.

use super::{
    Checked,
    sample::{World, actor, attempt, begin, end, next, now, plan, run, written},
};
use engine_core::{
    event::{Force, Message},
    id::{BlobName, PlanHash, RunId},
    store::{Append, Blob, Detail, Request, Store, StoreError, Submitted},
};
use std::{collections::BTreeSet, sync::Arc};

fn cancel(run: RunId, key: &str) -> Request {
    let message =
        Message::Cancel { actor: actor(), reason: format!("because of {key}"), force: Force::No };
    Request { run, key: key.to_owned(), message, at: now(3) }
}

pub async fn inputs_are_read_in_the_order_of_their_writing(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (run, other) = (world.start(1).await?, world.start(2).await?);
    for key in ["first", "second", "third"] {
        world.store.submit(cancel(run, key)).await?;
        world.store.submit(cancel(other, key)).await?;
    }
    let inputs = world.store.inputs(run).await?;
    let expected = ["first", "second", "third"].map(|key| cancel(run, key).message);
    assert_eq!(inputs.iter().map(|row| row.message.clone()).collect::<Vec<_>>(), expected);
    let decided = vec![inputs[0].id, inputs[1].id];
    let item = Append { inputs: decided, ..next(run, 1, vec![attempt("build")]) };
    written(&world.append(item).await?);
    assert_eq!(world.store.inputs(run).await?, inputs[2..]);
    assert_eq!(world.store.inputs(other).await?.len(), 3);
    Ok(())
}

pub async fn runs_with_inputs_are_found(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [3, 1, 2] {
        world.start(seed).await?;
    }
    for (seed, key) in [(3, "a"), (1, "a"), (1, "b")] {
        world.store.submit(cancel(run(seed), key)).await?;
    }
    let found = world.store.runs_with_inputs().await?;
    assert_eq!(BTreeSet::from_iter(found.iter().copied()), BTreeSet::from([run(1), run(3)]));
    assert_eq!(found.len(), 2, "each once");
    Ok(())
}

pub async fn a_repeated_request_writes_nothing(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (run, other) = (world.start(1).await?, world.start(2).await?);
    let Submitted::Written(first) = world.store.submit(cancel(run, "key")).await? else {
        panic!("the first request was not written");
    };
    assert_eq!(world.store.submit(cancel(run, "key")).await?, Submitted::Repeated(first));
    assert!(matches!(world.store.submit(cancel(other, "key")).await?, Submitted::Written(_)));
    let item = Append { inputs: vec![first], ..next(run, 1, vec![attempt("build")]) };
    written(&world.append(item).await?);
    assert_eq!(world.store.submit(cancel(run, "key")).await?, Submitted::Repeated(first));
    assert_eq!(world.store.inputs(run).await?, []);
    Ok(())
}

pub async fn a_request_for_no_run_is_told_so(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    assert_eq!(world.store.submit(cancel(run(1), "key")).await?, Submitted::NoRun);
    let run = world.start(1).await?;
    assert!(matches!(world.store.submit(cancel(run, "key")).await?, Submitted::Written(_)));
    Ok(())
}

pub async fn numbers_never_repeat(store: Arc<dyn Store>) -> Checked {
    let drawn = (0..20).map(|_| store.number("checkout", "release"));
    let numbers: Vec<u64> = futures::future::try_join_all(drawn).await?;
    assert_eq!(BTreeSet::from_iter(numbers), (1..=20).collect());
    assert_eq!(store.number("checkout", "other").await?, 1);
    assert_eq!(store.number("other", "release").await?, 1);
    let world = World::on(store).await?;
    let mut item = begin(run(1));
    let names = (item.summary.application.clone(), item.summary.pipeline.clone());
    item.summary.number = world.store.number(&names.0, &names.1).await?;
    let begun = item.summary.number;
    written(&world.append(item).await?);
    let next = world.taken_over().await?;
    let number = next.store.number(&names.0, &names.1).await?;
    assert!(number > begun, "{number} after {begun}, by whoever took over");
    Ok(())
}

pub async fn plans_are_kept_by_their_hash(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    world.start(1).await?;
    world.start(2).await?;
    assert_eq!(world.store.plan(&plan()).await?.as_deref(), Some("a plan"));
    assert_eq!(world.store.plan(&PlanHash("00".to_owned())).await?, None);
    Ok(())
}

pub async fn blobs_are_kept_by_their_name(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let blob = |content: u8| Blob { name: BlobName("aa".to_owned()), sealed: vec![content; 3] };
    let item = Append { blobs: vec![blob(7), blob(8)], ..begin(run(1)) };
    written(&world.append(item).await?);
    let again = Append { blobs: vec![blob(9)], ..next(run(1), 1, vec![attempt("build")]) };
    written(&world.append(again).await?);
    assert_eq!(world.store.blob(&blob(0).name).await?, Some(vec![7; 3]), "the first is kept");
    assert_eq!(world.store.blob(&BlobName("bb".to_owned())).await?, None);
    Ok(())
}

fn detail(run: RunId, stage: &str, text: &str) -> Detail {
    let at = now(text.len() as u64);
    Detail { run, stage: stage.to_owned(), text: text.to_owned(), at }
}

async fn tell(world: &World, details: &[Detail]) -> Result<(), StoreError> {
    world.store.tell(details.to_vec()).await
}

pub async fn details_tell_the_latest_text(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    tell(&world, &[detail(run, "deploy", "1 of 3 ready"), detail(run, "build", "half")]).await?;
    tell(&world, &[detail(run, "deploy", "2 of 3 ready")]).await?;
    let expected = [detail(run, "build", "half"), detail(run, "deploy", "2 of 3 ready")];
    assert_eq!(world.store.details(run).await?, expected);
    assert_eq!(world.store.details(super::sample::run(2)).await?, []);
    Ok(())
}

pub async fn details_go_with_the_end_of_their_run(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    tell(&world, &[detail(run, "deploy", "1 of 3 ready")]).await?;
    written(&world.append(end(run, 1)).await?);
    tell(&world, &[detail(run, "deploy", "too late")]).await?;
    assert_eq!(world.store.details(run).await?, []);
    Ok(())
}
