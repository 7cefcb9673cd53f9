//! What `deploy` and `rollback` have in common: a recorded set is applied, awaited, and what it
//! leaves over is deleted.

mod apply;
mod history;
mod options;
mod prepare;
mod progress;
mod set;
mod settle;

pub(crate) use history::{Asker, recorded_by};
pub(crate) use options::{Pace, Pruning};
pub(crate) use prepare::{Intended, prepare, provide_namespace, tried};
pub(crate) use progress::{Phase, Progress, Release, Steadiness, unreached};
pub(crate) use set::Set;
pub(crate) use settle::{Standing, steady};

use crate::site::{Site, Trouble, away};
use engine_core::stage::{StageError, Step, StepContext};

/// Goes on with a release that is recorded: applies, then waits as the pace says.
pub(crate) async fn go_on(
    site: &Site<'_>,
    phase: Phase,
    pace: Pace,
) -> Result<Step<Progress>, Trouble> {
    match phase {
        Phase::Preparing | Phase::Asking { .. } => Err(Trouble::Stage(StageError::Defect(
            "nothing is recorded, so nothing can be applied".to_owned(),
        ))),
        Phase::Applying(applying) => apply::apply(site, applying, pace).await,
        Phase::Settling(settling) => settle::settle(site, settling, pace).await,
    }
}

/// A cluster that cannot be reached is waited for; everything else is the step's own answer.
pub(crate) fn answer(
    context: &StepContext,
    progress: Progress,
    outcome: Result<Step<Progress>, Trouble>,
) -> Result<Step<Progress>, StageError> {
    match outcome {
        Ok(step) => Ok(step),
        Err(Trouble::Stage(error)) => Err(error),
        Err(Trouble::Away(reason)) => {
            let (progress, pause) = progress.unreached();
            Ok(away(context, (pause, reason), progress))
        }
    }
}
