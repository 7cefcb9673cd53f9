//! Facts about runs that stand in each other's way: groups, rings, ways back, families.

use super::{
    Checked,
    sample::{World, asks, queues, run, slot, target},
};
use engine_core::{
    admission::{Limit, Link, Rank, Standing, Strategy},
    event::{Event, Message, TurnedAway, Urgency},
    id::RunId,
    revision::Proof,
    store::{Store, StoreError},
};
use std::sync::Arc;

async fn messages(world: &World, run: RunId) -> Result<Vec<Message>, StoreError> {
    Ok(world.store.inputs(run).await?.into_iter().map(|row| row.message).collect())
}

fn granted(environment: &str) -> Message {
    Message::TargetGranted { target: target(environment) }
}

fn back(environment: &str) -> Event {
    let (target, standing) =
        (target(environment), Standing { rank: Rank::Rollback, ..Standing::default() });
    Event::TargetAsked { target, keeps: Vec::new(), beside: Vec::new(), standing }
}

fn child(environment: &str, of: RunId) -> Event {
    let standing = Standing { family: vec![of], ..Standing::default() };
    Event::TargetAsked {
        target: target(environment),
        keeps: Vec::new(),
        beside: Vec::new(),
        standing,
    }
}

fn released(environment: &str) -> Event {
    Event::TargetReleased { target: target(environment), proof: Proof::Good }
}

/// Runs 1 to `count`.
async fn started(store: Arc<dyn Store>, count: u128) -> Result<World, Box<dyn std::error::Error>> {
    let world = World::on(store).await?;
    for seed in 1..=count {
        world.start(seed).await?;
    }
    Ok(world)
}

pub async fn the_claimant_that_closes_a_ring_is_refused_by_name(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 2).await?;
    world.go_on(run(1), vec![asks("one", &["two"])]).await?;
    world.go_on(run(2), vec![asks("two", &["one"])]).await?;
    world.go_on(run(1), vec![asks("two", &["one"])]).await?;
    world.go_on(run(2), vec![asks("one", &["two"])]).await?;
    let link = |keeps: &str, wanted: &str| Link {
        run: "release#12".to_owned(),
        keeps: target(keeps).resource(),
        wanted: target(wanted).resource(),
    };
    let ring = vec![link("one", "two"), link("two", "one")];
    let refused = Message::TargetRefused { target: target("one"), ring };
    assert_eq!(messages(&world, run(2)).await?, [granted("two"), refused]);
    let queue = world.store.queue(&target("one").resource()).await?;
    assert_eq!(queue.waiters, []);
    world.go_on(run(2), vec![released("two")]).await?;
    assert_eq!(messages(&world, run(1)).await?, [granted("one"), granted("two")]);
    Ok(())
}

pub async fn a_way_back_goes_first_and_tells_the_holder(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 4).await?;
    for seed in [1, 2] {
        world.go_on(run(seed), vec![asks("prod", &[])]).await?;
    }
    assert_eq!(world.go_on(run(3), vec![back("prod")]).await?, [run(1), run(3)]);
    let told = Message::Preempted { target: target("prod"), by: "release#12".to_owned() };
    assert_eq!(messages(&world, run(1)).await?, [granted("prod"), told]);
    let takes_back =
        Message::TakesBack { target: target("prod"), from: vec!["release#12".to_owned()] };
    assert_eq!(messages(&world, run(3)).await?, [takes_back]);
    assert_eq!(world.go_on(run(1), vec![released("prod")]).await?, [run(3)]);
    // A second way back waits for the first.
    assert_eq!(world.go_on(run(4), vec![back("prod")]).await?, []);
    assert_eq!(world.go_on(run(3), vec![released("prod")]).await?, [run(4)]);
    assert_eq!(world.go_on(run(4), vec![released("prod")]).await?, [run(2)]);
    Ok(())
}

pub async fn a_child_shares_what_its_parent_holds(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 3).await?;
    world.go_on(run(1), vec![asks("prod", &[])]).await?;
    world.go_on(run(2), vec![asks("prod", &[])]).await?;
    assert_eq!(world.go_on(run(3), vec![child("prod", run(1))]).await?, [run(3)]);
    assert_eq!(world.go_on(run(1), vec![released("prod")]).await?, []);
    assert_eq!(world.go_on(run(3), vec![released("prod")]).await?, [run(2)]);
    Ok(())
}

pub async fn a_newcomer_tells_the_older_runs_of_its_group(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 4).await?;
    world.go_on(run(1), vec![queues(Strategy::Queue, 1)]).await?;
    assert_eq!(messages(&world, run(1)).await?, [Message::SlotGranted { slot: slot() }]);
    assert_eq!(world.go_on(run(2), vec![queues(Strategy::Queue, 1)]).await?, []);
    let told = |urgency| Message::Superseded { by: "release#12".to_owned(), urgency };
    let both = world.go_on(run(3), vec![queues(Strategy::Supersede, 1)]).await?;
    assert_eq!(both, [run(1), run(2)]);
    assert_eq!(messages(&world, run(2)).await?, [told(Urgency::WhenIdle)]);
    world.go_on(run(4), vec![queues(Strategy::CancelRunning, 1)]).await?;
    assert_eq!(messages(&world, run(3)).await?, [told(Urgency::AtOnce)]);
    let woken = world
        .go_on(run(1), vec![Event::SlotReleased { slot: slot(), room: Limit::Unlimited }])
        .await?;
    assert_eq!(woken, [run(2)]);
    Ok(())
}

pub async fn a_full_group_turns_away_who_will_not_wait(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 3).await?;
    world.go_on(run(1), vec![queues(Strategy::Reject, 2)]).await?;
    world.go_on(run(2), vec![queues(Strategy::Reject, 2)]).await?;
    assert_eq!(messages(&world, run(2)).await?, [Message::SlotGranted { slot: slot() }]);
    world.go_on(run(3), vec![queues(Strategy::Reject, 2)]).await?;
    let by = vec!["release#12".to_owned(), "release#12".to_owned()];
    let refused = Message::SlotRefused { slot: slot(), because: TurnedAway::Full { by } };
    assert_eq!(messages(&world, run(3)).await?, [refused]);
    assert_eq!(world.store.queue(&slot().resource()).await?.waiters, []);
    Ok(())
}

pub async fn a_parent_hears_of_its_childs_end(store: Arc<dyn Store>) -> Checked {
    let world = started(store, 2).await?;
    let told = Event::ParentTold { run: run(1), stage: "child".to_owned() };
    assert_eq!(world.go_on(run(2), vec![told]).await?, [run(1)]);
    let ended = Message::ChildEnded { stage: "child".to_owned() };
    assert_eq!(messages(&world, run(1)).await?, [ended]);
    Ok(())
}
