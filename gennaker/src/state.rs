//! The state directory, and the engine and the reader that work on it.

mod place;

pub(crate) use place::Place;

use crate::{
    arguments::Common,
    clusters::{self, ClusterObjects, Reach},
    inbox,
    reload::InForce,
    screen, secrets,
    submit::Submitted,
};
use anyhow::{Context, bail};
use engine_api::{Api, Doors, Group, Mailroom, NoMailroom, Ways};
use engine_core::{
    clock::{Clock, Now},
    id::{Position, RunId},
    latest::Latest,
    store::{FeedRow, Page, Store},
};
use engine_runtime::{
    children::{Children, NoChildren},
    clock::SystemClock,
    driver::NoWitness,
    engine::{Engine, Ids, Parts},
    evaluator::Pool,
    process::{self, Machine},
    reader::Reader,
    seal::Sealer,
    sqlite::{self, Sqlite},
};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long steps under way may take to come to a point to go on from, when the engine leaves.
const DRAIN: Duration = Duration::from_secs(14);

/// An engine on the state directory, and what must be closed after it.
pub(crate) struct Hosted {
    pub(crate) engine: Arc<Engine>,
    store: Arc<Sqlite>,
    pub(crate) doors: Option<Doors>,
    pub(crate) in_force: InForce,
}

/// Where runs are kept: `--state`, else the XDG state home.
pub(crate) fn directory(common: &Common) -> anyhow::Result<PathBuf> {
    if let Some(directory) = &common.state {
        return Ok(directory.clone());
    }
    match home() {
        Some(home) => Ok(home),
        None => bail!("neither XDG_STATE_HOME nor HOME is set: say where with --state DIR"),
    }
}

/// Where runs are kept unless somebody says so.
pub(crate) fn home() -> Option<PathBuf> {
    let home = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = home.filter(|home| home.is_absolute());
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
    Some(home?.join("gennaker"))
}

/// Opens the store for reading, beside whatever engine may be at work.
pub(crate) async fn reader(common: &Common) -> anyhow::Result<Reader> {
    reader_in(&directory(common)?).await
}

pub(crate) async fn reader_in(directory: &Path) -> anyhow::Result<Reader> {
    let place = Place::now(directory)?;
    let reader = Sqlite::open_file_for_reading(&place.database).await?;
    Ok(Reader::new(Arc::new(reader)))
}

/// Takes the lease of the state directory, goes on with what is unfinished in it, and listens.
pub(crate) async fn host(common: &Common, reach: Reach) -> anyhow::Result<Hosted> {
    serve(common, reach, (None, Stay::Short)).await
}

/// Whether an engine is there for what arrives, or leaves when its errand is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    Short,
    Long,
}

/// The same, also on a port of this machine.
pub(crate) async fn serve(
    common: &Common,
    reach: Reach,
    (loopback, stay): (Option<SocketAddr>, Stay),
) -> anyhow::Result<Hosted> {
    let found = reach.found.clone();
    let written = found.platform.socket_group().map(str::to_owned);
    let socket_group = common.socket_group.clone().or(written);
    let starter = Arc::new(Submitted::on(reach.clone()));
    let (directory, store, parts) = parts(common, &reach, starter.clone()).await?;
    let opening = screen::slowly("waiting for the lease", Engine::open(parts));
    let engine = Arc::new(opening.await?);
    let checkpoints = store.clone();
    tokio::spawn(async move { checkpoints.keep_checkpointed().await });
    let group = match socket_group {
        Some(name) => Group::Named(name),
        None => Group::Nobody,
    };
    let mut in_force = InForce::on(starter.reach.clone());
    let configuration = in_force.told.clone();
    let version = env!("CARGO_PKG_VERSION");
    let mailroom: Arc<dyn Mailroom> = match stay {
        Stay::Short => Arc::new(NoMailroom),
        Stay::Long => {
            let (letters, sources) = inbox::open(&directory, &engine, starter.clone()).await?;
            in_force.sources = Some(sources);
            Arc::new(letters)
        }
    };
    let api = Api { engine: engine.clone(), starter, mailroom, configuration, version };
    let doors = Doors::open(&directory, &Ways { group, loopback }, api).await?;
    Ok(Hosted { engine, store, doors: Some(doors), in_force })
}

/// Takes the lease to record something; drives nothing, and listens to nobody.
pub(crate) async fn host_idle(common: &Common) -> anyhow::Result<Hosted> {
    let reach = clusters::reach(common).await?;
    let in_force = InForce::on(Latest::new(reach.clone()));
    let (_, store, parts) = parts(common, &reach, Arc::new(NoChildren)).await?;
    let engine = Arc::new(Engine::open_idle(parts).await?);
    Ok(Hosted { engine, store, doors: None, in_force })
}

async fn parts(
    common: &Common,
    reach: &Reach,
    children: Arc<dyn Children>,
) -> anyhow::Result<(PathBuf, Arc<Sqlite>, Parts)> {
    let directory = directory(common)?;
    sqlite::make_directory(&directory)?;
    let place = Place::of(&directory, &reach.found.platform)?;
    let store = Arc::new(Sqlite::open_file(&place.database).await?);
    place.keep()?;
    let sealer = Sealer::in_directory(&directory)?;
    let clock = Arc::new(SystemClock::after(last_moment(&*store).await?));
    let candidate = process::this(clock.now()).context("/proc cannot be read")?;
    let parts = Parts {
        store: store.clone(),
        clock,
        stages: Arc::new(reach.registry().stages),
        evaluator: Arc::new(Pool::new(2)),
        objects: Arc::new(ClusterObjects(reach.clusters.clone())),
        sealer: Arc::new(sealer),
        ids: Arc::new(Random(SystemRandom::new())),
        witness: Arc::new(NoWitness),
        candidate,
        processes: Arc::new(Machine),
        secrets: secrets::of(reach),
        platform: reach.in_force.clone(),
        children,
    };
    Ok((directory, store, parts))
}

impl Hosted {
    /// Lets what is under way come to a point to go on from, answers nobody any more, gives the
    /// lease back and closes the database.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        let drained = tokio::time::timeout(DRAIN, self.engine.drain());
        let drained = screen::slowly("steps under way come to an end", drained).await;
        if let Some(doors) = self.doors {
            doors.close().await;
        }
        match (Arc::try_unwrap(self.engine), drained) {
            (Ok(engine), Ok(())) => engine.leave().await?,
            (Ok(engine), Err(_)) => {
                tracing::warn!("a step took longer than {DRAIN:?}; the next engine finds it open");
                engine.abandon().await?;
            }
            // A request that was cut off: the lease runs out with this process.
            (Err(_), _) => tracing::warn!("a request was still under way"),
        }
        self.store.close().await?;
        Ok(())
    }
}

/// A name for a request that nobody has used.
pub(crate) fn draw() -> anyhow::Result<String> {
    let mut chance = [0; 16];
    let drawn = SystemRandom::new().fill(&mut chance);
    drawn.map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    Ok(hex::encode(chance))
}

/// The moment of the newest row, on which the engine's own time goes on.
async fn last_moment(store: &dyn Store) -> anyhow::Result<Option<Now>> {
    let head = store.head().await?;
    let before = Position(head.0.saturating_sub(1));
    match store.after(before, 1).await? {
        Page::Rows(rows) => Ok(rows.last().map(FeedRow::now)),
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
