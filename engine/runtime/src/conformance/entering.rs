//! Facts about runs that need not wait for the place with which they begin.

use super::{
    Checked,
    sample::{
        World, asks, attempt, begin, enter, enter_or, leave, place, queues, run, slot, target,
    },
};
use engine_core::{
    admission::Strategy,
    event::{Event, Message},
    id::RunId,
    status::RunStatus,
    store::{Append, Appended, Entry, Store, StoreError},
};
use std::sync::Arc;

fn granted(group: &str) -> Event {
    Event::SlotGranted { slot: place(group) }
}

/// One that asks for a place in a group for one; let in, it begins a stage.
fn newcomer(seed: u128) -> Append {
    let mut append = begin(run(seed));
    append.summary.status = RunStatus::Queued;
    append.events.push(queues(Strategy::Queue, 1));
    enter_or(run(seed), append, vec![Event::SlotGranted { slot: slot() }, attempt("build")])
}

async fn entry(world: &World, append: Append) -> Result<Entry, StoreError> {
    match world.append(append).await? {
        Appended::Written { entry, woken, .. } => {
            assert_eq!(woken, [], "nobody is told what is known");
            Ok(entry)
        }
        other @ (Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. }) => {
            panic!("{other:?}")
        }
    }
}

async fn messages(world: &World, run: RunId) -> Result<Vec<Message>, StoreError> {
    Ok(world.store.inputs(run).await?.into_iter().map(|row| row.message).collect())
}

pub async fn who_need_not_wait_begins_in_one_row(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let first = newcomer(1);
    let whole = first.of_admitted().ok_or("it asks for a place")?;
    assert_eq!(entry(&world, first).await?, Entry::Admitted);
    let rows = world.store.log(run(1), 0).await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].events, whole.events);
    let gate = world.store.gate(run(1)).await?.ok_or("it is there")?;
    assert_eq!((gate.next, gate.unclean_ends, gate.summary), (1, 0, whole.summary));
    let queue = world.store.queue(&slot().resource()).await?;
    assert_eq!(queue.holders.iter().map(|it| it.run).collect::<Vec<_>>(), [run(1)]);
    assert_eq!(messages(&world, run(1)).await?, []);
    Ok(())
}

pub async fn who_must_wait_begins_as_one_who_waits(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    // Of one batch, only the first finds room.
    let items = vec![newcomer(1), newcomer(2)];
    let asked = items[1].clone();
    let answers = world.store.append(world.epoch, items).await?;
    let entries = answers.iter().map(|it| match it {
        Appended::Written { entry, .. } => Some(*entry),
        Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. } => None,
    });
    let expected = [Some(Entry::Admitted), Some(Entry::AsAsked)];
    assert_eq!(entries.collect::<Vec<_>>(), expected);
    let rows = world.store.log(run(2), 0).await?;
    assert_eq!(rows.first().map(|row| &row.events), Some(&asked.events));
    let gate = world.store.gate(run(2)).await?.ok_or("it is there")?;
    assert_eq!((gate.next, gate.summary), (1, asked.summary));
    // It is told like everybody else.
    let left = Event::SlotReleased { slot: slot(), room: Default::default() };
    assert_eq!(world.go_on(run(1), vec![left]).await?, [run(2)]);
    assert_eq!(messages(&world, run(2)).await?, [Message::SlotGranted { slot: slot() }]);
    Ok(())
}

pub async fn who_finds_the_application_full_waits_in_its_group(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let limits = (1, 5);
    let entering = |seed: u128, group: &str| {
        enter_or(run(seed), enter(run(seed), group, limits), vec![granted(group)])
    };
    assert_eq!(entry(&world, entering(1, "a")).await?, Entry::Admitted);
    assert_eq!(entry(&world, entering(2, "b")).await?, Entry::AsAsked);
    assert_eq!(messages(&world, run(2)).await?, []);
    assert_eq!(world.go_on(run(1), vec![leave("a")]).await?, [run(2)]);
    assert_eq!(messages(&world, run(2)).await?, [Message::RoomGranted]);
    Ok(())
}

pub async fn what_it_asks_for_once_it_is_in_is_told_by_an_input(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let mut append = begin(run(1));
    append.events.push(queues(Strategy::Queue, 1));
    let then = vec![Event::SlotGranted { slot: slot() }, asks("prod", &[])];
    let answer = world.append(enter_or(run(1), append, then)).await?;
    let Appended::Written { entry, woken, .. } = answer else { panic!("{answer:?}") };
    assert_eq!((entry, woken), (Entry::Admitted, vec![run(1)]));
    let granted = Message::TargetGranted { target: target("prod") };
    assert_eq!(messages(&world, run(1)).await?, [granted]);
    Ok(())
}
