//! Facts about revisions: their numbers, and what is known of them.

use super::{
    Checked,
    sample::{World, run, target},
};
use engine_core::{
    event::Event,
    id::{BlobName, RunId},
    revision::{ComponentSet, Origin, Proof, Readiness, Revision},
    store::{Store, StoreError},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn set(component: &str, content: &str) -> ComponentSet {
    ComponentSet {
        component: component.to_owned(),
        content: BlobName(content.to_owned()),
        images: BTreeMap::from([("web".to_owned(), "web:2".to_owned())]),
        further_images: BTreeSet::from([format!("{component}-volume")]),
        readiness: Readiness::Awaited,
        origin: Origin::Deploy,
    }
}

fn recorded(environment: &str, stage: &str, set: ComponentSet) -> Vec<Event> {
    vec![Event::RevisionRecorded { stage: stage.to_owned(), target: target(environment), set }]
}

fn given_back(proof: Proof) -> Vec<Event> {
    vec![Event::TargetReleased { target: target("prod"), proof }]
}

/// Number, component, content and proof of every revision of `prod`.
async fn marks(world: &World) -> Result<Vec<(u64, String, String, Proof)>, StoreError> {
    let mark = |revision: Revision| {
        let ComponentSet { component, content, .. } = revision.set;
        (revision.number, component, content.0, revision.proof)
    };
    Ok(world.store.revisions(&target("prod")).await?.into_iter().map(mark).collect())
}

fn mark(number: u64, component: &str, content: &str, proof: Proof) -> (u64, String, String, Proof) {
    (number, component.to_owned(), content.to_owned(), proof)
}

pub async fn numbers_count_up_for_each_target(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    for seed in 1..=2 {
        let run = world.start(seed).await?;
        world.go_on(run, recorded("prod", "deploy", set("api", "same"))).await?;
        world.go_on(run, recorded("staging", "deploy", set("api", "same"))).await?;
    }
    let both = [mark(1, "api", "same", Proof::Unproven), mark(2, "api", "same", Proof::Unproven)];
    assert_eq!(marks(&world).await?, both);
    let staging = world.store.revisions(&target("staging")).await?;
    assert_eq!(staging.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((staging[1].run, staging[1].stage.as_str()), (run(2), "deploy"));
    assert_eq!(staging[1].set, set("api", "same"));
    assert_eq!(world.store.targets().await?, [target("prod"), target("staging")]);
    let log = world.store.log(run(2), 2).await?;
    assert_eq!(staging[1].at, log[0].now);
    Ok(())
}

pub async fn one_stage_has_one_number_for_all_its_components(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let both =
        [recorded("prod", "deploy", set("web", "b")), recorded("prod", "deploy", set("api", "a"))];
    world.go_on(run, both.concat()).await?;
    world.go_on(run, recorded("prod", "second", set("api", "a"))).await?;
    let expected = [
        mark(1, "api", "a", Proof::Unproven),
        mark(1, "web", "b", Proof::Unproven),
        mark(2, "api", "a", Proof::Unproven),
    ];
    assert_eq!(marks(&world).await?, expected);
    Ok(())
}

pub async fn a_later_attempt_with_the_same_set_reuses_its_revision(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    for _attempt in 1..=3 {
        world.go_on(run, recorded("prod", "deploy", set("api", "a"))).await?;
    }
    assert_eq!(marks(&world).await?, [mark(1, "api", "a", Proof::Unproven)]);
    Ok(())
}

pub async fn a_later_attempt_with_another_set_gets_a_new_number(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    for content in ["a", "b", "a"] {
        world.go_on(run, recorded("prod", "deploy", set("api", content))).await?;
    }
    world.go_on(run, recorded("prod", "deploy", set("web", "w"))).await?;
    let expected = [
        mark(1, "api", "a", Proof::Unproven),
        mark(2, "api", "b", Proof::Unproven),
        mark(3, "api", "a", Proof::Unproven),
        mark(3, "web", "w", Proof::Unproven),
    ];
    assert_eq!(marks(&world).await?, expected);
    Ok(())
}

pub async fn a_set_is_proven_when_its_run_gives_the_target_back(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let (first, second) = (world.start(1).await?, world.start(2).await?);
    world.go_on(first, recorded("prod", "deploy", set("api", "a"))).await?;
    world.go_on(second, recorded("prod", "deploy", set("api", "b"))).await?;
    world.go_on(first, given_back(Proof::Good)).await?;
    let half = [mark(1, "api", "a", Proof::Good), mark(2, "api", "b", Proof::Unproven)];
    assert_eq!(marks(&world).await?, half);
    world.go_on(second, given_back(Proof::Bad)).await?;
    world.go_on(second, given_back(Proof::Good)).await?;
    let proven = [mark(1, "api", "a", Proof::Good), mark(2, "api", "b", Proof::Bad)];
    assert_eq!(marks(&world).await?, proven);
    Ok(())
}

pub async fn a_set_that_a_later_attempt_replaced_is_not_proven_by_it(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    let unready = ComponentSet { readiness: Readiness::Unawaited, ..set("web", "w") };
    world.go_on(run, recorded("prod", "deploy", set("api", "failed"))).await?;
    world.go_on(run, recorded("prod", "deploy", set("api", "ready"))).await?;
    world.go_on(run, recorded("prod", "other", unready.clone())).await?;
    world.go_on(run, given_back(Proof::Good)).await?;
    let expected = [
        mark(1, "api", "failed", Proof::Unproven),
        mark(2, "api", "ready", Proof::Good),
        mark(3, "web", "w", Proof::Good),
    ];
    assert_eq!(marks(&world).await?, expected);
    let revisions = world.store.revisions(&target("prod")).await?;
    let ready: Vec<u64> =
        revisions.iter().filter(|it| it.is_proven_ready()).map(|it| it.number).collect();
    assert_eq!(ready, [2]);
    assert_eq!(revisions.last().map(|it| &it.set), Some(&unready));
    Ok(())
}

pub async fn a_cancelled_run_leaves_its_sets_unproven(store: Arc<dyn Store>) -> Checked {
    let world = World::on(store).await?;
    let run = world.start(1).await?;
    world.go_on(run, recorded("prod", "deploy", set("api", "a"))).await?;
    world.go_on(run, given_back(Proof::Unproven)).await?;
    assert_eq!(marks(&world).await?, [mark(1, "api", "a", Proof::Unproven)]);
    Ok(())
}

pub async fn a_rollback_keeps_the_mark_of_its_origin_and_condemns_what_it_left(
    store: Arc<dyn Store>,
) -> Checked {
    let world = World::on(store).await?;
    for (seed, content) in [(1, "a"), (2, "b")] {
        let run = world.start(seed).await?;
        world.go_on(run, recorded("prod", "deploy", set("api", content))).await?;
        world.go_on(run, recorded("prod", "deploy", set("web", content))).await?;
        world.go_on(run, given_back(Proof::Good)).await?;
    }
    let run: RunId = world.start(3).await?;
    let back = ComponentSet { origin: Origin::Rollback { of: 1, left: 2 }, ..set("api", "a") };
    world.go_on(run, recorded("prod", "rollback", back.clone())).await?;
    world.go_on(run, given_back(Proof::Bad)).await?;
    let expected = [
        mark(1, "api", "a", Proof::Good),
        mark(1, "web", "a", Proof::Good),
        mark(2, "api", "b", Proof::Bad),
        mark(2, "web", "b", Proof::Good),
        mark(3, "api", "a", Proof::Good),
    ];
    assert_eq!(marks(&world).await?, expected);
    let newest = world.store.revisions(&target("prod")).await?.pop();
    assert_eq!(newest.map(|revision| revision.set), Some(back));
    Ok(())
}
