//! The state directory, and the engine and the reader that work on it.

use crate::{arguments::Common, clusters::ClusterObjects};
use anyhow::{Context, bail};
use engine_core::{
    clock::{Clock, Now},
    id::{Position, RunId},
    store::{Page, Store},
};
use engine_runtime::{
    clock::SystemClock,
    driver::NoWitness,
    engine::{Engine, Ids, Parts},
    evaluator::Pool,
    process::{self, Machine},
    reader::Reader,
    seal::Sealer,
    sqlite::Sqlite,
};
use kubernetes::Clusters;
use ring::rand::{SecureRandom, SystemRandom};
use std::{path::PathBuf, sync::Arc};

/// An engine on the state directory, and what must be closed after it.
pub(crate) struct Hosted {
    pub(crate) engine: Engine,
    store: Arc<Sqlite>,
}

/// Where runs are kept: `--state`, else the XDG state home.
pub(crate) fn directory(common: &Common) -> anyhow::Result<PathBuf> {
    if let Some(directory) = &common.state {
        return Ok(directory.clone());
    }
    let home = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = home.filter(|home| home.is_absolute());
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
    match home {
        Some(home) => Ok(home.join("gennaker")),
        None => bail!("neither XDG_STATE_HOME nor HOME is set: say where with --state DIR"),
    }
}

/// Opens the store for reading, beside whatever engine may be at work.
pub(crate) async fn reader(common: &Common) -> anyhow::Result<Reader> {
    let directory = directory(common)?;
    let reader = Sqlite::open_for_reading(&directory).await?;
    Ok(Reader::new(Arc::new(reader)))
}

/// Takes the lease of the state directory and goes on with what is unfinished in it.
pub(crate) async fn host(common: &Common, clusters: &Clusters) -> anyhow::Result<Hosted> {
    let directory = directory(common)?;
    let store = Arc::new(Sqlite::open(&directory).await?);
    let sealer = Sealer::in_directory(&directory)?;
    let clock = Arc::new(SystemClock::after(last_moment(&*store).await?));
    let candidate = process::this(clock.now()).context("/proc cannot be read")?;
    let engine = Engine::open(Parts {
        store: store.clone(),
        clock,
        stages: Arc::new(stages::registry(clusters)),
        evaluator: Arc::new(Pool::new(2)),
        objects: Arc::new(ClusterObjects(clusters.clone())),
        sealer: Arc::new(sealer),
        ids: Arc::new(Random(SystemRandom::new())),
        witness: Arc::new(NoWitness),
        candidate,
        processes: Arc::new(Machine),
    })
    .await?;
    let checkpoints = store.clone();
    tokio::spawn(async move { checkpoints.keep_checkpointed().await });
    Ok(Hosted { engine, store })
}

impl Hosted {
    /// Gives the lease back and closes the database.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.engine.leave().await?;
        self.store.close().await?;
        Ok(())
    }
}

/// The moment of the newest row, on which the engine's own time goes on.
async fn last_moment(store: &dyn Store) -> anyhow::Result<Option<Now>> {
    let head = store.head().await?;
    let before = Position(head.0.saturating_sub(1));
    match store.after(before, 1).await? {
        Page::Rows(rows) => Ok(rows.last().map(|row| row.now)),
        Page::Reset { .. } => Ok(None),
    }
}

/// UUIDv7: the time of the start, and chance.
struct Random(SystemRandom);

impl Ids for Random {
    fn draw(&self, now: Now) -> RunId {
        let mut chance = [0; 10];
        if self.0.fill(&mut chance).is_err() {
            tracing::error!("the system gives no random numbers; the id is drawn from the clock");
            chance[..8].copy_from_slice(&now.elapsed.0.to_be_bytes());
        }
        RunId(uuid::Builder::from_unix_timestamp_millis(now.civil.0, &chance).into_uuid())
    }
}
