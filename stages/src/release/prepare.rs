//! Before the first write: the namespace, the rehearsal of the whole set, and what is recorded.

use super::{
    Asker, Phase, Progress, Pruning, Release, history::remaining, progress::Applying, set::Set,
};
use crate::site::{Site, Trouble};
use engine_core::{
    id::BlobName,
    revision::{ComponentSet, Revision},
    stage::{Record, StageError, Step},
};
use kubernetes::{Candidate, Cluster, Marks, NamespaceState, RehearsalError, Rehearsed};

/// What a refusal before the first write adds.
const NOTHING_WRITTEN: &str = "nothing was written";

/// One component's set that is to be brought about.
pub(crate) struct Intended {
    pub(crate) set: Set,
    pub(crate) record: ComponentSet,
    /// Given where the set is not in the store yet.
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) pruning: Pruning,
}

/// Makes sure that everything could be applied, and hands out what the next step does.
pub(crate) async fn prepare(
    site: &Site<'_>,
    intended: Vec<Intended>,
    revisions: &[Revision],
) -> Result<Step<Progress>, Trouble> {
    let marks: Vec<Marks> = intended.iter().map(|it| site.marks(&it.record.component)).collect();
    let namespace = &site.place.namespace;
    let candidates: Vec<Candidate<'_>> = intended
        .iter()
        .zip(&marks)
        .flat_map(|(it, marks)| candidates(&it.set, (marks, namespace)))
        .collect();
    site.keep_within(&candidates, NOTHING_WRITTEN).await?;
    provide_namespace(site).await?;
    match tried(&site.cluster, (&candidates, NOTHING_WRITTEN)).await? {
        Rehearsed::Whole | Rehearsed::Partly => {}
    }
    let identity = &site.context.identity;
    let asker = Asker { run: identity.run, stage: &identity.stage };
    let (mut releases, mut records) = (Vec::new(), Vec::new());
    for it in intended {
        let component = it.record.component.clone();
        let leftovers = match it.pruning {
            Pruning::Delete => leftovers(revisions, &it.record, asker),
            Pruning::Keep => Vec::new(),
        };
        releases.push(Release { component, set: it.record.content.clone(), leftovers });
        let name = it.record.content.clone();
        records.extend(it.content.map(|content| Record::Blob { name, content }));
        records.push(Record::Revision(it.record));
    }
    let applying = Applying { releases, began_at_ms: site.now_ms(), next: 0, applied: Vec::new() };
    let progress = Progress::reached(Phase::Applying(applying));
    Ok(with_records(site.next(progress, "applying".to_owned()), records))
}

fn leftovers(revisions: &[Revision], set: &ComponentSet, asker: Asker<'_>) -> Vec<BlobName> {
    let past = remaining(revisions, &set.component, asker).into_iter();
    past.filter(|name| *name != set.content).collect()
}

fn with_records(step: Step<Progress>, records: Vec<Record>) -> Step<Progress> {
    match step {
        Step::Wait { progress, wake, reason, records: _ } => {
            Step::Wait { progress, wake, reason, records }
        }
        Step::Done { outputs, records: _ } => Step::Done { outputs, records },
    }
}

/// Makes the environment's namespace if it is missing.
pub(crate) async fn provide_namespace(site: &Site<'_>) -> Result<(), Trouble> {
    let name = &site.place.namespace;
    match site.cluster.namespace(name).await? {
        NamespaceState::There => Ok(()),
        NamespaceState::Missing => {
            site.context.may_act()?;
            Ok(site.cluster.create_namespace(name, &site.writer()).await?)
        }
        NamespaceState::Going => Err(StageError::Failure(format!(
            "namespace {name} is being deleted: try again when it is gone"
        ))
        .into()),
    }
}

fn candidates<'a>(
    set: &'a Set,
    (marks, namespace): (&'a Marks, &'a str),
) -> impl Iterator<Item = Candidate<'a>> {
    set.objects.iter().map(move |object| Candidate { object, marks, namespace })
}

/// A rehearsal whose refusals fail the stage, all at once.
pub(crate) async fn tried(
    cluster: &Cluster,
    (candidates, written): (&[Candidate<'_>], &str),
) -> Result<Rehearsed, Trouble> {
    match cluster.rehearse(candidates).await {
        Ok(rehearsed) => Ok(rehearsed),
        Err(RehearsalError::Cluster(error)) => Err(error.into()),
        Err(refused @ RehearsalError::Refused(_)) => {
            Err(StageError::Failure(format!("{refused}; {written}")).into())
        }
    }
}
