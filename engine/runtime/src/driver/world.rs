//! What expressions see of the world: read before they are evaluated, and only what they ask for. What
//! cannot be read makes the evaluation fail: a guard never opens because the store was silent.

use super::Shop;
use crate::reader::{Listing, ReadError, Reader};
use engine_core::{
    BoxFuture,
    event::Evaluated,
    execution::{Evaluation, LastSucceeded, Wanted, Wants, World},
    id::RunId,
    plan::Document,
    revision::live,
    status::RunStatus,
    store::Store,
};
use futures::FutureExt;
use std::sync::Arc;

/// Of which pipeline the last success is asked for, and before which run.
struct Asking {
    run: RunId,
    application: String,
    pipeline: String,
}

pub(super) fn evaluated(
    shop: &Shop,
    (run, document): (RunId, &Document),
    evaluation: Evaluation,
) -> BoxFuture<'static, Evaluated> {
    if *evaluation.wants() == Wants::default() {
        return shop.evaluator.evaluate(evaluation);
    }
    let (store, evaluator) = (shop.backing.store.clone(), shop.evaluator.clone());
    let (application, pipeline) = (document.application.clone(), document.pipeline.clone());
    let asking = Asking { run, application, pipeline };
    async move {
        match seen(store, &asking, evaluation.wants()).await {
            Ok(world) => evaluator.evaluate(evaluation.knowing(&world)).await,
            Err(why) => Evaluated::Broken(why),
        }
    }
    .boxed()
}

async fn seen(store: Arc<dyn Store>, asking: &Asking, wants: &Wants) -> Result<World, String> {
    let mut world = World::default();
    for (environment, target) in &wants.deployed {
        let target = target.as_ref().ok_or_else(|| {
            format!("`deployed[\"{environment}\"]` is of a cluster that nobody has asked who it is")
        })?;
        let revisions = store
            .revisions(target)
            .await
            .map_err(|error| format!("`deployed[\"{environment}\"]` cannot be read: {error}"))?;
        world.deployed.extend(live(&revisions).map(|live| (environment.clone(), live)));
    }
    world.last_succeeded = match wants.last_succeeded {
        Wanted::No => None,
        Wanted::Yes => last_succeeded(&Reader::new(store), asking)
            .await
            .map_err(|error| format!("`lastSucceeded` cannot be read: {error}"))?,
    };
    Ok(world)
}

async fn last_succeeded(
    reader: &Reader,
    Asking { run, application, pipeline }: &Asking,
) -> Result<Option<LastSucceeded>, ReadError> {
    let mut listing = Listing {
        application: Some(application.clone()),
        pipeline: Some(pipeline.clone()),
        statuses: vec![RunStatus::Succeeded],
        before: Some(*run),
        limit: 1,
        ..Listing::default()
    };
    loop {
        let listed = reader.listed(&listing).await?;
        if let Some(found) = listed.runs.first() {
            let plan = reader.plan(found.run).await?;
            return Ok(Some(LastSucceeded {
                run: found.run,
                number: found.number,
                started_at: found.started_at.civil,
                parameters: plan.document().parameters.clone(),
            }));
        }
        match listed.next {
            None => return Ok(None),
            next => listing.before = next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conformance::sample, memory::Memory};
    use std::collections::BTreeMap;

    #[tokio::test]
    async fn what_cannot_be_read_is_an_error_and_what_is_not_there_is_missing() {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let run = sample::run(1);
        let asking =
            Asking { run, application: "shop".to_owned(), pipeline: "checkout".to_owned() };
        let target = sample::target("staging");
        let wants = |target| Wants {
            deployed: BTreeMap::from([("staging".to_owned(), target)]),
            last_succeeded: Wanted::Yes,
        };
        let nothing = seen(store.clone(), &asking, &wants(Some(target))).await.unwrap();
        assert_eq!(nothing, World::default());
        let why = seen(store, &asking, &wants(None)).await.unwrap_err();
        assert!(why.starts_with("`deployed[\"staging\"]` is of a cluster"), "{why}");
    }
}
