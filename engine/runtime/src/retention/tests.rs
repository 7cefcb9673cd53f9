//! Whole passes over random histories, held against an oracle that knows all of a history at once.

use super::*;
use crate::{
    clock::TokioClock,
    conformance::sample::{World, begin, end, next, now, run, target},
    memory::Memory,
};
use engine_core::{
    clock::Now,
    event::{Event, Parent, Repeated, Trigger},
    id::BlobName,
    revision::{ComponentSet, Origin, Proof},
    status::RunStatus,
    store::Append,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

/// A run of a history. Others are meant by their place in it, and are always before it.
#[derive(Clone, Debug)]
struct Past {
    pipeline: u8,
    ending: Ending,
    /// How long ago, in days, if it has ended.
    days: u64,
    parent: Option<usize>,
    repeats: Option<usize>,
    /// What it has deployed, and whether that was good.
    deployed: Option<(u8, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    NotYet,
    Succeeded,
    Failed,
    Cancelled,
}

const DAY_MS: u64 = 86_400_000;
const KEPT_DAYS: u64 = 10;

fn past() -> impl Strategy<Value = Past> {
    let ending = prop_oneof![
        1 => Just(Ending::NotYet),
        8 => Just(Ending::Succeeded),
        4 => Just(Ending::Failed),
        4 => Just(Ending::Cancelled),
    ];
    let other = || prop::option::weighted(0.2, 0_usize..40);
    let deployed = prop::option::weighted(0.6, (0_u8..4, any::<bool>()));
    (0_u8..4, ending, 1_u64..20, other(), other(), deployed).prop_map(
        |(pipeline, ending, days, parent, repeats, deployed)| Past {
            pipeline,
            ending,
            days,
            parent,
            repeats,
            deployed,
        },
    )
}

fn before(at: usize, other: Option<usize>) -> Option<usize> {
    other.filter(|_| at > 0).map(|other| other % at)
}

fn id(at: usize) -> RunId {
    run(at as u128 + 1)
}

/// The first row of a run.
fn first((at, past): (usize, &Past)) -> Append {
    let mut first = begin(id(at));
    first.summary.pipeline = format!("p{}", past.pipeline);
    if let Some(Event::RunStarted { trigger, parent, .. }) = first.events.first_mut() {
        if let Some(of) = before(at, past.repeats) {
            *trigger = Trigger::Rerun { of: Repeated { run: id(of), number: 1 } };
        }
        *parent = before(at, past.parent).map(|of| Parent {
            run: id(of),
            label: "x".to_owned(),
            stage: "x".to_owned(),
            family: Vec::new(),
            keeps: Vec::new(),
        });
    }
    first
}

fn deployed((content, is_good): (u8, bool)) -> Vec<Event> {
    let set = ComponentSet {
        component: "api".to_owned(),
        content: BlobName(content.to_string()),
        images: BTreeMap::new(),
        further_images: BTreeSet::new(),
        origin: Origin::Deploy,
        readiness: engine_core::revision::Readiness::Awaited,
    };
    let proof = if is_good { Proof::Good } else { Proof::Bad };
    let (stage, target) = ("deploy".to_owned(), target("prod"));
    let recorded = Event::RevisionRecorded { stage, target: target.clone(), set };
    vec![recorded, Event::TargetReleased { target, proof }]
}

async fn written(world: &World, (at, past): (usize, &Past), clock: &TokioClock) {
    let (today, first) = (clock.now(), first((at, past)));
    let (summary, mut n) = (first.summary.clone(), 1);
    let _written = world.append(first).await.unwrap();
    if let Some(of) = past.deployed {
        let summary = summary.clone();
        let append = Append { summary, ..next(id(at), n, deployed(of)) };
        let _written = world.append(append).await.unwrap();
        n += 1;
    }
    let status = match past.ending {
        Ending::NotYet => return,
        Ending::Succeeded => RunStatus::Succeeded,
        Ending::Failed => RunStatus::Failed,
        Ending::Cancelled => RunStatus::Cancelled,
    };
    // Half a day off the bound: time passes while a pass is made.
    let civil = Civil(today.civil.0 - past.days * DAY_MS + DAY_MS / 2);
    let ended_at = Some(Now { civil, ..now(0) });
    let summary = Summary { status, ended_at, ..summary };
    let _written = world.append(Append { summary, ..end(id(at), n) }).await.unwrap();
}

/// What is kept in the end, by all that is known of the history: everything that is not surely to go.
fn kept(history: &[Past]) -> Vec<usize> {
    let all: Vec<(usize, &Past)> = history.iter().enumerate().collect();
    let mut held = vec![false; history.len()];
    let is_telling = |past: &Past| !matches!(past.ending, Ending::NotYet | Ending::Cancelled);
    for (at, past) in &all {
        let alike: Vec<_> =
            all[at + 1..].iter().filter(|it| it.1.pipeline == past.pipeline).collect();
        let of_pipeline = all.iter().filter(|it| it.1.pipeline == past.pipeline);
        let is_busy = of_pipeline.clone().any(|it| it.1.ending == Ending::NotYet);
        let later = alike.iter().filter(|it| is_telling(it.1)).count();
        held[*at] = past.ending == Ending::NotYet
            || past.days <= KEPT_DAYS
            || at + 1 == history.len()
            || alike.is_empty()
            || past.ending == Ending::Succeeded
                && alike.iter().all(|it| it.1.ending != Ending::Succeeded)
            || is_busy && is_telling(past) && later < 10;
    }
    for (at, past) in all.iter().filter(|it| it.1.ending == Ending::NotYet) {
        for other in [before(*at, past.parent), before(*at, past.repeats)].into_iter().flatten() {
            held[other] = true;
        }
    }
    of_target(&all, &mut held);
    // Who is kept keeps its children.
    for (at, past) in &all {
        if before(*at, past.parent).is_some_and(|parent| held[parent]) {
            held[*at] = true;
        }
    }
    (0..history.len()).filter(|at| held[*at]).collect()
}

/// Keeps what the target is, was, and may go back to.
fn of_target(all: &[(usize, &Past)], held: &mut [bool]) {
    let deploys: Vec<(usize, u8, bool)> = all
        .iter()
        .filter_map(|(at, past)| past.deployed.map(|(content, good)| (*at, content, good)))
        .collect();
    let newest: Vec<_> = deploys.iter().rev().collect();
    if let Some((_, live, _)) = newest.first() {
        newest.iter().take(10).for_each(|it| held[it.0] = true);
        let good = newest.iter().position(|it| it.2);
        newest.iter().take(good.map_or(newest.len(), |at| at + 1)).for_each(|it| held[it.0] = true);
        for wanted in [
            newest[1..].iter().find(|it| it.1 != *live),
            newest[1..].iter().find(|it| it.2),
            newest[1..].iter().find(|it| it.2 && it.1 != *live),
        ] {
            wanted.iter().for_each(|it| held[it.0] = true);
        }
    }
}

async fn left(world: &World) -> Vec<RunId> {
    let runs = world.store.runs(RunFilter::default()).await.unwrap();
    runs.iter().rev().map(|run| run.run).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_pass_takes_all_that_may_go_and_nothing_else(
        history in prop::collection::vec(past(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = TokioClock::starting_at(Civil(1_700_000_000_000 + 100 * DAY_MS));
            let world = World::on(Arc::new(Memory::default())).await.unwrap();
            for run in history.iter().enumerate() {
                written(&world, run, &clock).await;
            }
            let pass = Pass { store: &*world.store, clock: &clock, epoch: world.epoch };
            let gone = pass.over(KEPT_DAYS * DAY_MS).await.unwrap();
            let expected: Vec<RunId> = kept(&history).into_iter().map(id).collect();
            assert_eq!(left(&world).await, expected);
            assert_eq!(gone as usize, history.len() - expected.len());
            assert_eq!(pass.over(KEPT_DAYS * DAY_MS).await.unwrap(), 0, "all at once");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_feed_has_not_read_stays() {
    let clock = TokioClock::starting_at(Civil(1_700_000_000_000 + 100 * DAY_MS));
    let world = World::on(Arc::new(Memory::default())).await.unwrap();
    let old = Past {
        pipeline: 0,
        ending: Ending::Failed,
        days: 90,
        parent: None,
        repeats: None,
        deployed: None,
    };
    for at in 0..4 {
        written(&world, (at, &old), &clock).await;
    }
    let read = |position: u64| {
        let mark = Mark { key: CURSOR.to_owned(), value: position.to_string() };
        world.store.arrive(world.epoch, Vec::new(), vec![mark])
    };
    let pass = Pass { store: &*world.store, clock: &clock, epoch: world.epoch };
    let _none = read(3).await.unwrap();
    pass.over(KEPT_DAYS * DAY_MS).await.unwrap();
    assert_eq!(left(&world).await, [1, 2, 3].map(id), "two rows each");
    let _none = read(8).await.unwrap();
    pass.over(KEPT_DAYS * DAY_MS).await.unwrap();
    assert_eq!(left(&world).await, [id(3)], "the newest stays");
}
