//! Facts about what arrives.

use super::{
    Checked,
    sample::{World, run},
};
use engine_core::{
    clock::{Civil, Elapsed, Now},
    delivery::{
        Arrival, Content, Decided, Decision, DeliveryFilter, Door, Kept, Mark, Outcome, OutcomeEnd,
        State,
    },
    happening::{Happening, Image, Platforms},
    id::{DeliveryId, Epoch},
    store::{Store, StoreError},
};
use std::sync::Arc;

pub(super) fn at(civil: u64) -> Now {
    Now { elapsed: Elapsed(civil), civil: Civil(civil) }
}

pub(super) fn arrival(key: &str, digest: &str) -> Arrival {
    let image = Image {
        repository: "registry.example.com/shop/web".to_owned(),
        tag: Some("v1".to_owned()),
        digest: None,
        platforms: Platforms::Unread,
        confirmation: Default::default(),
    };
    Arrival {
        door: Door::Receiver { name: "registry".to_owned() },
        key: key.to_owned(),
        digest: digest.to_owned(),
        at: at(7),
        content: Content {
            event: Some("push".to_owned()),
            happenings: vec![Happening::Image(image)],
            notes: vec!["a blob starts nothing".to_owned()],
            asked_by: None,
        },
        body: Some(b"sealed".to_vec()),
    }
}

fn mark(key: &str, value: &str) -> Mark {
    Mark { key: key.to_owned(), value: value.to_owned() }
}

pub(super) fn started() -> Decision {
    let end = OutcomeEnd::Started { run: run(1), label: "web#1".to_owned() };
    let (application, pipeline) = ("shop".to_owned(), "web".to_owned());
    let trigger_type = "image".to_owned();
    let outcome = Outcome { application, pipeline, trigger: 0, trigger_type, end };
    Decision { at: at(9), outcomes: vec![outcome], notes: Vec::new() }
}

pub(super) fn decided(id: DeliveryId, decision: Decision, marks: Vec<Mark>) -> Decided {
    Decided { id, decision, marks }
}

impl World {
    async fn arrive(&self, arrivals: Vec<Arrival>) -> Result<Vec<Kept>, StoreError> {
        self.store.arrive(self.epoch, arrivals, Vec::new()).await
    }

    async fn pending(&self) -> Result<Vec<u64>, StoreError> {
        let pending = self.store.pending_deliveries(DeliveryId(0), 100).await?;
        Ok(pending.into_iter().map(|delivery| delivery.id.0).collect())
    }
}

pub async fn what_arrives_is_read_back_whole(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let kept = world.arrive(vec![arrival("a", "1"), arrival("b", "2")]).await?;
    let [Kept::New(first), Kept::New(second)] = kept.as_slice() else { panic!("{kept:?}") };
    assert!(first < second);
    let found = world.store.delivery(*first).await?.ok_or("it is not there")?;
    let Arrival { door, key, digest, at, content, body } = arrival("a", "1");
    let state = State::Pending { waits_for: None };
    assert_eq!((found.door, found.key, found.digest), (door, key, digest));
    assert_eq!((found.at, found.content, found.state), (at, content, state));
    assert_eq!(world.store.delivery_body(*first).await?, body);
    assert_eq!(world.pending().await?, [first.0, second.0]);
    assert_eq!(world.store.delivery(DeliveryId(99)).await?, None);
    let newest = DeliveryFilter { limit: Some(1), before: None };
    assert_eq!(world.store.deliveries(newest).await?[0].id, *second);
    let older = DeliveryFilter { limit: None, before: Some(*second) };
    assert_eq!(world.store.deliveries(older).await?.len(), 1);
    Ok(())
}

pub async fn the_same_is_kept_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let kept = world.arrive(vec![arrival("a", "1"), arrival("a", "1")]).await?;
    let Kept::New(first) = kept[0] else { panic!("{kept:?}") };
    assert_eq!(kept[1], Kept::Repeated(first));
    assert_eq!(world.arrive(vec![arrival("a", "1")]).await?, [Kept::Repeated(first)]);
    assert_eq!(world.arrive(vec![arrival("a", "other")]).await?, [Kept::Conflict(first)]);
    let elsewhere = Arrival { door: Door::Log, ..arrival("a", "other") };
    assert!(matches!(world.arrive(vec![elsewhere]).await?[0], Kept::New(_)));
    assert_eq!(world.pending().await?.len(), 2);
    Ok(())
}

pub async fn a_delivery_is_decided_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let kept = world.arrive(vec![arrival("a", "1")]).await?;
    let Kept::New(id) = kept[0] else { panic!("{kept:?}") };
    world.store.waits(id, "the registry does not answer".to_owned()).await?;
    let waiting = world.store.delivery(id).await?.ok_or("it is not there")?.state;
    let waits_for = Some("the registry does not answer".to_owned());
    assert_eq!(waiting, State::Pending { waits_for });
    let marks = vec![mark("accepted/web", "sha256:1")];
    world.store.decide(world.epoch, decided(id, started(), marks)).await?;
    let late = vec![mark("accepted/web", "sha256:2")];
    world.store.decide(world.epoch, decided(id, Decision::default(), late)).await?;
    world.store.waits(id, "nothing".to_owned()).await?;
    let found = world.store.delivery(id).await?.ok_or("it is not there")?;
    assert_eq!(found.state, State::Decided(started()));
    assert_eq!(world.store.mark("accepted/web").await?.as_deref(), Some("sha256:1"));
    assert_eq!(world.pending().await?, Vec::<u64>::new());
    Ok(())
}

pub async fn findings_and_their_cursor_are_written_together(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let older = Epoch(world.epoch.0 - 1);
    let cursor = || vec![mark("poll/web", "v1"), mark("poll/web2", "v2"), mark("pool", "x")];
    let refused = world.store.arrive(older, vec![arrival("a", "1")], cursor()).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    assert_eq!(world.store.mark("poll/web").await?, None);
    assert_eq!(world.pending().await?, Vec::<u64>::new());
    let _kept = world.store.arrive(world.epoch, vec![arrival("a", "1")], cursor()).await?;
    assert_eq!(world.store.marks("poll/").await?, cursor()[..2]);
    let moved = vec![mark("poll/web", "v9")];
    let _kept = world.store.arrive(world.epoch, Vec::new(), moved).await?;
    assert_eq!(world.store.mark("poll/web").await?.as_deref(), Some("v9"));
    let gone = || vec!["poll/web".to_owned(), "poll/never".to_owned()];
    let refused = world.store.forget_marks(older, gone()).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    assert_eq!(world.store.mark("poll/web").await?.as_deref(), Some("v9"));
    world.store.forget_marks(world.epoch, gone()).await?;
    assert_eq!(world.store.marks("po").await?, cursor()[1..], "the others stay");
    let refused = world.store.decide(older, decided(DeliveryId(1), started(), Vec::new())).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    Ok(())
}

pub async fn what_is_old_is_forgotten_and_what_is_undecided_never(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    let newer = Arrival { at: at(100), ..arrival("c", "3") };
    let kept = world.arrive(vec![arrival("a", "1"), arrival("b", "2"), newer]).await?;
    let [Kept::New(a), Kept::New(b), Kept::New(c)] = kept.as_slice() else { panic!("{kept:?}") };
    for (id, civil) in [(a, 10), (c, 100)] {
        let decision = Decision { at: at(civil), ..started() };
        let marks = vec![mark(&format!("accepted/{civil}"), "x"), mark("acceptes", "y")];
        world.store.decide(world.epoch, decided(*id, decision, marks)).await?;
    }
    let moves = vec![mark("poll/web", "v1")];
    let _kept = world.store.arrive(world.epoch, Vec::new(), moves).await?;
    assert_eq!(world.store.forget_deliveries(world.epoch, Civil(50)).await?, 1);
    let left = world.store.deliveries(DeliveryFilter::default()).await?;
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [*c, *b]);
    assert_eq!(world.store.delivery_body(*b).await?, None);
    assert!(world.store.delivery_body(*c).await?.is_some());
    let again = world.arrive(vec![arrival("a", "1")]).await?;
    assert!(matches!(again[0], Kept::New(id) if id > *c), "ids never repeat: {again:?}");
    let left = world.store.marks("").await?;
    let left: Vec<&str> = left.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(left, ["accepted/100", "acceptes", "poll/web"], "where polls go on is no history");
    Ok(())
}
