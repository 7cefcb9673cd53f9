//! Facts about claims: first come, first served, and never free while somebody waits.

use super::{
    Checked,
    sample::{World, asks, attempt, next, run, target, woken},
};
use engine_core::{
    admission::Queue,
    event::{Event, InputRow, Message},
    id::RunId,
    revision::Proof,
    store::{Append, Store, StoreError},
};
use std::sync::Arc;

fn ask() -> Vec<Event> {
    vec![asks("prod", &["staging"])]
}

fn give_back() -> Vec<Event> {
    vec![Event::TargetReleased { target: target("prod"), proof: Proof::Good }]
}

async fn queue(world: &World) -> Result<(Vec<RunId>, Vec<RunId>), StoreError> {
    let Queue { holders, waiters } = world.store.queue(&target("prod").resource()).await?;
    let runs = |claimants: Vec<engine_core::admission::Claimant>| {
        claimants.into_iter().map(|claimant| claimant.run).collect()
    };
    Ok((runs(holders), runs(waiters)))
}

async fn messages(world: &World, run: RunId) -> Result<Vec<Message>, StoreError> {
    Ok(world.store.inputs(run).await?.into_iter().map(|row| row.message).collect())
}

/// Runs 1 to `count`, each of which has asked, in that order.
async fn asked(store: Arc<dyn Store>, count: u128) -> Result<World, Box<dyn std::error::Error>> {
    let world = World::on(store).await?;
    for seed in 1..=count {
        let run = world.start(seed).await?;
        world.go_on(run, ask()).await?;
    }
    Ok(world)
}

pub async fn the_first_to_ask_is_granted_at_once(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    assert_eq!(world.go_on(run, ask()).await?, [run]);
    assert_eq!(messages(&world, run).await?, [Message::TargetGranted { target: target("prod") }]);
    assert_eq!(queue(&world).await?, (vec![run], vec![]));
    Ok(())
}

pub async fn the_second_waits_until_the_first_gives_back(store: Arc<dyn Store>) -> Checked {
    let world = asked(store, 3).await?;
    assert_eq!(queue(&world).await?, (vec![run(1)], vec![run(2), run(3)]));
    assert_eq!(messages(&world, run(2)).await?, []);
    assert_eq!(world.go_on(run(1), give_back()).await?, [run(2)]);
    assert_eq!(queue(&world).await?, (vec![run(2)], vec![run(3)]));
    assert_eq!(
        messages(&world, run(2)).await?,
        [Message::TargetGranted { target: target("prod") }]
    );
    Ok(())
}

pub async fn a_waiter_that_withdraws_is_not_granted(store: Arc<dyn Store>) -> Checked {
    let world = asked(store, 3).await?;
    assert_eq!(world.go_on(run(2), give_back()).await?, []);
    assert_eq!(queue(&world).await?, (vec![run(1)], vec![run(3)]));
    assert_eq!(world.go_on(run(1), give_back()).await?, [run(3)]);
    assert_eq!(messages(&world, run(2)).await?, []);
    Ok(())
}

pub async fn a_grant_not_yet_read_goes_with_the_release(store: Arc<dyn Store>) -> Checked {
    let world = asked(store, 2).await?;
    world.go_on(run(1), vec![asks("dev", &[])]).await?;
    assert_eq!(messages(&world, run(1)).await?.len(), 2);
    assert_eq!(world.go_on(run(1), give_back()).await?, [run(2)]);
    assert_eq!(messages(&world, run(1)).await?, [Message::TargetGranted { target: target("dev") }]);
    Ok(())
}

pub async fn asking_again_keeps_the_place(store: Arc<dyn Store>) -> Checked {
    let world = asked(store, 3).await?;
    let before = world.store.queue(&target("prod").resource()).await?;
    for seed in [2, 1] {
        assert_eq!(world.go_on(run(seed), ask()).await?, []);
    }
    assert_eq!(world.store.queue(&target("prod").resource()).await?, before);
    assert_eq!(messages(&world, run(1)).await?.len(), 1);
    Ok(())
}

pub async fn one_batch_may_give_back_and_grant(store: Arc<dyn Store>) -> Checked {
    let world = asked(store, 2).await?;
    let third = world.start(3).await?;
    let both = [give_back(), ask()].concat();
    let InputRow { id, .. } = world.store.inputs(run(1)).await?.remove(0);
    let batch = vec![
        next(third, 1, ask()),
        Append { inputs: vec![id], ..next(run(1), 2, both) },
        next(run(2), 2, vec![attempt("build")]),
    ];
    let answers = world.store.append(world.epoch, batch).await?;
    assert_eq!(woken(&answers[1]), [run(2)]);
    assert_eq!(queue(&world).await?, (vec![run(2)], vec![third, run(1)]));
    Ok(())
}

/// Random asking and giving back by eight runs, against a list that knows only the rule.
pub async fn no_target_is_free_while_somebody_waits(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in 1..=8 {
        world.start(seed).await?;
    }
    let mut line: Vec<RunId> = Vec::new();
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    for turn in 0..120 {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let run = run(u128::from(dice % 8 + 1));
        if line.contains(&run) {
            line.retain(|other| *other != run);
            world.go_on(run, give_back()).await?;
        } else {
            line.push(run);
            world.go_on(run, ask()).await?;
        }
        let (holders, waiters) = queue(&world).await?;
        assert!(holders.len() == line.len().min(1), "turn {turn}");
        assert_eq!([holders, waiters].concat(), line, "turn {turn}");
    }
    Ok(())
}
