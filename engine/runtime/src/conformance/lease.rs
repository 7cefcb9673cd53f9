//! Facts about ownership: one writer, fenced by its epoch.

use super::{
    Checked,
    sample::{
        World, actor, attempt, begin, candidate, end, next, now, refuse, run, summary, written,
    },
};
use engine_core::{
    clock::{Civil, Elapsed},
    event::{Force, Message},
    id::RunId,
    status::{RunStatus, WaitKind},
    store::{
        Append, Appended, LEASE, LeaseError, Request, Store, StoreError, Submitted, Summary,
        Takeover, Wakes,
    },
};
use std::sync::Arc;

pub async fn a_living_holder_keeps_its_lease(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let refused = world.store.acquire(candidate(2), Takeover::No).await;
    assert_eq!(refused, Err(LeaseError::Held { holder: Box::new(candidate(1)) }));
    let lease = world.store.lease().await?.ok_or("no lease stands")?;
    assert_eq!((lease.epoch, lease.owner), (world.epoch, candidate(1)));
    assert_eq!((lease.renewals, lease.terms.length), (0, LEASE));
    world.start(1).await?;
    Ok(())
}

pub async fn a_lease_that_was_renewed_meanwhile_is_not_taken(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let seen = world.store.lease().await?.ok_or("no lease stands")?;
    world.store.renew(world.epoch).await?;
    let refused = world.store.acquire(candidate(2), Takeover::Of(Box::new(seen))).await;
    assert_eq!(refused, Err(LeaseError::Held { holder: Box::new(candidate(1)) }));
    assert_eq!(world.store.lease().await?.map(|lease| lease.renewals), Some(1));
    Ok(())
}

pub async fn a_takeover_moves_every_unfinished_run_and_no_other(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (alive, ended) = (world.start(1).await?, world.start(2).await?);
    written(&world.append(end(ended, 1)).await?);
    let taker = world.taken_over().await?;
    assert!(taker.epoch > world.epoch);
    let epoch =
        async |run: RunId| world.store.gate(run).await.map(|gate| gate.map(|gate| gate.epoch));
    assert_eq!(epoch(alive).await?, Some(taker.epoch));
    assert_eq!(epoch(ended).await?, Some(world.epoch));
    written(&taker.append(next(alive, 1, vec![attempt("build")])).await?);
    assert_eq!(taker.append(next(ended, 2, vec![attempt("build")])).await?, Appended::Conflict);
    Ok(())
}

pub async fn an_older_epoch_writes_nothing(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let taker = world.taken_over().await?;
    let before = taker.store.gate(run).await?;
    let summary = summary(run, RunStatus::Cancelled);
    let late = Append { summary, ..next(run, 1, vec![attempt("build")]) };
    assert_lost(&world.append(late).await);
    assert_lost(&world.append(begin(super::sample::run(2))).await);
    assert_lost(&world.append(refuse(run, 1, Vec::new())).await);
    assert_lost(&world.store.renew(world.epoch).await);
    assert_lost(&world.store.release(world.epoch).await);
    assert_eq!(taker.store.log(run, 0).await?.len(), 1);
    assert_eq!(taker.store.gate(run).await?, before);
    assert_eq!(taker.store.lease().await?.map(|lease| lease.epoch), Some(taker.epoch));
    Ok(())
}

#[track_caller]
fn assert_lost<T: std::fmt::Debug>(answer: &Result<T, StoreError>) {
    let lost =
        matches!(answer, Err(StoreError::LeaseLost { holder }) if holder.contains("process 2"));
    assert!(lost, "{answer:?} does not say that process 2 has taken over");
}

pub async fn a_lease_given_back_is_free_and_epochs_never_repeat(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    world.store.release(world.epoch).await?;
    assert_eq!(world.store.lease().await?, None);
    let refused = world.append(begin(run(1))).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    let lease = world.store.acquire(candidate(2), Takeover::No).await?;
    assert!(lease.epoch > world.epoch);
    Ok(())
}

pub async fn an_unclean_end_is_counted_until_the_next_row(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (stepping, ended) = (world.start(1).await?, world.start(2).await?);
    written(&world.append(end(ended, 1)).await?);
    let taker = world.taken_over().await?.taken_over().await?;
    for (run, expected) in [(stepping, 2), (ended, 0)] {
        assert_eq!(unclean_ends(&taker, run).await?, expected, "{run}");
    }
    written(&taker.append(refuse(stepping, 1, Vec::new())).await?);
    assert_eq!(unclean_ends(&taker, stepping).await?, 2, "a refusal is no sign of life");
    written(&taker.append(next(stepping, 1, vec![attempt("a")])).await?);
    assert_eq!(unclean_ends(&taker, stepping).await?, 0);
    Ok(())
}

const NEVER: Wakes = Wakes { elapsed: None, civil: None };
/// How many unclean ends are counted of a run that waits, after one of them at the moment 1.
const COUNTED: [(WaitKind, Wakes, u32); 17] = [
    (WaitKind::Readiness, NEVER, 1),
    (WaitKind::Cluster, NEVER, 1),
    (WaitKind::Target, NEVER, 0),
    (WaitKind::Timer, NEVER, 0),
    (WaitKind::Retry, NEVER, 0),
    (WaitKind::Approval, NEVER, 0),
    (WaitKind::Rules, NEVER, 0),
    (WaitKind::Freeze, NEVER, 0),
    (WaitKind::Hold, NEVER, 0),
    (WaitKind::Paused, NEVER, 0),
    (WaitKind::Concurrency, NEVER, 0),
    (WaitKind::Question, NEVER, 0),
    (WaitKind::Child, NEVER, 0),
    (WaitKind::Timer, Wakes { elapsed: Some(Elapsed(1)), civil: None }, 1),
    (WaitKind::Retry, Wakes { elapsed: Some(Elapsed(2)), civil: None }, 0),
    (WaitKind::Timer, Wakes { elapsed: None, civil: Some(Civil(1_700_000_000_001)) }, 1),
    (WaitKind::Timer, Wakes { elapsed: None, civil: Some(Civil(1_700_000_000_002)) }, 0),
];

pub async fn an_unclean_end_counts_what_was_due_and_no_other(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for (seed, (kind, wake, _)) in (1..).zip(COUNTED) {
        waits(&world, seed, (kind, wake)).await?;
    }
    let taker = world.taken_over().await?;
    for (seed, (kind, wake, expected)) in (1..).zip(COUNTED) {
        assert_eq!(unclean_ends(&taker, run(seed)).await?, expected, "{kind}, {wake:?}");
    }
    Ok(())
}

pub async fn an_unclean_end_counts_whoever_had_an_input(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [1, 2] {
        waits(&world, seed, (WaitKind::Approval, NEVER)).await?;
    }
    let message = Message::Pause { actor: actor(), reason: String::new() };
    let request = Request { run: run(2), key: "request".to_owned(), message, at: now(3) };
    assert!(matches!(world.store.submit(request).await?, Submitted::Written(_)));
    let taker = world.taken_over().await?;
    assert_eq!(unclean_ends(&taker, run(1)).await?, 0);
    assert_eq!(unclean_ends(&taker, run(2)).await?, 1);
    Ok(())
}

async fn waits(world: &World, seed: u128, (kind, wake): (WaitKind, Wakes)) -> Checked {
    let run = world.start(seed).await?;
    let summary = Summary { waiting: Some(kind), wake, ..summary(run, RunStatus::Waiting) };
    written(&world.append(Append { summary, ..next(run, 1, vec![attempt("a")]) }).await?);
    Ok(())
}

pub async fn a_clean_end_is_not_counted(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    world.store.release(world.epoch).await?;
    let world = World::on(world.store).await?;
    assert_eq!(unclean_ends(&world, run).await?, 0);
    assert_eq!(world.store.gate(run).await?.map(|gate| gate.epoch), Some(world.epoch));
    Ok(())
}

async fn unclean_ends(world: &World, run: RunId) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(world.store.gate(run).await?.ok_or("no gate")?.unclean_ends)
}

pub async fn inputs_of_an_ended_run_go_with_the_next_takeover(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [1, 2] {
        let run = world.start(seed).await?;
        let message =
            Message::Cancel { actor: actor(), reason: "enough".to_owned(), force: Force::No };
        let request = Request { run, key: "request".to_owned(), message, at: now(3) };
        assert!(matches!(world.store.submit(request).await?, Submitted::Written(_)));
    }
    written(&world.append(end(run(1), 1)).await?);
    assert_eq!(world.store.inputs(run(1)).await?.len(), 1, "its own engine may still refuse it");
    let taker = world.taken_over().await?;
    assert_eq!(taker.store.inputs(run(1)).await?, []);
    assert_eq!(taker.store.inputs(run(2)).await?.len(), 1);
    Ok(())
}
