//! A file that is broken at the commit that was pushed: told by a run, and by one only.

use super::{Begins, Judging, later, not_ahead};
use crate::{
    engine::{NewRun, Started},
    inbox::Later,
};
use engine_core::{
    catalogue::{Entry, Standing},
    delivery::{OutcomeEnd, Told},
    id::RunId,
    plan::{Broken, Origin},
};

/// Runs that tell of broken files, of one delivery: of more of them its own outcomes tell.
const MOST: usize = 50;

impl Judging<'_> {
    /// What is said of a file without a run: it may not be here, or was not pushed, or there are too many.
    pub(super) fn runless(&self, entry: &Entry) -> Option<OutcomeEnd> {
        let faults = match &entry.standing {
            Standing::Good | Standing::Superseded { .. } => return None,
            Standing::Broken { .. } if !self.has_told_enough() => return None,
            Standing::Refused { faults } | Standing::Broken { faults } => faults.clone(),
        };
        Some(OutcomeEnd::Invalid { faults, told: None })
    }

    fn has_told_enough(&self) -> bool {
        let told = self.decision.outcomes.iter();
        let told = told.filter(|it| matches!(it.end, OutcomeEnd::Invalid { told: Some(_), .. }));
        told.count() >= MOST
    }

    /// Has a run tell of a broken file. One does for what a commit did to it on a branch, whoever speaks
    /// of that or of what follows, and however often.
    pub(super) async fn tell(
        &self,
        pipeline: &str,
        mut new: NewRun,
        Broken { path, since, faults }: Broken,
    ) -> Result<OutcomeEnd, Later> {
        if let Begins::WithIt(_) = self.begins {
            return Err(not_ahead("a run tells of a broken file"));
        }
        if self.has_told_enough() {
            return Ok(OutcomeEnd::Invalid { faults, told: None });
        }
        let document = new.plan.document();
        if let Some(Origin { reference, commit, .. }) = &document.origin {
            let (application, by) = (&document.application, since.as_ref().unwrap_or(commit));
            let of = format!("{application}/{pipeline}/{path}/{reference}/{by}");
            new.key = Some(format!("invalid:{of}"));
        }
        let started = match self.started(&new).await? {
            // No number is drawn for what is there.
            Some(run) => Ok(Started::Before { run }),
            None => self.shared.starting.start(new).await,
        };
        match self.begun(pipeline, started).await? {
            OutcomeEnd::Started { run, label } => {
                Ok(OutcomeEnd::Invalid { faults, told: Some(Told { run, label }) })
            }
            end @ (OutcomeEnd::Filtered { .. }
            | OutcomeEnd::Known { .. }
            | OutcomeEnd::Invalid { .. }
            | OutcomeEnd::Refused { .. }) => Ok(end),
        }
    }

    /// The run that its key has started before.
    async fn started(&self, new: &NewRun) -> Result<Option<RunId>, Later> {
        match &new.key {
            Some(key) => self.shared.backing.store.started(key).await.map_err(|it| later(&it)),
            None => Ok(None),
        }
    }
}
