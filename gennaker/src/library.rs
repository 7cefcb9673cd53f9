//! Starts pipelines of sources by their names, as people ask for them.

use crate::{
    grounds::Places,
    mailroom::Letters,
    submit::{self, unavailable},
};
use engine_api::{Asked, At, Begun, Library, NotBegun};
use engine_core::{
    BoxFuture,
    catalogue::{Entry, Standing},
    event::{Actor, Trigger},
    pipeline::Given,
    platform::{Owner, Platform},
    trigger::Commit,
};
use engine_runtime::inbox::{Unprepared, Wanted};
use serde_json::Value;
use std::sync::Arc;

impl Library for Letters {
    fn start(
        &self,
        asked: Asked,
        (actor, key): (Actor, String),
    ) -> BoxFuture<'_, Result<Begun, NotBegun>> {
        Box::pin(async move {
            let platform = self.reach.now().found.platform.clone();
            let (commit, entry) = self.places.meant(&asked, &platform).await?;
            let given = |(id, value)| match value {
                Value::String(text) => (id, Given::Written(text)),
                typed => (id, Given::Typed(typed)),
            };
            let wanted = Wanted {
                entry,
                commit,
                parameters: asked.parameters.into_iter().map(given).collect(),
                trigger: Trigger::Manual,
                actor: platform.person(actor),
                key,
                ancestry: Vec::new(),
            };
            let new = self.places.prepared(&wanted).await.map_err(not_begun)?;
            submit::start(&self.engine, new).await
        })
    }
}

impl Places {
    /// The commit and the file that are meant.
    async fn meant(&self, asked: &Asked, platform: &Platform) -> Result<(Commit, Entry), NotBegun> {
        let Asked { application, pipeline, at, .. } = asked;
        let source = self.source_of(application, platform)?;
        let (commit, entries) = self.entries(&source, at).await?;
        let is_it = |it: &Entry| it.application() == *application && it.pipeline() == *pipeline;
        let Some(entry) = entries.into_iter().find(is_it) else {
            let place = match at {
                At::Newest => String::new(),
                At::Reference(reference) => format!(" at {reference}"),
            };
            let reason = format!("{source} has no pipeline {application}/{pipeline}{place}");
            return Err(NotBegun::Refused { reason });
        };
        match &entry.standing {
            Standing::Good | Standing::Superseded { .. } => Ok((commit, entry)),
            Standing::Refused { faults } | Standing::Broken { faults } => Err(NotBegun::Refused {
                reason: format!("{} may not start: {}", entry.path, faults.join("; ")),
            }),
        }
    }

    async fn entries(&self, source: &str, at: &At) -> Result<(Commit, Vec<Entry>), NotBegun> {
        let sources = self.sources.now();
        let shelved = || (Commit::Default, self.shelf.read().of_source(source).to_vec());
        match (sources.of_name(source), at) {
            (Some(repository), At::Reference(reference)) => {
                let meant = repository.at(reference).await.map_err(of_git)?;
                meant.map_err(|reason| NotBegun::Refused { reason })
            }
            (Some(repository), At::Newest) => {
                repository.look_again().await.map_err(of_git)?;
                Ok(shelved())
            }
            (None, At::Newest) => Ok(shelved()),
            (None, At::Reference(_)) => {
                let reason = format!("{source} is a folder, and has no branches, tags or commits");
                Err(NotBegun::Refused { reason })
            }
        }
    }

    /// The name of the source whose an application is; where the platform lists none, of the folder
    /// that is served.
    fn source_of(&self, application: &str, platform: &Platform) -> Result<Arc<str>, NotBegun> {
        let (sources, listed) = (self.sources.now(), platform.sources());
        let refused = |reason: String| Err(NotBegun::Refused { reason });
        match platform.owner(application) {
            Owner::One(number) => match listed.get(number) {
                Some(source) => Ok(Arc::from(source.name())),
                None => refused(format!("application {application} belongs to no source")),
            },
            Owner::Several(_) => refused(format!(
                "application {application} is claimed by several sources, and so it is of none"
            )),
            Owner::Nobody if listed.is_empty() => match sources.names().next() {
                Some(folder) => Ok(folder.clone()),
                None => refused("this engine has no sources: gennaker.yaml lists them".to_owned()),
            },
            Owner::Nobody => refused(format!("application {application} belongs to no source")),
        }
    }
}

fn of_git(error: artifacts::git::GitError) -> NotBegun {
    let reason = error.to_string();
    match error.may_pass() {
        true => unavailable(reason),
        false => NotBegun::Refused { reason },
    }
}

fn not_begun(unprepared: Unprepared) -> NotBegun {
    match unprepared {
        Unprepared::Invalid { faults } => NotBegun::Refused { reason: faults.join("; ") },
        Unprepared::Refused { reason } => NotBegun::Refused { reason },
        Unprepared::Later(later) => unavailable(later.reason),
    }
}
