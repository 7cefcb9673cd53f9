//! The ends of a Job: it has succeeded or failed, it cannot run, or somebody stops it.

use super::{
    Clearing, Config, Made, Phase, Progress, manifest,
    printing::{self, Rest},
};
use crate::site::{Site, Trouble};
use engine_core::{
    clock::Moment,
    stage::{Outputs, StageError, Step},
};
use kubernetes::{
    ClusterError, Deletion, Found, Location,
    readiness::{
        Expectation,
        job::{ContainerState, ContainerView, Standing, view},
    },
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Outputs of a stage, in bytes of JSON.
const OUTPUTS_BYTES: usize = 32 * 1024;
/// How long an abort waits for the pods to stop before it is tried again.
const ABORT_PATIENCE: Duration = Duration::from_secs(8);
/// How often it looks.
const ABORT_LOOK: Duration = Duration::from_millis(250);
/// How soon a Job that is being deleted is read again, whatever the watch says.
const CLEARING_LOOK: Duration = Duration::from_secs(10);

/// Ends the attempt as the Job has ended. The Job stays for a while.
pub(super) async fn finish(
    site: &Site<'_>,
    (config, job): (&Config, &Expectation),
    (standing, containers): (&Standing, &[ContainerView]),
    rest: Rest,
) -> Result<Step<Progress>, Trouble> {
    match rest {
        Rest::None => {}
        Rest::MoreComes => {
            printing::say(site, "the rest of the log could not be read in time").await?;
        }
        Rest::Unreadable(why) => {
            printing::say(site, &format!("the rest of the log could not be read: {why}")).await?;
        }
    }
    let outcome = match standing {
        Standing::Failed(words) => Err(StageError::Failure(format!("{}: {words}", job.label()))),
        Standing::Lost(words) => Err(StageError::Error(format!("{}: {words}", job.label()))),
        Standing::Complete
        | Standing::Waits { .. }
        | Standing::Unseen
        | Standing::Gone(_)
        | Standing::Stuck(_) => Ok(outputs(site, containers).await?),
    };
    let manifest = manifest::read(site.context, config, &site.job_name()).await?;
    keep_for(site, job, manifest.kept_seconds()).await?;
    Ok(Step::Done { outputs: outcome?, records: Vec::new() })
}

/// Lets Kubernetes delete the Job after some time, now that everything of it is kept.
async fn keep_for(site: &Site<'_>, job: &Expectation, seconds: Value) -> Result<(), Trouble> {
    site.context.may_act()?;
    let change = json!({"spec": {"ttlSecondsAfterFinished": seconds}});
    let location = site.job_location().await?;
    match site.cluster.amend(&location, (&job.uid, change)).await {
        Ok(_) => Ok(()),
        // A Job that stays, or has gone already, does not change how it ended.
        Err(
            error @ (ClusterError::Refused(_)
            | ClusterError::NotFound(_)
            | ClusterError::Changed(_)
            | ClusterError::Conflict(_)),
        ) => {
            tracing::debug!(%error, job = %location, "a finished job could not be given its time");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// What the containers said at their end: the first JSON object.
async fn outputs(site: &Site<'_>, containers: &[ContainerView]) -> Result<Outputs, Trouble> {
    let messages = containers.iter().filter(|it| !it.is_init).filter_map(|it| match &it.state {
        ContainerState::Ended { message, .. } if !message.trim().is_empty() => {
            Some((&it.container, message))
        }
        ContainerState::Ended { .. } | ContainerState::Runs | ContainerState::Waits => None,
    });
    let mut others = Vec::new();
    for (container, message) in messages {
        match serde_json::from_str(message) {
            Ok(Value::Object(outputs)) if message.len() <= OUTPUTS_BYTES => return Ok(outputs),
            Ok(_) | Err(_) => others.push(container),
        }
    }
    for container in others {
        let words = format!(
            "the termination message of container {container} is no JSON object, so the stage has \
             no outputs"
        );
        printing::say(site, &words).await?;
    }
    Ok(Outputs::new())
}

/// Takes a Job away that cannot come to anything, and fails when it is gone with its pods.
pub(super) async fn clear(site: &Site<'_>, clearing: Clearing) -> Result<Step<Progress>, Trouble> {
    let look = site.cluster.watches().look(std::slice::from_ref(&clearing.job));
    match delete(site, Some(&clearing.job.uid)).await? {
        Standstill::Gone => Err(StageError::Failure(clearing.why).into()),
        Standstill::Going => {
            let at = Moment::Elapsed(site.context.now.elapsed.plus(CLEARING_LOOK));
            let detail = format!("{}; it is being deleted", clearing.why);
            let progress = Progress { unreached: 0, phase: Phase::Clearing(clearing) };
            Ok(site.watching(&look, (Some(at), detail), progress))
        }
    }
}

/// Deletes the Job of this attempt, if there is one, and answers when it is gone with its pods.
pub(super) async fn take_away(site: &Site<'_>, phase: Phase) -> Result<(), Trouble> {
    let job = match phase {
        Phase::New => None,
        Phase::Made(Made { job, .. }) | Phase::Clearing(Clearing { job, .. }) => Some(job),
    };
    let began = Instant::now();
    loop {
        if let Some(job) = &job {
            // What it prints while it stops is worth keeping, but no reason not to stop it.
            let look = site.cluster.watches().look(std::slice::from_ref(job));
            let containers = view(job, &look.world, site.now_ms()).containers;
            drop(printing::keep(site, &containers).await);
        }
        match delete(site, job.as_ref().map(|job| job.uid.as_str())).await? {
            Standstill::Gone => return Ok(()),
            Standstill::Going if began.elapsed() > ABORT_PATIENCE => {
                let location = site.job_location().await?;
                let words = format!("{location} is deleted, but its pods have not stopped yet");
                return Err(StageError::Error(words).into());
            }
            Standstill::Going => tokio::time::sleep(ABORT_LOOK).await,
        }
    }
}

/// What is left of a Job that was to be deleted.
enum Standstill {
    Gone,
    Going,
}

/// Deletes the Job with its pods if it is this attempt's and nobody has done so yet.
async fn delete(site: &Site<'_>, uid: Option<&str>) -> Result<Standstill, Trouble> {
    let location: Location = site.job_location().await?;
    let Found::There(live) = site.cluster.read(&location).await? else {
        return Ok(Standstill::Gone);
    };
    let is_ours = match uid {
        Some(uid) => live.uid() == uid,
        None => live.is_written_by(&site.writer()),
    };
    if !is_ours {
        return Ok(Standstill::Gone);
    }
    if live.is_going() {
        return Ok(Standstill::Going);
    }
    site.context.may_act()?;
    match site.cluster.delete_whole(&location, live.uid()).await? {
        Deletion::Asked => Ok(Standstill::Going),
        Deletion::Gone => Ok(Standstill::Gone),
    }
}
