//! Opens the inbox of an engine that stays: sources are looked at, clocks run, doors listen.

use crate::{
    grounds::Places,
    mailroom::{Letters, Rates},
    sources::{Ground, Watched},
    submit::Submitted,
};
use engine_runtime::{engine::Engine, inbox::Shelf, seal::Sealer};
use std::{path::Path, sync::Arc, time::Duration};

/// How often plain folders are looked at.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) async fn open(
    state: &Path,
    engine: &Arc<Engine>,
    submitted: Arc<Submitted>,
) -> anyhow::Result<(Letters, Arc<Watched>)> {
    let reach = submitted.reach.clone();
    let shelf = Shelf::default();
    let ground = Arc::new(Ground::new(reach.clone(), shelf.clone()));
    let kept = reach.now().kept.now();
    let sources = Arc::new(Watched::open(state, ground, &*kept).await?);
    let granted = submitted.secrets.source.clone();
    let sealer = Sealer::in_directory(state)?;
    let places = Places { sources: sources.clone(), submitted, sealer, shelf: shelf.clone() };
    let places = Arc::new(places);
    let inbox = Arc::new(engine.inbox(places.clone(), shelf));
    let looking = sources.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            looking.look_at_folders().await;
        }
    });
    let (receivers, reader) = (triggers::receivers(), engine.reader());
    let (engine, rates) = (engine.clone(), Rates::default());
    let letters = Letters { reach, receivers, granted, inbox, places, engine, reader, rates };
    Ok((letters, sources))
}
