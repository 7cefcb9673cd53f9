//! Waits until what was applied is ready, then deletes what is left over.

use super::{
    Asker, Pace, Phase, Progress, Release, Steadiness,
    history::{number, recorded_by},
    progress::Settling,
    set::Set,
};
use crate::site::{Site, Trouble, civil};
use engine_core::{
    clock::{Elapsed, Moment},
    stage::{Outputs, StageError, Step},
};
use kubernetes::{
    Deletion, Found, Located, Location, Marks, Pruning, pruning,
    readiness::{Assessment, Expectation, assess},
    watch::Look,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// How objects stand, and whether they have stood so for long enough.
pub(crate) enum Standing {
    Steady {
        warnings: Vec<String>,
    },
    /// Look again after a change or at the instant.
    Unsteady {
        look: Look,
        at: Option<Moment>,
        detail: String,
        steadiness: Steadiness,
    },
}

/// Judges objects by what the watches know.
pub(crate) fn steady(
    site: &Site<'_>,
    (expectations, steadiness): (&[Expectation], Steadiness),
    stable_for: Duration,
) -> Result<Standing, StageError> {
    let look = site.cluster.watches().look(expectations);
    match assess(expectations, &look.world, site.now_ms()) {
        Assessment::Failed { faults } => {
            let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Err(StageError::Failure(told.join("; ")))
        }
        Assessment::Progressing { detail, recheck_at_ms } => {
            let (at, steadiness) = (recheck_at_ms.map(civil), Steadiness::Unready);
            Ok(Standing::Unsteady { look, at, detail, steadiness })
        }
        Assessment::Ready { warnings } => {
            let since = steadiness.ready(site.context.now.elapsed);
            let end = since.plus(stable_for);
            if end <= site.context.now.elapsed {
                return Ok(Standing::Steady { warnings });
            }
            let detail = format!("ready, and must stay so for {} s", stable_for.as_secs());
            let (at, steadiness) = (Some(Moment::Elapsed(end)), Steadiness::ReadySince(since));
            Ok(Standing::Unsteady { look, at, detail, steadiness })
        }
    }
}

pub(super) async fn settle(
    site: &Site<'_>,
    settling: Settling,
    pace: Pace,
) -> Result<Step<Progress>, Trouble> {
    let warnings = match pace {
        Pace::Apply => Vec::new(),
        Pace::Ready { stable_for } => {
            let objects = (&*settling.applied, settling.steadiness);
            match steady(site, objects, stable_for)? {
                Standing::Steady { warnings } => warnings,
                Standing::Unsteady { look, at, detail, steadiness } => {
                    let phase = Phase::Settling(Settling { steadiness, ..settling });
                    return Ok(site.watching(&look, (at, detail), Progress::reached(phase)));
                }
            }
        }
    };
    for release in &settling.releases {
        prune(site, release, &settling.applied).await?;
    }
    Ok(Step::Done { outputs: outputs(site, warnings).await?, records: Vec::new() })
}

/// Deletes what earlier sets of the component brought and nothing brings any more.
async fn prune(site: &Site<'_>, release: &Release, applied: &[Expectation]) -> Result<(), Trouble> {
    let marks = site.marks(&release.component);
    for name in &release.leftovers {
        let mut objects = Set::load(&*site.context.services, name).await?.objects;
        kubernetes::sort(&mut objects, |object| object);
        for object in objects.iter().rev() {
            prune_object(site, object, (&marks, applied)).await?;
        }
    }
    Ok(())
}

async fn prune_object(
    site: &Site<'_>,
    object: &Value,
    (marks, applied): (&Marks, &[Expectation]),
) -> Result<(), Trouble> {
    let location = match site.cluster.locate_past(object, &site.place.namespace).await? {
        Located::At(location) => location,
        // With its kind the object is gone too.
        Located::UnknownKind => return Ok(()),
    };
    if applied.iter().any(|applied| is_at(applied, &location)) {
        return Ok(());
    }
    let Found::There(live) = site.cluster.read(&location).await? else { return Ok(()) };
    match pruning(&location, &live, marks) {
        Pruning::Keep => Ok(()),
        Pruning::Delete => {
            site.context.may_act()?;
            match site.cluster.delete(&location, &live).await? {
                Deletion::Asked | Deletion::Gone => Ok(()),
            }
        }
    }
}

/// Whether both are the same object, in whichever version it is spoken of.
fn is_at(applied: &Expectation, location: &Location) -> bool {
    applied.group == location.group
        && applied.kind == location.kind
        && applied.namespace == location.namespace
        && applied.name == location.name
}

async fn outputs(site: &Site<'_>, warnings: Vec<String>) -> Result<Outputs, StageError> {
    let revisions = site.revisions().await?;
    let identity = &site.context.identity;
    let asker = Asker { run: identity.run, stage: &identity.stage };
    let own: Vec<_> = revisions.into_iter().filter(|it| asker.recorded(it)).collect();
    let mut images = serde_json::Map::new();
    for revision in recorded_by(&own, &BTreeSet::from([identity.run])) {
        let named = revision.set.images.iter();
        images.extend(named.map(|(name, image)| (name.clone(), json!(image))));
    }
    let mut outputs = Outputs::new();
    outputs.insert("revision".to_owned(), json!(number(&own, asker)));
    outputs.insert("images".to_owned(), Value::Object(images));
    if !warnings.is_empty() {
        outputs.insert("warnings".to_owned(), json!(warnings));
    }
    Ok(outputs)
}

impl Steadiness {
    /// Goes on from what was: readiness that lasts keeps its beginning.
    fn ready(self, now: Elapsed) -> Elapsed {
        match self {
            Steadiness::Unready => now,
            Steadiness::ReadySince(since) => since,
        }
    }
}
