//! `rollback`: brings back a whole recorded set, deletes what came after it, waits until it is
//! ready.

mod choice;
mod to;

pub use to::To;

use crate::{
    Ground,
    release::{self, Asker, Intended, Pace, Phase, Progress, Pruning, Set},
    rules::After,
    site::{Site, Trouble},
};
use choice::{Return, choose, forward};
use engine_core::{
    id::RunId,
    plan::{Effect, Timeout},
    revision::{ComponentSet, Origin},
    stage::{EnvironmentUse, Stage, StageError, Step, StepContext, Traits},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

pub struct Rollback {
    pub ground: Ground,
}

/// Brings an environment back to what it ran before, ConfigMaps and Secrets included.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// Where to: `lastGood`, `previous` or the number of a revision.
    #[serde(default)]
    #[schemars(extend("default" = "lastGood"), example = &"previous")]
    to: To,
    /// The one component to bring back; without it, all of them.
    #[serde(default)]
    #[schemars(example = &"worker")]
    component: Option<String>,
}

impl Stage for Rollback {
    const TYPE: &'static str = "rollback";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Required,
        effect: Effect::Writes,
        default_timeout: Timeout::AfterMs(15 * 60 * 1_000),
    };
    type Config = Config;
    type Progress = Progress;

    fn heard(_progress: &mut Self::Progress) -> Vec<&mut String> {
        Vec::new()
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let outcome = advance(&self.ground, (&context, &config), progress.phase.clone()).await;
        release::answer(&context, progress, outcome)
    }
}

async fn advance(
    ground: &Ground,
    (context, config): (&StepContext, &Config),
    phase: Phase,
) -> Result<Step<Progress>, Trouble> {
    let site = Site::open(ground, context).await?;
    match phase {
        Phase::Preparing | Phase::Asking { .. } => prepare(&site, config).await,
        Phase::Applying(_) | Phase::Settling(_) => {
            release::go_on(&site, phase, Pace::default()).await
        }
    }
}

async fn prepare(site: &Site<'_>, config: &Config) -> Result<Step<Progress>, Trouble> {
    let revisions = site.revisions().await?;
    let identity = &site.context.identity;
    let asker = Asker { run: identity.run, stage: &identity.stage };
    let wanted = (config.to, config.component.as_deref());
    let returns = choose(&revisions, asker, wanted)
        .map_err(|error| StageError::Failure(error.to_string()))?;
    if returns.is_empty() {
        return Ok(Step::done());
    }
    let forward = forward(&revisions, &returns);
    let mut intended = Vec::new();
    for (component, way) in returns {
        intended.push(intend(site, component, way).await?);
    }
    // What a failed stage takes back by itself asks nobody.
    if !matches!(config.to, To::Undo(_))
        && let Some(waits) = permitted(site, (&intended, &forward)).await?
    {
        return Ok(waits);
    }
    release::prepare(site, intended, &revisions).await
}

/// Whether the rules let the way back go: where it goes forward, as a deploy of what was there.
async fn permitted(
    site: &Site<'_>,
    (intended, forward): (&[Intended], &BTreeMap<String, RunId>),
) -> Result<Option<Step<Progress>>, Trouble> {
    if let Some(asked) = site.admitted()? {
        return Ok(Some(asked));
    }
    let new = intended.iter().filter(|it| forward.contains_key(&it.record.component));
    let objects: Vec<Value> = new.flat_map(|it| it.set.objects.iter().cloned()).collect();
    for run in forward.values() {
        if let Some(asked) = site.admitted_again(*run).await? {
            return Ok(Some(asked));
        }
    }
    site.keep_to_images(&objects)?;
    Ok(match site.come_after(&objects).await? {
        After::Met => None,
        After::Waits { detail, keys } => Some(After::wait((detail, keys), Progress::default())),
    })
}

async fn intend(
    site: &Site<'_>,
    component: &str,
    Return { to, left }: Return<'_>,
) -> Result<Intended, StageError> {
    let set = Set::load(&*site.context.services, &to.set.content).await?;
    let record = ComponentSet {
        component: component.to_owned(),
        content: to.set.content.clone(),
        images: to.set.images.clone(),
        further_images: to.set.further_images.clone(),
        origin: Origin::Rollback { of: to.number, left: left.number },
        readiness: to.set.readiness,
    };
    Ok(Intended { set, record, content: None, pruning: Pruning::Delete })
}
