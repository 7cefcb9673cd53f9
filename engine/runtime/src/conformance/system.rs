//! Facts about the stream `system`: what is about no run has its place in the one order.

use super::{
    Checked,
    inbox::{arrival, at, decided, started},
    sample::World,
};
use engine_core::{
    clock::Civil,
    delivery::{Arrival, Door, Kept},
    fact::{Fact, Refusal, RefusalReason},
    id::{DeliveryId, Epoch, Position},
    store::{FeedRow, Page, Store, StoreError, SystemRow},
};
use std::sync::Arc;

fn door() -> Door {
    Door::Receiver { name: "registry".to_owned() }
}

fn refused(reason: RefusalReason, count: u64, last: u64) -> Fact {
    let (first, last) = (Civil(last), Civil(last));
    Fact::PostsRefused(Refusal { door: door(), reason, count, first, last })
}

async fn told(world: &World, after: u64) -> Result<Vec<FeedRow>, StoreError> {
    match world.store.after(Position(after), 100).await? {
        Page::Rows(rows) => Ok(rows),
        Page::Reset { first } => Err(StoreError::Damaged(format!("reset to {}", first.0))),
    }
}

fn of_system(rows: Vec<FeedRow>) -> Vec<SystemRow> {
    let system = |row| match row {
        FeedRow::System(row) => Some(row),
        FeedRow::Run(_) => None,
    };
    rows.into_iter().filter_map(system).collect()
}

pub async fn what_arrives_and_is_decided_stands_in_the_order_of_all_rows(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    let two = vec![arrival("a", "1"), arrival("b", "2")];
    let kept = world.store.arrive(world.epoch, two, Vec::new()).await?;
    let [Kept::New(a), Kept::New(b)] = kept.as_slice() else { panic!("{kept:?}") };
    world.start(1).await?;
    world.store.decide(world.epoch, decided(*a, started(), Vec::new())).await?;
    let rows = told(&world, 0).await?;
    let positions: Vec<u64> = rows.iter().map(|row| row.position().0).collect();
    assert_eq!(positions, [1, 2, 3]);
    assert!(matches!(rows[1], FeedRow::Run(_)));
    assert_eq!(world.store.head().await?, Position(3));
    let arrived = |delivery: &DeliveryId| Fact::DeliveryArrived { delivery: *delivery, by: door() };
    let facts = vec![arrived(a), arrived(b)];
    let first = SystemRow { n: 0, position: Position(1), now: at(7), facts };
    let facts = vec![Fact::DeliveryDecided { delivery: *a, started: 1 }];
    let second = SystemRow { n: 1, position: Position(3), now: at(9), facts };
    assert_eq!(of_system(rows), [first, second]);
    Ok(())
}

pub async fn what_came_before_is_told_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for digest in ["1", "1", "other"] {
        let _kept = world.store.arrive(world.epoch, vec![arrival("a", digest)], Vec::new()).await?;
    }
    for _ in 0..2 {
        let again = decided(DeliveryId(1), started(), Vec::new());
        world.store.decide(world.epoch, again).await?;
    }
    assert_eq!(world.store.head().await?, Position(2));
    assert_eq!(told(&world, 0).await?.len(), 2);
    Ok(())
}

pub async fn a_reader_is_woken_by_what_arrives(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let reader = Arc::clone(&world.store);
    let waiting = tokio::spawn(async move { reader.written_after(Position(0)).await });
    tokio::task::yield_now().await;
    let _kept = world.store.arrive(world.epoch, vec![arrival("a", "1")], Vec::new()).await?;
    waiting.await?;
    Ok(())
}

pub async fn refusals_are_added_up_by_door_and_reason(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let older = Epoch(world.epoch.0 - 1);
    let lost = world.store.record(older, at(5), vec![refused(RefusalReason::Stale, 9, 5)]).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost { .. })), "{lost:?}");
    assert_eq!((told(&world, 0).await?, world.store.refusals().await?), (vec![], vec![]));
    let facts =
        vec![refused(RefusalReason::BadSignature, 3, 5), refused(RefusalReason::Stale, 1, 6)];
    let position = world.store.record(world.epoch, at(6), facts.clone()).await?;
    let again = vec![refused(RefusalReason::BadSignature, 4, 90)];
    world.store.record(world.epoch, at(91), again).await?;
    let rows = of_system(told(&world, 0).await?);
    assert_eq!((rows[0].position, &rows[0].facts, rows.len()), (position, &facts, 2));
    let found = world.store.refusals().await?;
    let bad = Refusal {
        door: door(),
        reason: RefusalReason::BadSignature,
        count: 7,
        first: Civil(5),
        last: Civil(90),
    };
    assert_eq!((found.len(), &found[0], found[1].count), (2, &bad, 1));
    Ok(())
}

pub async fn what_was_told_long_ago_is_taken_away_but_for_the_newest(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    for civil in [10, 20, 30] {
        let facts = vec![refused(RefusalReason::Stale, 1, civil)];
        world.store.record(world.epoch, at(civil), facts).await?;
    }
    world.start(1).await?;
    world.store.forget_deliveries(world.epoch, Civil(25)).await?;
    let page = world.store.after(Position(0), 100).await?;
    assert_eq!(page, Page::Reset { first: Position(3) });
    assert_eq!(told(&world, 2).await?.len(), 2);
    world.store.forget_deliveries(world.epoch, Civil(500)).await?;
    assert_eq!(told(&world, 2).await?.len(), 2, "the newest stays");
    assert_eq!(world.store.refusals().await?, vec![]);
    let later = Arrival { at: at(600), ..arrival("z", "9") };
    let _kept = world.store.arrive(world.epoch, vec![later], Vec::new()).await?;
    let rows = of_system(told(&world, 2).await?);
    let numbers: Vec<(u64, u64)> = rows.iter().map(|row| (row.n, row.position.0)).collect();
    assert_eq!(numbers, [(2, 3), (3, 5)]);
    Ok(())
}
