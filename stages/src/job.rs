//! `job`: runs a program once, as a Kubernetes Job, keeps what it prints, and hands out what it says
//! at its end.

mod config;
mod ending;
mod manifest;
mod name;
mod printing;
mod secrets;

pub use config::Config;

use crate::{
    Ground,
    pinning::{Pinned, pin},
    release::{self, provide_namespace, tried},
    site::{Site, Trouble, away, civil},
};
use artifacts::registry::Registries;
use engine_core::{
    clock::{Elapsed, Moment},
    files::{FileRequest, Files},
    plan::{Effect, Timeout},
    stage::{EnvironmentUse, Fault, ObjectKey, Stage, StageError, Step, StepContext, Traits, Wake},
};
use kubernetes::{
    Candidate, ClusterError, Found, Live, Located, Location, Rehearsed,
    readiness::{
        Expectation,
        job::{JobView, Standing, view},
    },
};
use printing::{Printed, Rest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// The component that jobs' marks name; no deploy prunes it.
const COMPONENT: &str = "job";
/// How long a Job's end waits for the rest of what it printed while nothing of it comes.
const LOG_PATIENCE: Duration = Duration::from_secs(20);

pub struct Job {
    pub ground: Ground,
    pub registries: Registries,
}

/// A stored format: only extended, by fields with defaults and by phases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Steps in a row that did not reach the cluster.
    unreached: u32,
    phase: Phase,
}

/// How far an attempt is. Each phase may be repeated from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
enum Phase {
    /// Whether there is a Job already is to be read from its name.
    #[default]
    New,
    Made(Made),
    /// It cannot come to anything, and is taken away before the attempt ends.
    Clearing(Clearing),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    job: Expectation,
    /// Until when the rest of its log is waited for, once it has ended and nothing more has come.
    #[serde(default)]
    log_until: Option<Elapsed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Clearing {
    job: Expectation,
    why: String,
}

impl Stage for Job {
    const TYPE: &'static str = "job";
    const TRAITS: Traits = Traits {
        environment: EnvironmentUse::Required,
        effect: Effect::Writes,
        default_timeout: Timeout::AfterMs(60 * 60 * 1_000),
    };
    type Config = Config;
    type Progress = Progress;

    fn heard(progress: &mut Progress) -> Vec<&mut String> {
        match &mut progress.phase {
            Phase::New | Phase::Made(_) => Vec::new(),
            Phase::Clearing(clearing) => vec![&mut clearing.why],
        }
    }

    fn files(config: &Config) -> Vec<FileRequest> {
        config.files()
    }

    fn check(config: &Config, files: &Files) -> Vec<Fault> {
        let mut faults = config.faults();
        faults.extend(manifest::check(config, files));
        faults
    }

    async fn step(
        &self,
        context: StepContext,
        config: Config,
        progress: Progress,
    ) -> Result<Step<Progress>, StageError> {
        let unreached = progress.unreached;
        match self.advance((&context, config), progress.phase.clone()).await {
            Ok(step) => Ok(step),
            Err(Trouble::Stage(error)) => Err(error),
            Err(Trouble::Away(reason)) => {
                let away_for = release::unreached(unreached);
                let progress = Progress { unreached: away_for.times, ..progress };
                Ok(away(&context, (away_for.pause, reason), progress))
            }
        }
    }

    async fn abort(
        &self,
        context: StepContext,
        _config: Config,
        progress: Progress,
    ) -> Result<(), StageError> {
        match self.take_away(&context, progress.phase).await {
            Ok(()) => Ok(()),
            Err(Trouble::Stage(error)) => Err(error),
            Err(Trouble::Away(reason)) => Err(StageError::Error(reason)),
        }
    }
}

impl Job {
    async fn advance(
        &self,
        (context, mut config): (&StepContext, Config),
        phase: Phase,
    ) -> Result<Step<Progress>, Trouble> {
        let site = Site::open(&self.ground, context).await?;
        match phase {
            Phase::New => {
                match pin(&self.registries, context, &config.image).await? {
                    Pinned::First(records) => {
                        return Ok(site.recording(Progress::default(), records));
                    }
                    Pinned::All(mut known) => {
                        let pinned = config.image.as_ref().and_then(|image| known.remove(image));
                        config.image = pinned.or(config.image);
                    }
                }
                let (location, live) = match make(&site, &config).await? {
                    Making::Made(location, live) => (location, live),
                    Making::Asked(step) => return Ok(step),
                };
                let job = location.expectation(&live, site.now_ms());
                match secrets::hand_over(&site, &config, (&location, live)).await {
                    Ok(_) => attend(&site, &config, Made { job, log_until: None }).await,
                    // It was never started, and is not left behind.
                    Err(Trouble::Stage(StageError::Failure(why))) => {
                        ending::clear(&site, Clearing { job, why }).await
                    }
                    Err(trouble) => Err(trouble),
                }
            }
            Phase::Made(made) => attend(&site, &config, made).await,
            Phase::Clearing(clearing) => ending::clear(&site, clearing).await,
        }
    }

    async fn take_away(&self, context: &StepContext, phase: Phase) -> Result<(), Trouble> {
        let site = Site::open(&self.ground, context).await?;
        ending::take_away(&site, phase).await
    }
}

/// What came of making a Job.
enum Making {
    Made(Location, Live),
    /// The rules ask first.
    Asked(Step<Progress>),
}

/// The one Job of this attempt: found if an earlier step has made it, made otherwise.
async fn make(site: &Site<'_>, config: &Config) -> Result<Making, Trouble> {
    let manifest = manifest::read(site.context, config, &site.job_name()).await?;
    if let Some(other) = manifest.namespace().filter(|it| *it != site.place.namespace) {
        let own = &site.place.namespace;
        return Err(StageError::Failure(format!(
            "the manifest names namespace {other}, and the environment is {own}: leave it out"
        ))
        .into());
    }
    let object = manifest.named(&site.job_name(), &site.place.namespace);
    let location = site.job_location().await?;
    let marks = site.marks(COMPONENT);
    let namespace = &site.place.namespace;
    let candidate = Candidate { object: &object, marks: &marks, namespace };
    site.keep_within(&[candidate], "nothing was written").await?;
    provide_namespace(site).await?;
    let live = match site.cluster.read(&location).await? {
        Found::There(live) => adopted(site, &location, live)?,
        Found::Absent => {
            site.keep_to_images(std::slice::from_ref(&object))?;
            if let Some(asked) = site.admitted()? {
                return Ok(Making::Asked(asked));
            }
            // A secret that cannot be had is told before anything is made.
            drop(secrets::reveal(site.context, config).await?);
            match tried(&site.cluster, (&[candidate], "nothing was written")).await? {
                Rehearsed::Whole | Rehearsed::Partly => {}
            }
            site.context.may_act()?;
            match site.cluster.create(&location, (&object, &marks)).await {
                Ok(live) => live,
                Err(ClusterError::Changed(_)) => match site.cluster.read(&location).await? {
                    Found::There(live) => adopted(site, &location, live)?,
                    Found::Absent => return Err(gone(&location).into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    };
    Ok(Making::Made(location, live))
}

fn adopted(site: &Site<'_>, location: &Location, live: Live) -> Result<Live, StageError> {
    if !live.is_written_by(&site.writer()) {
        return Err(StageError::Failure(format!(
            "{location} is there already and is not of this attempt: delete it, and try again"
        )));
    }
    if live.is_going() {
        return Err(gone(location));
    }
    Ok(live)
}

fn gone(location: &Location) -> StageError {
    StageError::Failure(format!("somebody deleted {location}, and with it what it was doing"))
}

/// Looks after a Job that was made: keeps what it prints, and ends with it.
async fn attend(site: &Site<'_>, config: &Config, made: Made) -> Result<Step<Progress>, Trouble> {
    let look = site.cluster.watches().look(std::slice::from_ref(&made.job));
    let JobView { standing, containers } = view(&made.job, &look.world, site.now_ms());
    let printed = printing::keep(site, &containers).await?;
    let watched = (look, &printed);
    let label = made.job.label();
    match standing {
        Standing::Waits { words, recheck_at_ms } => {
            Ok(wait(site, watched, (recheck_at_ms.map(civil), words), made))
        }
        Standing::Unseen => match site.cluster.read(&site.job_location().await?).await? {
            Found::There(live) if live.uid() == made.job.uid => {
                let words = "it was not seen by the watch yet".to_owned();
                Ok(wait(site, watched, (None, words), made))
            }
            Found::There(_) | Found::Absent => Err(gone(&site.job_location().await?).into()),
        },
        Standing::Gone(words) => Err(StageError::Failure(format!("{label}: {words}")).into()),
        Standing::Stuck(why) => ending::clear(site, Clearing { job: made.job, why }).await,
        Standing::Complete | Standing::Failed(_) | Standing::Lost(_) => {
            match rest(site, &printed, &made) {
                Some((at, words, made)) => Ok(wait(site, watched, (Some(at), words), made)),
                None => {
                    let ended = (&standing, containers.as_slice());
                    ending::finish(site, (config, &made.job), ended, printed.rest).await
                }
            }
        }
    }
}

/// What is still waited for of the log of a Job that has ended, and until when.
fn rest(site: &Site<'_>, printed: &Printed, made: &Made) -> Option<(Moment, String, Made)> {
    let words = match &printed.rest {
        Rest::None => return None,
        Rest::MoreComes => "the rest of its log is read".to_owned(),
        Rest::Unreadable(why) => format!("the rest of its log cannot be read: {why}"),
    };
    let now = site.context.now.elapsed;
    let log_until = printed.patience(now, made.log_until);
    let until = log_until.unwrap_or_else(|| now.plus(LOG_PATIENCE));
    let made = Made { log_until, ..made.clone() };
    (now < until).then_some((Moment::Elapsed(until), words, made))
}

/// A wait for the Job, its pods or their logs to change, or for `at`.
fn wait(
    site: &Site<'_>,
    (look, printed): (kubernetes::watch::Look, &Printed),
    (at, detail): (Option<Moment>, String),
    made: Made,
) -> Step<Progress> {
    let cluster = site.cluster.name();
    let key = |key: &str, position| ObjectKey { key: format!("{cluster}|{key}"), position };
    let mut objects = vec![key(&look.key, look.position)];
    objects.extend(printed.keys.iter().map(|(log, position)| key(log, *position)));
    let detail = format!("{}: {detail}", made.job.label());
    Step::Wait {
        progress: Progress { unreached: 0, phase: Phase::Made(made) },
        wake: Wake { at, objects },
        reason: site.reason(&look, detail),
        records: Vec::new(),
    }
}

impl Site<'_> {
    fn job_name(&self) -> String {
        name::of(&self.context.identity)
    }

    async fn job_location(&self) -> Result<Location, Trouble> {
        let metadata = json!({"name": self.job_name()});
        let object = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata});
        match self.cluster.locate(&object, &self.place.namespace).await? {
            Located::At(location) => Ok(location),
            Located::UnknownKind => {
                Err(StageError::Failure("the cluster serves no batch/v1 Job".to_owned()).into())
            }
        }
    }
}
