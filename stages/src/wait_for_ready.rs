//! `waitForReady`: waits until objects are ready that this run deployed, or that somebody names.

use crate::{
    Ground,
    release::{Set, Standing, Steadiness, recorded_by, steady},
    site::{Site, Trouble, away},
};
use engine_core::{
    language::Duration,
    plan::{Effect, Timeout},
    stage::{EnvironmentUse, Stage, StageError, Step, StepContext, Traits},
};
use kubernetes::{Found, Located, SearchError, readiness::Expectation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub struct WaitForReady {
    pub ground: Ground,
}

/// Waits until everything is ready that the run deployed to this environment, or what is named here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", try_from = "Fields")]
pub struct Config {
    what: What,
    stable_for: std::time::Duration,
}

#[derive(Clone, Debug, JsonSchema)]
enum What {
    Deployed,
    Selected { labels: String },
    Named { resources: Vec<String> },
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    /// Labels of workloads (Deployment, StatefulSet, DaemonSet, Job) in the environment's
    /// namespace, such as `app=web,tier!=cache`.
    #[serde(default)]
    #[schemars(example = &"app=web,tier!=cache")]
    selector: Option<String>,
    /// Objects in the environment's namespace, such as `deployment/web`.
    #[serde(default)]
    #[schemars(length(min = 1), example = ["deployment/web"])]
    resources: Option<Vec<String>>,
    /// How long everything must stay ready without a break.
    #[serde(default)]
    #[schemars(extend("default" = "0s"), example = &"1m")]
    stable_for: Option<Duration>,
}

/// A stored format: only extended, by fields with defaults.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Steps in a row that did not reach the cluster.
    unreached: u32,
    /// What is waited for, once it was found.
    objects: Option<Vec<Expectation>>,
    steadiness: Steadiness,
}

impl TryFrom<Fields> for Config {
    type Error = &'static str;

    fn try_from(fields: Fields) -> Result<Config, &'static str> {
        let what = match (fields.selector, fields.resources) {
            (Some(_), Some(_)) => {
                return Err("`waitForReady` takes `selector` or `resources`, not both");
            }
            (Some(labels), None) if labels.trim().is_empty() => {
                return Err("`selector` is empty, and an empty one would match everything");
            }
            (None, Some(resources)) if resources.is_empty() => {
                return Err("`resources` is empty, so there is nothing to wait for");
            }
            (Some(labels), None) => What::Selected { labels },
            (None, Some(resources)) => What::Named { resources },
            (None, None) => What::Deployed,
        };
        let stable_for = fields.stable_for.map(|stable| stable.get()).unwrap_or_default();
        Ok(Config { what, stable_for })
    }
}

impl Stage for WaitForReady {
    const TYPE: &'static str = "waitForReady";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Required,
        effect: Effect::Reads,
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
        match advance(&self.ground, (&context, &config), &progress).await {
            Ok(step) => Ok(step),
            Err(Trouble::Stage(error)) => Err(error),
            Err(Trouble::Away(reason)) => {
                let away_for = crate::release::unreached(progress.unreached);
                let progress = Progress { unreached: away_for.times, ..progress };
                Ok(away(&context, (away_for.pause, reason), progress))
            }
        }
    }
}

async fn advance(
    ground: &Ground,
    (context, config): (&StepContext, &Config),
    progress: &Progress,
) -> Result<Step<Progress>, Trouble> {
    let site = Site::open(ground, context).await?;
    let objects = match &progress.objects {
        Some(objects) => objects.clone(),
        None => find(&site, &config.what).await?,
    };
    match steady(&site, (&objects, progress.steadiness), config.stable_for)? {
        Standing::Steady { .. } => Ok(Step::done()),
        Standing::Unsteady { look, at, detail, steadiness } => {
            let progress = Progress { unreached: 0, objects: Some(objects), steadiness };
            Ok(site.watching(&look, (at, detail), progress))
        }
    }
}

async fn find(site: &Site<'_>, what: &What) -> Result<Vec<Expectation>, Trouble> {
    let namespace = &site.place.namespace;
    let found = match what {
        What::Deployed => return deployed(site).await,
        What::Selected { labels } => {
            site.cluster.select(labels, namespace).await.map_err(unfound)?
        }
        What::Named { resources } => {
            let mut found = Vec::new();
            for resource in resources {
                found.push(site.cluster.find(resource, namespace).await.map_err(unfound)?);
            }
            found
        }
    };
    let expected = found.iter().map(|(location, live)| location.expectation(live, site.now_ms()));
    Ok(expected.collect())
}

fn unfound(error: SearchError) -> Trouble {
    match error {
        SearchError::Cluster(error) => error.into(),
        SearchError::Spelling(_)
        | SearchError::Kind(_)
        | SearchError::Absent(..)
        | SearchError::Nothing(..) => StageError::Failure(error.to_string()).into(),
    }
}

/// What this run deployed to the environment, or took over, as it is in the cluster now.
async fn deployed(site: &Site<'_>) -> Result<Vec<Expectation>, Trouble> {
    let revisions = site.revisions().await?;
    let mut runs = site.context.taken_over_from.clone();
    runs.insert(site.context.identity.run);
    let mut expected = Vec::new();
    for revision in recorded_by(&revisions, &runs) {
        let set = Set::load(&*site.context.services, &revision.set.content).await?;
        for object in &set.objects {
            let Located::At(location) = site.cluster.locate(object, &site.place.namespace).await?
            else {
                continue;
            };
            match site.cluster.read(&location).await? {
                Found::There(live) => {
                    expected.push(location.expectation(&live, revision.at.civil.0));
                }
                Found::Absent => {
                    let gone = format!("{location} is gone: somebody deleted it");
                    return Err(StageError::Failure(gone).into());
                }
            }
        }
    }
    if expected.is_empty() {
        let environment = &site.target.environment;
        return Err(StageError::Failure(format!(
            "this run has deployed nothing to environment {environment}: name `resources` or \
             a `selector`, or put this stage behind a deploy by `needs`"
        ))
        .into());
    }
    Ok(expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_to_wait_for_is_said_in_one_way_at_most() {
        let parsed = |config| serde_json::from_value::<Config>(config);
        for (config, what) in [
            (json!({}), "Deployed"),
            (json!({"selector": "app=web"}), "Selected"),
            (json!({"resources": ["deployment/web"], "stableFor": "1m"}), "Named"),
        ] {
            assert!(format!("{:?}", parsed(config).unwrap().what).starts_with(what), "{what}");
        }
        for wrong in [
            json!({"selector": "app=web", "resources": ["deployment/web"]}),
            json!({"selector": " "}),
            json!({"resources": []}),
            json!({"stableFor": 60}),
            json!({"for": "1m"}),
        ] {
            assert!(parsed(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
