//! What is kept, as tables; `engine/runtime/src/retention/tests.rs` holds all of it against an oracle.

use super::*;
use crate::{
    clock::{Elapsed, Now},
    event::{Actor, Parent, Repeated, Way},
    id::{BlobName, PlanHash},
    repeat::Left,
    revision::{ComponentSet, Origin},
    store::{Counts, Wakes},
};

fn run(seed: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(seed))
}

#[test]
fn only_what_is_old_and_read_and_tied_to_nothing_goes() {
    let terms = Terms { ended_before: Civil(100), passed: Position(50), head: Position(90) };
    let goes = |ended: u64, last: u64, ties: Ties| {
        let aged = Aged { run: run(1), ended_at: Civil(ended), last: Position(last), parent: None };
        terms.judge(&aged, ties) == Verdict::Goes
    };
    for (ended, last, ties, expected) in [
        (99, 50, Ties::None, true),
        (100, 50, Ties::None, false),
        (99, 51, Ties::None, false),
        (99, 50, Ties::Named, false),
        (99, 50, Ties::Child, false),
    ] {
        assert_eq!(goes(ended, last, ties), expected, "{ended} {last} {ties:?}");
    }
    let newest = Terms { passed: Position(50), head: Position(50), ..terms };
    let aged = Aged { run: run(1), ended_at: Civil(1), last: Position(50), parent: None };
    assert_eq!(newest.judge(&aged, Ties::None), Verdict::Stays, "time goes on from it");
}

#[test]
fn a_run_names_what_it_repeats_who_started_it_and_who_led_to_it() {
    let actor = Actor { name: "ada".to_owned(), way: Way::CommandLine };
    let repeated = |seed| Repeated { run: run(seed), number: 1 };
    let parent = Parent {
        run: run(2),
        label: "a#1".to_owned(),
        stage: "go".to_owned(),
        family: vec![run(3), run(2)],
        keeps: Vec::new(),
    };
    let started = |trigger, parent| Event::RunStarted {
        number: 1,
        plan: PlanHash("x".to_owned()),
        trigger,
        actor: actor.clone(),
        ancestry: vec![run(1)],
        parent,
    };
    let retry = Trigger::Retry { of: repeated(4), confirmed: Vec::new() };
    let offered =
        Event::StageOffered { stage: "a".to_owned(), from: repeated(5), left: Left::Skipped };
    let first = [started(retry, Some(parent)), offered];
    assert_eq!(named(&first), (1..=5).map(run).collect());
    assert_eq!(Aged::of((run(9), Civil(1)), Position(1), &first).parent, Some(run(2)));
    let rerun = [started(Trigger::Rerun { of: repeated(6) }, None)];
    assert_eq!(named(&rerun), [1, 6].map(run).into());
}

/// `component content proof`, one revision a word triple; each of a run of its number.
fn revisions(lines: &[(&str, &str, Proof)]) -> Vec<Revision> {
    let revision = |(at, (component, content, proof)): (usize, &(&str, &str, Proof))| Revision {
        number: at as u64 + 1,
        run: run(at as u128 + 1),
        stage: "deploy".to_owned(),
        at: Now { elapsed: Elapsed(0), civil: Civil(0) },
        set: ComponentSet {
            component: (*component).to_owned(),
            content: BlobName((*content).to_owned()),
            images: BTreeMap::new(),
            further_images: BTreeSet::new(),
            origin: Origin::Deploy,
            readiness: crate::revision::Readiness::Awaited,
        },
        proof: *proof,
    };
    lines.iter().enumerate().map(revision).collect()
}

#[test]
fn what_a_target_is_or_may_go_back_to_is_kept() {
    use Proof::{Bad, Good, Unproven};
    let same = |count: usize, of| std::iter::repeat_n(of, count);
    let kept = |all: Vec<(&str, &str, Proof)>| -> Vec<u128> {
        behind(&revisions(&all)).into_iter().map(|RunId(id)| id.as_u128()).collect()
    };
    let newest = |from: u128, to: u128| (from..=to).collect::<Vec<_>>();
    assert_eq!(kept(Vec::new()), []);
    assert_eq!(kept(same(10, ("a", "x", Good)).collect()), newest(1, 10));
    assert_eq!(kept(same(12, ("a", "x", Good)).collect()), newest(3, 12));
    // The other set, however old, and of these the newest.
    let all = [("a", "v", Good), ("a", "w", Good)].into_iter().chain(same(12, ("a", "x", Good)));
    assert_eq!(kept(all.collect()), [&[2][..], &newest(5, 14)].concat());
    // All back to what is good, for what they have left in the cluster.
    let all = [("a", "v", Good), ("a", "w", Good), ("a", "x", Bad)].into_iter();
    let all = all.chain(same(12, ("a", "y", Unproven)));
    assert_eq!(kept(all.collect()), newest(2, 15));
    // The other component as it is, and as it was when the oldest of the newest was live.
    let all = [("b", "o", Good), ("b", "p", Good)].into_iter().chain(same(12, ("a", "x", Good)));
    assert_eq!(kept(all.collect()), [&newest(1, 2)[..], &newest(5, 14)].concat());
    let all = [("b", "o", Good)].into_iter().chain(same(12, ("a", "x", Good)));
    assert_eq!(kept(all.chain([("b", "o", Good)]).collect()), [&[1][..], &newest(5, 14)].concat());
}

#[test]
fn of_each_pipeline_the_newest_run_and_the_newest_success_stay_and_more_where_one_goes_on() {
    let summary = |seed: u128, pipeline: &str, status| Summary {
        run: run(seed),
        number: 1,
        application: "shop".to_owned(),
        pipeline: pipeline.to_owned(),
        plan: PlanHash("x".to_owned()),
        status,
        started_at: Now::default(),
        ended_at: None,
        stages: Counts::default(),
        waiting: None,
        wake: Wakes::default(),
    };
    let unfinished = [summary(99, "busy", RunStatus::Running)];
    let mut history = History::beside(unfinished.iter());
    use RunStatus::{Cancelled, Failed, Succeeded};
    for (seed, pipeline, status, expected) in [
        (50, "idle", Failed, true),
        (49, "idle", Failed, false),
        (48, "idle", Succeeded, true),
        (47, "idle", Succeeded, false),
        (46, "idle", Cancelled, false),
    ] {
        let is_kept = history.asks_for(&summary(seed, pipeline, status));
        assert_eq!(is_kept, expected, "{seed} {pipeline} {status:?}");
    }
    let busy = |status| [summary(1, "busy", status)];
    let mut kept = |status| busy(status).iter().filter(|run| history.asks_for(run)).count();
    assert_eq!((kept(Cancelled), kept(Cancelled)), (1, 0));
    let told: usize = (0..20).map(|_| kept(Failed)).sum();
    assert_eq!((told, kept(Succeeded), kept(Succeeded)), (EARLIER, 1, 0));
}
