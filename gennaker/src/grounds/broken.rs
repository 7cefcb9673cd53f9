//! The run that tells of a file which is broken at the commit that was pushed.

use super::{Places, of_git};
use engine_core::{
    Plan,
    catalogue::Standing,
    plan::{BrokenFile, Origin},
    trigger::Commit,
};
use engine_runtime::{
    engine::NewRun,
    inbox::{Unprepared, Wanted},
};
use std::sync::Arc;

impl Places {
    /// What is wanted, ready to start; where its file is broken at a commit of its own, the run that says so.
    pub(super) async fn prepared_or_broken(&self, wanted: Wanted) -> Result<NewRun, Unprepared> {
        match (&wanted.entry.standing, self.prepared(&wanted).await) {
            (_, Err(Unprepared::Invalid { faults })) => self.broken(wanted, faults).await,
            // What cannot even be read: a symbolic link, too large a file.
            (Standing::Broken { faults }, Ok(_) | Err(Unprepared::Refused { .. })) => {
                let faults = faults.clone();
                self.broken(wanted, faults).await
            }
            (
                Standing::Good | Standing::Superseded { .. } | Standing::Refused { .. },
                answer @ (Ok(_) | Err(Unprepared::Refused { .. })),
            )
            | (_, answer @ Err(Unprepared::Later(_))) => answer,
        }
    }

    async fn broken(&self, wanted: Wanted, faults: Vec<String>) -> Result<NewRun, Unprepared> {
        let (origin, since) = match self.pushed(&wanted).await? {
            Pushed::At { origin, since } => (origin, since),
            Pushed::No => return Err(Unprepared::Invalid { faults }),
        };
        let Wanted { entry, trigger, actor, key, ancestry, .. } = wanted;
        let file = BrokenFile {
            application: entry.application().to_owned(),
            pipeline: entry.pipeline().to_owned(),
            path: entry.path,
            since,
            faults,
            origin: Some(origin),
        };
        let refused = |reason: String| Unprepared::Refused { reason };
        let plan = Plan::broken(file).map_err(|error| refused(error.to_string()))?;
        Ok(NewRun {
            plan: Arc::new(plan),
            trigger,
            actor,
            ancestry,
            parent: None,
            offers: Vec::new(),
            files: Vec::new(),
            key: Some(key),
        })
    }

    /// Others than pushes use what was whole last: with them no file is broken, only what they hand over.
    async fn pushed(&self, wanted: &Wanted) -> Result<Pushed, Unprepared> {
        let (entry, sources) = (&wanted.entry, self.sources.now());
        let (Commit::Of { reference, commit }, Some(repository)) =
            (&wanted.commit, sources.of_name(&entry.source))
        else {
            return Ok(Pushed::No);
        };
        let origin = repository.origin(reference, commit).await.map_err(of_git)?;
        let origin = origin.map_err(|reason| Unprepared::Refused { reason })?;
        let since = match &entry.standing {
            Standing::Broken { .. } => {
                let by = repository.last_to_change(&entry.path, &origin.commit).await;
                by.map_err(of_git)?
            }
            // The file is whole: it is the commit that is not.
            Standing::Good | Standing::Superseded { .. } | Standing::Refused { .. } => None,
        };
        Ok(Pushed::At { origin, since })
    }
}

/// Whether a run was wanted by a push.
enum Pushed {
    At {
        origin: Origin,
        /// Which commit broke the file.
        since: Option<String>,
    },
    No,
}
