//! Opens the inbox of an engine that stays: sources are looked at, clocks run, doors listen.

use crate::{
    grounds::Places,
    mailroom::{Letters, Rates},
    sources::{Ground, Sources},
    submit::Submitted,
};
use engine_runtime::{engine::Engine, inbox::Shelf, seal::Sealer};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::task::spawn_blocking;

/// How often plain folders are looked at.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) async fn open(
    state: &Path,
    engine: &Engine,
    submitted: Arc<Submitted>,
) -> anyhow::Result<Letters> {
    let reach = submitted.reach.clone();
    let shelf = Shelf::default();
    let registries = Arc::new(reach.now().registry());
    let ground = Arc::new(Ground { reach: reach.clone(), registries, shelf: shelf.clone() });
    let kept = reach.now().kept.now();
    let sources = Sources::open(state, &ground, &*kept).await?;
    let folders = sources.folders.clone();
    for folder in &folders {
        let folder = folder.clone();
        spawn_blocking(move || folder.look()).await?;
    }
    let granted = submitted.secrets.source.clone();
    let sealer = Sealer::in_directory(state)?;
    let places = Places { sources, submitted, sealer, shelf: shelf.clone() };
    let inbox = Arc::new(engine.inbox(Arc::new(places), shelf.clone()));
    let newest = reach.clone();
    tokio::spawn(async move {
        let mut platform = newest.now().found.platform.clone();
        loop {
            tokio::time::sleep(LOOK).await;
            let before = std::mem::replace(&mut platform, newest.now().found.platform.clone());
            // Which places are asked, and how often, is up to the platform.
            if !Arc::ptr_eq(&before, &platform) {
                shelf.changed();
            }
            for folder in &folders {
                let folder = folder.clone();
                drop(spawn_blocking(move || folder.look()).await);
            }
        }
    });
    let (receivers, reader) = (triggers::receivers(), engine.reader());
    Ok(Letters { reach, receivers, granted, inbox, reader, rates: Rates::default() })
}
