//! Writes recorded sets, object by object. Every step may be repeated: what this attempt wrote
//! already is read and left alone.

use super::{
    Pace, Phase, Progress, Steadiness,
    prepare::tried,
    progress::{Applying, Settling},
    set::Set,
    settle,
};
use crate::site::{Site, Trouble, away};
use engine_core::stage::{StageError, Step};
use kubernetes::{
    Candidate, ClusterError, Found, Live, Located, Location, Marks, Rehearsed, groundwork,
    objection,
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// After this long a step hands back what it did, so that a stop is noticed.
const STEP_BUDGET: Duration = Duration::from_secs(3);
/// What a refusal after the groundwork adds.
const GROUNDWORK_WRITTEN: &str = "only namespaces and definitions of kinds were written";
/// How soon to ask again for a kind that the set has just defined.
const DEFINITION_PAUSE: Duration = Duration::from_millis(200);
/// How often an object is read again that somebody changes while we write it.
const RACES: u32 = 5;

/// An object of one of the sets, with the marks of its component.
struct Item {
    object: Value,
    marks: Marks,
}

impl Item {
    fn candidate<'a>(&'a self, namespace: &'a str) -> Candidate<'a> {
        Candidate { object: &self.object, marks: &self.marks, namespace }
    }
}

pub(super) async fn apply(
    site: &Site<'_>,
    mut applying: Applying,
    pace: Pace,
) -> Result<Step<Progress>, Trouble> {
    let items = items(site, &applying).await?;
    let began = Instant::now();
    let open = groundwork(&items, |item| &item.object);
    for (index, item) in items.iter().enumerate().skip(applying.next) {
        if index == open
            && open > 0
            && let Some(wait) = rehearse(site, &items, &applying).await?
        {
            return Ok(wait);
        }
        if began.elapsed() > STEP_BUDGET {
            let detail = format!("{index} of {} objects applied", items.len());
            return Ok(site.next(Progress::reached(Phase::Applying(applying)), detail));
        }
        let (location, live) = write(site, item).await?;
        applying.applied.push(location.expectation(&live, applying.began_at_ms));
        applying.next = index + 1;
    }
    let Applying { releases, applied, .. } = applying;
    let settling = Settling { releases, applied, steadiness: Steadiness::Unready };
    settle::settle(site, settling, pace).await
}

/// Everything in kind order over all components: the same order whenever it is asked for.
async fn items(site: &Site<'_>, applying: &Applying) -> Result<Vec<Item>, StageError> {
    let mut items = Vec::new();
    for release in &applying.releases {
        let set = Set::load(&*site.context.services, &release.set).await?;
        let marks = site.marks(&release.component);
        let marked = set.objects.into_iter().map(|object| Item { object, marks: marks.clone() });
        items.extend(marked);
    }
    kubernetes::sort(&mut items, |item| &item.object);
    Ok(items)
}

async fn rehearse(
    site: &Site<'_>,
    items: &[Item],
    applying: &Applying,
) -> Result<Option<Step<Progress>>, Trouble> {
    let namespace = &site.place.namespace;
    let candidates: Vec<Candidate<'_>> =
        items.iter().map(|item| item.candidate(namespace)).collect();
    Ok(match tried(&site.cluster, (&candidates, GROUNDWORK_WRITTEN)).await? {
        Rehearsed::Whole => None,
        Rehearsed::Partly => {
            let progress = Progress::reached(Phase::Applying(applying.clone()));
            let detail = "the kinds that the set defines are not served yet".to_owned();
            Some(away(site.context, (DEFINITION_PAUSE, detail), progress))
        }
    })
}

async fn write(site: &Site<'_>, item: &Item) -> Result<(Location, Live), Trouble> {
    let location = match site.cluster.locate(&item.object, &site.place.namespace).await? {
        Located::At(location) => location,
        Located::UnknownKind => {
            return Err(Trouble::Away("a kind of the set is not served any more".to_owned()));
        }
    };
    let objections = site.objections(&item.object, &location);
    if !objections.is_empty() {
        let why = format!("{}; it was not written", objections.join("; "));
        return Err(StageError::Failure(why).into());
    }
    let mut races = 0;
    loop {
        match write_over_what_is_there(site, item, &location).await {
            Ok(live) => return Ok((location, live)),
            Err(WriteError::Changed) if races < RACES => races += 1,
            Err(WriteError::Changed) => {
                return Err(Trouble::Away(format!("{location} is being changed by somebody")));
            }
            Err(WriteError::Trouble(trouble)) => return Err(trouble),
        }
    }
}

enum WriteError {
    Changed,
    Trouble(Trouble),
}

async fn write_over_what_is_there(
    site: &Site<'_>,
    item: &Item,
    location: &Location,
) -> Result<Live, WriteError> {
    let trouble = |error: StageError| WriteError::Trouble(error.into());
    let found = site.cluster.read(location).await.map_err(|error| named(location, error))?;
    if let Found::There(live) = &found
        && live.is_written_by(&item.marks.writer)
    {
        return Ok(live.clone());
    }
    if let Some(reason) = objection(&found, &item.marks) {
        return Err(trouble(StageError::Failure(format!("{location}: {reason}"))));
    }
    site.context.may_act().map_err(trouble)?;
    let written = site.cluster.apply(location, (&item.object, &item.marks), &found).await;
    written.map_err(|error| named(location, error))
}

fn named(location: &Location, error: ClusterError) -> WriteError {
    match error {
        ClusterError::Changed(_) => WriteError::Changed,
        ClusterError::Conflict(_) | ClusterError::NotFound(_) | ClusterError::Refused(_) => {
            let error = StageError::Failure(format!("{location}: {error}"));
            WriteError::Trouble(error.into())
        }
        ClusterError::Unreachable { .. }
        | ClusterError::OutcomeUnknown { .. }
        | ClusterError::Unauthorized { .. } => WriteError::Trouble(error.into()),
    }
}
