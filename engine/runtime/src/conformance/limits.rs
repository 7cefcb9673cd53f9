//! Facts about how many runs an application may have.

use super::{
    Checked,
    sample::{World, enter, leave, place, queues, run, slot},
};
use engine_core::{
    admission::{Limit, Link, Standing, Strategy},
    event::{Event, Message, TurnedAway},
    id::RunId,
    store::{Append, Appended, Store, StoreError},
};
use std::sync::Arc;

const MANY: u32 = 100;

async fn messages(world: &World, run: RunId) -> Result<Vec<Message>, StoreError> {
    Ok(world.store.inputs(run).await?.into_iter().map(|row| row.message).collect())
}

/// Begins a run; whether it was let begin.
async fn entered(world: &World, append: Append) -> Result<bool, StoreError> {
    match world.append(append).await? {
        Appended::Written { .. } => Ok(true),
        Appended::QueueFull { .. } => Ok(false),
        other @ (Appended::Conflict | Appended::Repeated { .. }) => panic!("{other:?}"),
    }
}

pub async fn a_run_waits_until_fewer_of_its_application_are_under_way(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    for (seed, group) in [(1, "a"), (2, "b"), (3, "c"), (4, "c")] {
        assert!(entered(&world, enter(run(seed), group, (1, MANY))).await?);
    }
    assert_eq!(messages(&world, run(1)).await?, [Message::RoomGranted]);
    assert_eq!(messages(&world, run(2)).await?, []);
    let room = world.store.queue(&place("a").room()).await?;
    assert_eq!(room.holders.iter().map(|it| it.run).collect::<Vec<_>>(), [run(1)]);
    assert_eq!(room.waiters.iter().map(|it| it.run).collect::<Vec<_>>(), [run(2), run(3)]);
    // First come, first served; the fourth comes only now to the application's door.
    assert_eq!(world.go_on(run(1), vec![leave("a")]).await?, [run(2)]);
    assert_eq!(world.go_on(run(2), vec![leave("b")]).await?, [run(3)]);
    assert_eq!(messages(&world, run(3)).await?, [Message::RoomGranted]);
    assert_eq!(world.go_on(run(3), vec![leave("c")]).await?, [run(4)]);
    assert_eq!(world.go_on(run(4), vec![leave("c")]).await?, []);
    Ok(())
}

pub async fn a_run_that_leaves_while_it_waits_is_forgotten(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for (seed, group) in [(1, "a"), (2, "b"), (3, "b"), (4, "c")] {
        assert!(entered(&world, enter(run(seed), group, (1, MANY))).await?);
    }
    // The third takes its place in the group, and goes behind the fourth.
    assert_eq!(world.go_on(run(2), vec![leave("b")]).await?, []);
    assert_eq!(world.go_on(run(1), vec![leave("a")]).await?, [run(4)]);
    // A grant that was not read goes too.
    assert_eq!(world.go_on(run(4), vec![leave("c")]).await?, [run(3)]);
    assert_eq!(world.go_on(run(3), vec![leave("b")]).await?, []);
    assert_eq!(messages(&world, run(3)).await?, []);
    assert!(entered(&world, enter(run(5), "b", (1, MANY))).await?);
    assert_eq!(messages(&world, run(5)).await?, [Message::RoomGranted]);
    Ok(())
}

pub async fn a_start_is_refused_where_too_many_wait(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let limits = (1, 2);
    // Of one batch, the first that begins finds room, and the last none.
    let groups = ["a", "a", "b", "c"];
    let batch = (1..).zip(groups).map(|(seed, group)| enter(run(seed), group, limits)).collect();
    let answers = world.store.append(world.epoch, batch).await?;
    assert_eq!(answers[3], Appended::QueueFull { most: 2 });
    assert!(answers[..3].iter().all(|it| matches!(it, Appended::Written { .. })), "{answers:?}");
    // Nothing of it is there, and its key is free.
    assert_eq!(world.store.gate(run(4)).await?, None);
    assert_eq!(world.store.started(&run(4).to_string()).await?, None);
    assert!(!entered(&world, enter(run(4), "c", limits)).await?);
    // A start that is repeated is none.
    let again = enter(run(1), "a", limits);
    let before = Appended::Repeated { run: run(1) };
    assert_eq!(world.append(again).await?, before);
    assert_eq!(world.go_on(run(1), vec![leave("a")]).await?, [run(3)]);
    assert!(entered(&world, enter(run(4), "c", limits)).await?);
    assert!(!entered(&world, enter(run(5), "d", limits)).await?);
    Ok(())
}

pub async fn who_need_not_wait_begins_however_many_do(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let limits = (2, 1);
    assert!(entered(&world, enter(run(1), "a", limits)).await?);
    assert!(entered(&world, enter(run(2), "a", limits)).await?);
    assert!(entered(&world, enter(run(3), "b", limits)).await?);
    assert_eq!(messages(&world, run(3)).await?, [Message::RoomGranted]);
    assert!(!entered(&world, enter(run(4), "c", limits)).await?);
    // Another application has places of its own.
    let mut other = enter(run(5), "a", limits);
    for event in &mut other.events {
        if let Event::SlotAsked { slot, .. } = event {
            slot.application = "check".to_owned();
        }
    }
    assert!(entered(&world, other).await?);
    // What is waited for needs no place, and is not counted among those who wait.
    world.start(6).await?;
    world.start(7).await?;
    world.go_on(run(6), vec![queues(Strategy::Queue, 1)]).await?;
    world.go_on(run(7), vec![queues(Strategy::Queue, 1)]).await?;
    assert_eq!(messages(&world, run(6)).await?, [Message::SlotGranted { slot: slot() }]);
    assert_eq!(world.go_on(run(1), vec![leave("a")]).await?, [run(2)]);
    assert!(entered(&world, enter(run(4), "c", limits)).await?);
    Ok(())
}

pub async fn a_ring_through_the_limit_is_refused_by_name(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    assert!(entered(&world, enter(run(1), "a", (1, MANY))).await?);
    assert!(entered(&world, enter(run(2), "b", (1, MANY))).await?);
    // A child of the first wants the place that the second will not give back.
    world.start(3).await?;
    let standing = Standing { family: vec![run(1)], ..Standing::default() };
    let keeps = vec![place("a").resource(), place("a").room()];
    let asked = Event::SlotAsked { slot: place("b"), strategy: Strategy::Queue, standing, keeps };
    world.go_on(run(3), vec![asked]).await?;
    let link = |keeps, wanted| Link { run: "release#12".to_owned(), keeps, wanted };
    let (group, room) = (place("b").resource(), place("b").room());
    let ring = vec![link(group.clone(), room.clone()), link(room, group)];
    let because = TurnedAway::Ring { ring };
    let refused = Message::SlotRefused { slot: place("b"), because };
    assert_eq!(messages(&world, run(3)).await?, [refused]);
    Ok(())
}

/// Random coming and going of eight runs in three groups, against the rule alone.
pub async fn no_more_are_under_way_than_may_be_and_none_waits_for_nothing(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let (mut there, mut seed): (Vec<(RunId, &str)>, u128) = (Vec::new(), 0);
    for turn in 0..150 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let roll = usize::try_from(dice % 64)?;
        if roll % 2 == 0 || there.is_empty() {
            let group = ["a", "b", "c"][roll % 3];
            seed += 1;
            if entered(&world, enter(run(seed), group, (2, 3))).await? {
                there.push((run(seed), group));
            }
        } else {
            let (run, group) = there.remove(roll % there.len());
            world.go_on(run, vec![leave(group)]).await?;
        }
        let room = world.store.queue(&place("a").room()).await?;
        let (mut waiting, mut may_enter) = (room.waiters.len(), 0);
        for group in ["a", "b", "c"] {
            let queue = world.store.queue(&place(group).resource()).await?;
            assert!(queue.holders.len() == 1 || queue.waiters.is_empty(), "turn {turn}: {group}");
            waiting += queue.waiters.len();
            may_enter += queue.holders.len();
        }
        assert!(room.holders.len() <= 2 && waiting <= 3, "turn {turn}: {room:?}");
        assert_eq!(room.holders.len(), may_enter.min(2), "turn {turn}: {room:?}");
        assert_eq!(room.holders.len() + waiting, there.len(), "turn {turn}");
        let limit = Limit::AtMost(2);
        assert!(room.waiters.iter().all(|waiter| waiter.standing.room == limit), "turn {turn}");
    }
    Ok(())
}
