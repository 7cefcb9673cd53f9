//! Facts about taking away what is kept no longer.

use super::{
    Checked,
    sample::{
        World, asks, attempt, begin, begin_by_key, end, next, now, plan, run, target, written,
    },
};
use engine_core::{
    clock::Civil,
    event::{Event, Message},
    id::{BlobName, Epoch, PlanHash, Position, RunId},
    retention::Aged,
    revision::{ComponentSet, Origin, Proof},
    store::{
        AgedFilter, Append, Appended, AttemptKey, Beginning, Blob, Chunk, Cleared, FeedRow, Line,
        LogAppend, Page, Request, RunFilter, Store, StoreError, Submitted,
    },
};
use std::{collections::BTreeMap, sync::Arc};

const LATE: Civil = Civil(u64::MAX >> 20);

fn old(limit: u32, after: Option<RunId>) -> AgedFilter {
    AgedFilter { ended_before: LATE, after, limit }
}

fn named(name: &str) -> BlobName {
    BlobName(name.to_owned())
}

fn blob(name: &str) -> Blob {
    Blob { name: named(name), sealed: vec![7; 10] }
}

/// A run of the plan `hash`, which names `files`.
fn of_plan(run: RunId, hash: &str, files: &[&str]) -> Append {
    let mut append = begin(run);
    let plan = PlanHash(hash.to_owned());
    append.summary.plan = plan.clone();
    if let Beginning::Run { plan: of, files: names, .. } = &mut append.beginning {
        (*of, *names) = (plan, files.iter().map(|name| named(name)).collect());
    }
    append
}

/// A further row of a run of the plan `hash`.
fn on(hash: &str, mut append: Append) -> Append {
    append.summary.plan = PlanHash(hash.to_owned());
    append
}

fn records(content: &str) -> Event {
    let set = ComponentSet {
        component: "api".to_owned(),
        content: named(content),
        images: BTreeMap::new(),
        further_images: Default::default(),
        origin: Origin::Deploy,
        readiness: engine_core::revision::Readiness::Awaited,
    };
    Event::RevisionRecorded { stage: "deploy".to_owned(), target: target("prod"), set }
}

impl World {
    async fn ended(&self, seed: u128) -> Result<RunId, StoreError> {
        let run = self.start(seed).await?;
        written(&self.append(end(run, 1)).await?);
        Ok(run)
    }

    async fn forget(&self, seeds: &[u128]) -> Result<Vec<RunId>, StoreError> {
        let runs = seeds.iter().map(|seed| run(*seed)).collect();
        let mut gone = self.store.forget_runs(self.epoch, runs).await?;
        gone.sort();
        self.clear().await?;
        Ok(gone)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        while self.store.clear(self.epoch).await? == Cleared::MayBeMore {}
        Ok(())
    }

    async fn aged(&self, filter: AgedFilter) -> Result<Vec<Aged>, StoreError> {
        self.store.aged(filter).await
    }
}

pub async fn what_has_ended_before_is_listed_oldest_first(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in [3, 1, 2] {
        world.ended(seed).await?;
    }
    world.start(4).await?;
    let mut young = end(world.start(5).await?, 1);
    young.summary.ended_at = Some(now(500));
    written(&world.append(young).await?);
    let ids = |aged: Vec<Aged>| aged.iter().map(|it| it.run).collect::<Vec<_>>();
    assert_eq!(ids(world.aged(old(9, None)).await?), [1, 2, 3, 5].map(run));
    assert_eq!(ids(world.aged(old(2, Some(run(1)))).await?), [2, 3].map(run));
    let before = AgedFilter { ended_before: now(500).civil, ..old(9, None) };
    let aged = world.aged(before).await?;
    assert_eq!(ids(aged.clone()), [1, 2, 3].map(run));
    assert_eq!((aged[0].ended_at, aged[0].last), (now(9).civil, Position(4)));
    Ok(())
}

pub async fn a_run_that_is_taken_away_is_found_by_nobody(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let mut first = begin(run(1));
    first.summary.number = world.store.number("checkout", "release").await?;
    written(&world.append(first).await?);
    let key = AttemptKey { run: run(1), stage: "build".to_owned(), attempt: 1 };
    let line = Line { at: Civil(7), source: "pod".to_owned(), text: "hello".to_owned() };
    for seq in 0..40 {
        let chunk = Chunk { seq, lines: vec![line.clone()] };
        let append = LogAppend { key: key.clone(), chunk, cursor: seq.to_string() };
        let _kept = world.print(append).await?;
    }
    for n in 1..300 {
        written(&world.append(next(run(1), n, vec![attempt("build")])).await?);
    }
    written(&world.append(end(run(1), 300)).await?);
    world.ended(2).await?;
    assert_eq!(world.forget(&[1]).await?, [run(1)]);
    assert_eq!(world.store.gate(run(1)).await?, None);
    assert_eq!(world.store.log(run(1), 0).await?, []);
    assert_eq!(world.store.stage_logs(run(1)).await?, []);
    assert_eq!(world.store.stage_log(&key, 0, 9).await?, []);
    assert_eq!(world.store.inputs(run(1)).await?, []);
    let left = world.store.runs(RunFilter::default()).await?;
    assert_eq!(left.iter().map(|it| it.run).collect::<Vec<_>>(), [run(2)]);
    assert_eq!(world.store.plan(&plan()).await?.as_deref(), Some("a plan"), "the other has it");
    let message = Message::ChildEnded { stage: "a".to_owned() };
    let request = Request { run: run(1), key: "late".to_owned(), message, at: now(5) };
    assert_eq!(world.store.submit(request).await?, Submitted::NoRun);
    let next = world.taken_over().await?;
    assert!(next.store.number("checkout", "release").await? > 1, "numbers never come again");
    assert_eq!(world.forget(&[1]).await.ok(), None, "by the epoch before");
    assert_eq!(next.forget(&[1]).await?, [], "it is gone already");
    Ok(())
}

pub async fn what_others_name_stays_and_what_nobody_names_goes(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let blobs = |names: &[&str]| names.iter().map(|name| blob(name)).collect::<Vec<_>>();
    let all = ["own", "shared", "of plan", "of both plans", "set", "kept set"];
    let first = of_plan(run(1), "one", &["of plan", "of both plans"]);
    written(&world.append(Append { blobs: blobs(&all[..4]), ..first }).await?);
    let set = next(run(1), 1, vec![records("set")]);
    let set = Append { blobs: blobs(&["set", "kept set"]), ..on("one", set) };
    written(&world.append(set).await?);
    written(&world.append(on("one", end(run(1), 2))).await?);
    // The same plan, whose files are there already; and a set that was there, recorded anew.
    written(&world.append(of_plan(run(2), "one", &["of plan", "of both plans"])).await?);
    written(&world.append(on("one", end(run(2), 1))).await?);
    let third = of_plan(run(3), "two", &["of both plans"]);
    written(&world.append(Append { blobs: blobs(&["shared"]), ..third }).await?);
    written(&world.append(on("two", next(run(3), 1, vec![records("kept set")]))).await?);
    let held = async |world: &World| -> Result<Vec<&str>, StoreError> {
        let mut held = Vec::new();
        for name in all {
            let found = world.store.blob(&named(name)).await?;
            held.extend(found.map(|_| name));
        }
        Ok(held)
    };
    let plans = async |world: &World| -> Result<[bool; 2], StoreError> {
        let [one, two] = ["one", "two"].map(|hash| PlanHash(hash.to_owned()));
        Ok([world.store.plan(&one).await?.is_some(), world.store.plan(&two).await?.is_some()])
    };
    assert_eq!(world.forget(&[1]).await?, [run(1)]);
    assert_eq!(held(&world).await?, ["shared", "of plan", "of both plans", "kept set"]);
    assert_eq!(plans(&world).await?, [true, true]);
    assert_eq!(world.forget(&[2]).await?, [run(2)]);
    assert_eq!(held(&world).await?, ["shared", "of both plans", "kept set"]);
    assert_eq!(plans(&world).await?, [false, true]);
    Ok(())
}

pub async fn revisions_go_with_their_run_unless_somebody_is_at_the_target(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    for seed in 1..=2 {
        let run = world.start(seed).await?;
        world.go_on(run, vec![asks("prod", &[]), records(&format!("set {seed}"))]).await?;
        let proof = Proof::Good;
        world.go_on(run, vec![Event::TargetReleased { target: target("prod"), proof }]).await?;
        written(&world.append(end(run, 3)).await?);
    }
    world.start(3).await?;
    world.go_on(run(3), vec![asks("prod", &[])]).await?;
    assert_eq!(world.forget(&[1, 2]).await?, [], "whoever holds it may choose among all");
    world.go_on(run(3), vec![records("set 3")]).await?;
    let proof = Proof::Good;
    world.go_on(run(3), vec![Event::TargetReleased { target: target("prod"), proof }]).await?;
    assert_eq!(world.forget(&[1, 3]).await?, [run(1)], "what has not ended stays");
    let numbers = async |world: &World| -> Result<Vec<u64>, StoreError> {
        let revisions = world.store.revisions(&target("prod")).await?;
        Ok(revisions.iter().map(|it| it.number).collect())
    };
    assert_eq!(numbers(&world).await?, [2, 3]);
    written(&world.append(end(run(3), 4)).await?);
    assert_eq!(world.forget(&[2, 3]).await?, [2, 3].map(run));
    assert_eq!(world.store.targets().await?, []);
    world.start(4).await?;
    world.go_on(run(4), vec![records("set 4")]).await?;
    assert_eq!(numbers(&world).await?, [4], "numbers never come again");
    Ok(())
}

pub async fn whoever_reads_on_is_told_of_every_hole(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in 1..=4 {
        world.ended(seed).await?;
    }
    world.forget(&[2]).await?;
    let positions = |page: Page| match page {
        Page::Rows(rows) => rows.iter().map(|row: &FeedRow| row.position().0).collect(),
        Page::Reset { first } => vec![1_000 + first.0],
    };
    for (after, expected) in [
        (0, vec![1, 2]),
        (2, vec![1_005]),
        (3, vec![1_005]),
        (4, vec![5, 6, 7, 8]),
        (6, vec![7, 8]),
        (8, vec![]),
    ] {
        let page = world.store.after(Position(after), 100).await?;
        assert_eq!(positions(page), expected, "after {after}");
    }
    assert_eq!(world.store.head().await?, Position(8));
    Ok(())
}

pub async fn a_request_is_known_as_long_as_its_run_or_for_its_own_time(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    for (seed, key) in [(1, "a"), (2, "b")] {
        written(&world.append(begin_by_key(run(seed), key)).await?);
        written(&world.append(end(run(seed), 1)).await?);
    }
    world.forget(&[1]).await?;
    let sweep = async |before: u64| -> Result<(), StoreError> {
        let mut after = String::new();
        while let Some(last) =
            world.store.forget_requests(world.epoch, (after, now(before).civil)).await?
        {
            after = last;
        }
        Ok(())
    };
    sweep(10).await?;
    let again = world.append(begin_by_key(run(9), "a")).await?;
    assert_eq!(again, Appended::Repeated { run: run(1) }, "it started one, which is gone");
    sweep(11).await?;
    assert_eq!(world.store.started("a").await?, None);
    assert_eq!(world.store.started("b").await?, Some(run(2)), "its run is there");
    let _lost = world.taken_over().await?;
    let refused = world.store.forget_requests(world.epoch, (String::new(), LATE)).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost { .. })), "{refused:?}");
    assert!(world.store.clear(world.epoch).await.is_err() && world.epoch > Epoch(0));
    Ok(())
}
