//! Facts about what is decided as it arrives.

use super::{
    Checked,
    inbox::{arrival, started},
    sample::{World, begin, begin_by_key, enter_or, queues, run, slot},
};
use engine_core::{
    admission::Strategy,
    delivery::{Kept, State},
    event::Event,
    fact::Fact,
    id::{DeliveryId, Position},
    store::{Append, Appended, Came, Entry, FeedRow, Foreseen, Foretold, Page, Store, StoreError},
};
use std::sync::Arc;

/// That it starts a run.
struct Starts(Append);

impl Foreseen for Starts {
    fn come_to(&self, _id: DeliveryId) -> Option<Foretold> {
        Some(Foretold { decision: started(), begins: Some(self.0.clone()) })
    }
}

/// That it comes to what is not known yet.
struct Unknown;

impl Foreseen for Unknown {
    fn come_to(&self, _id: DeliveryId) -> Option<Foretold> {
        None
    }
}

impl World {
    async fn comes(&self, key: &str, foreseen: Arc<dyn Foreseen>) -> Result<Came, StoreError> {
        self.store.arrive_foreseen(self.epoch, arrival(key, "1"), foreseen).await
    }

    async fn state(&self, id: DeliveryId) -> Result<Option<State>, StoreError> {
        Ok(self.store.delivery(id).await?.map(|delivery| delivery.state))
    }
}

fn newcomer() -> Append {
    let mut append = begin_by_key(run(1), "delivery:1/0");
    append.events.push(queues(Strategy::Queue, 1));
    enter_or(run(1), append, vec![Event::SlotGranted { slot: slot() }])
}

pub async fn what_is_foreseen_is_kept_decided_and_begun_at_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let came = world.comes("a", Arc::new(Starts(newcomer()))).await?;
    let Came::Decided { id, begun } = came else { panic!("{came:?}") };
    let Some(Appended::Written { position, entry, .. }) = begun else { panic!("{begun:?}") };
    assert_eq!(entry, Entry::Admitted);
    assert_eq!(world.state(id).await?, Some(State::Decided(started())));
    let whole = newcomer().of_admitted().ok_or("it asks for a place")?;
    assert_eq!(world.store.log(run(1), 0).await?[0].events, whole.events);
    // The feed tells it in the order in which it happened, without a gap.
    let Page::Rows(rows) = world.store.after(Position(0), 10).await? else {
        panic!("nothing is gone")
    };
    let told: Vec<(u64, Vec<Fact>)> = rows
        .into_iter()
        .map(|row| match row {
            FeedRow::Run(row) => (row.position.0, Vec::new()),
            FeedRow::System(row) => (row.position.0, row.facts),
        })
        .collect();
    let arrived = Fact::DeliveryArrived { delivery: id, by: arrival("a", "1").door };
    let decided = Fact::DeliveryDecided { delivery: id, started: started().started() };
    let first = position.0 - 1;
    let expected = [(first, vec![arrived]), (first + 1, Vec::new()), (first + 2, vec![decided])];
    assert_eq!(told, expected);
    assert_eq!(world.store.head().await?, Position(first + 2));
    Ok(())
}

pub async fn what_came_before_begins_nothing(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let kept = world.store.arrive(world.epoch, vec![arrival("a", "1")], Vec::new()).await?;
    let Kept::New(id) = kept[0] else { panic!("{kept:?}") };
    let came = world.comes("a", Arc::new(Starts(newcomer()))).await?;
    assert_eq!(came, Came::Kept(Kept::Repeated(id)));
    assert_eq!(world.store.gate(run(1)).await?, None);
    assert_eq!(world.state(id).await?, Some(State::Pending { waits_for: None }));
    Ok(())
}

pub async fn whose_run_cannot_begin_is_decided_later(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let _written = world.append(begin_by_key(run(9), "delivery:1/0")).await?;
    let id = DeliveryId(1);
    let came = world.comes("a", Arc::new(Starts(newcomer()))).await?;
    assert_eq!(came, Came::Kept(Kept::New(id)));
    let came = world.comes("b", Arc::new(Starts(begin(run(9))))).await?;
    assert_eq!(came, Came::Kept(Kept::New(DeliveryId(2))));
    let came = world.comes("c", Arc::new(Unknown)).await?;
    assert_eq!(came, Came::Kept(Kept::New(DeliveryId(3))));
    assert_eq!(world.store.gate(run(1)).await?, None);
    let pending = world.store.pending_deliveries(DeliveryId(0), 10).await?;
    assert_eq!(pending.iter().map(|it| it.id.0).collect::<Vec<_>>(), [1, 2, 3]);
    Ok(())
}
