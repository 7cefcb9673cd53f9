//! Ends runs of which nothing has begun and whose pipeline is there no more: its file was removed or
//! renamed, or its source is none any more. What has begun goes on as it was pinned.

use super::Shared;
use engine_core::{
    Plan,
    event::{Event, Trigger},
    id::RunId,
    plan::Origin,
    status::RunStatus,
    store::{Gate, StoreError},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// How often it is looked at while nothing is told: a run may come to wait after its file has gone.
const LOOK: Duration = Duration::from_secs(10);

/// What a run was started by that something outside has triggered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    pub application: String,
    pub pipeline: String,
    /// Of its file, from the root of its source.
    pub path: String,
    /// The commit of a repository; a plain folder has none.
    pub origin: Option<Origin>,
    /// The folder that is a source, by its name, if it lay in one that is known.
    pub folder: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It is there, or nobody can tell.
    Yes,
    /// The fragment says what became of it.
    Gone { because: String },
}

/// Runs that were looked at, as long as they wait; what a person has started is nobody's to withdraw.
type Known = HashMap<RunId, Option<Pinned>>;

/// Never ends by itself.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut known = Known::new();
    loop {
        let changed = shared.shelf.changed.notified();
        if let Err(error) = look(&shared, &mut known).await {
            tracing::warn!(%error, "runs whose pipeline is gone cannot be looked for");
        }
        tokio::select! {
            () = changed => {}
            () = shared.pause(LOOK) => {}
        }
    }
}

async fn look(shared: &Shared, known: &mut Known) -> Result<(), StoreError> {
    let unfinished = shared.backing.store.unfinished().await?;
    let waiting: Vec<Gate> = unfinished.into_iter().filter(waits).collect();
    let ids: HashSet<RunId> = waiting.iter().map(|gate| gate.summary.run).collect();
    known.retain(|run, _| ids.contains(run));
    for gate in waiting {
        let run = gate.summary.run;
        let pinned = match known.get(&run) {
            Some(pinned) => pinned.clone(),
            None => known.entry(run).or_insert(pinned(shared, &gate).await?).clone(),
        };
        let Some(pinned) = pinned else { continue };
        if let Stands::Gone { because } = shared.grounds.stands(&pinned).await {
            shared.starting.withdraw(run, because).await?;
        }
    }
    Ok(())
}

fn waits(gate: &Gate) -> bool {
    match gate.summary.status {
        RunStatus::Queued | RunStatus::Waiting | RunStatus::Paused => true,
        RunStatus::Running
        | RunStatus::RollingBack
        | RunStatus::Succeeded
        | RunStatus::Failed
        | RunStatus::RolledBack
        | RunStatus::Rejected
        | RunStatus::Cancelled
        | RunStatus::Invalid => false,
    }
}

async fn pinned(shared: &Shared, gate: &Gate) -> Result<Option<Pinned>, StoreError> {
    let (store, summary) = (&shared.backing.store, &gate.summary);
    let log = store.log(summary.run, 0).await?;
    match log.first().and_then(|row| row.events.first()) {
        Some(Event::RunStarted { trigger: Trigger::Event(_), .. }) => {}
        Some(_) | None => return Ok(None),
    }
    let Some(stored) = store.plan(&summary.plan).await? else { return Ok(None) };
    let plan = Plan::restore(&stored).map_err(|error| StoreError::Damaged(error.to_string()))?;
    let document = plan.document();
    Ok(document.source.as_ref().map(|source| Pinned {
        application: document.application.clone(),
        pipeline: document.pipeline.clone(),
        path: source.name.clone(),
        origin: document.origin.clone(),
        folder: source.folder.clone(),
    }))
}
