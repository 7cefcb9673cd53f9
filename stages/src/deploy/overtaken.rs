//! A deploy that a later run of its pipeline has overtaken asks a person before it writes anything.

use super::{Config, prepare};
use crate::{
    release::{Phase, Progress},
    site::{Site, Trouble},
};
use engine_core::{
    event::Signal,
    revision::Overtaken,
    stage::{StageError, Step, WaitReason, Wake},
    status::WaitKind,
};

/// Goes on if nobody has overtaken the run, and asks else.
pub(super) async fn ask(site: &Site<'_>, config: &Config) -> Result<Step<Progress>, Trouble> {
    let answered = site.context.signals.len();
    match overtaken(site).await? {
        None => prepare(site, config).await,
        Some(overtaken) => Ok(asking(site, &overtaken, answered)),
    }
}

/// Goes on as the answer says; asks on as long as there is none. A no is a person's no: it is not
/// tried again, and `onFailure` has no say, as going back would undo what came later.
pub(super) async fn answered(
    site: &Site<'_>,
    config: &Config,
    answered: usize,
) -> Result<Step<Progress>, Trouble> {
    match site.context.signals.get(answered) {
        None => match overtaken(site).await? {
            None => prepare(site, config).await,
            Some(overtaken) => Ok(asking(site, &overtaken, answered)),
        },
        Some(said) if said.signal == Signal::Yes => prepare(site, config).await,
        Some(said) => Err(StageError::Rejected(format!(
            "out of date: {} says that it is not to replace what a later run has deployed; nothing \
             was written",
            said.actor.name
        ))
        .into()),
    }
}

async fn overtaken(site: &Site<'_>) -> Result<Option<Overtaken>, StageError> {
    let overtaken = site.context.services.overtaken(site.target).await;
    overtaken.map_err(|error| StageError::Error(error.to_string()))
}

fn asking(site: &Site<'_>, overtaken: &Overtaken, answered: usize) -> Step<Progress> {
    let Overtaken { revision, by } = overtaken;
    let environment = &site.target.environment;
    let detail = format!(
        "out of date: {environment} holds revision {revision} of the later run {}. Is this run to \
         replace it? Answer yes, and it is deployed, or no, and this stage is rejected",
        by.label()
    );
    Step::Wait {
        progress: Progress::reached(Phase::Asking { answered }),
        wake: Wake::default(),
        reason: WaitReason { kind: WaitKind::Question, detail },
        records: Vec::new(),
    }
}
