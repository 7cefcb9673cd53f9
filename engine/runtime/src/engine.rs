//! The program's only door: start, cancel, read, follow. Whoever holds an [`Engine`] holds the
//! lease of its store, and drives every unfinished run in it.

mod acts;
mod repeats;
mod sealing;
mod starting;

pub use acts::{ActError, SignalError};
pub use repeats::{KeptError, Moved, Since};

use crate::{
    children::{Children, Door},
    committer::Committer,
    driver::{Shop, Stepped, Witness},
    evaluator::Evaluator,
    guard::Guard,
    inbox::{Grounds, Inbox, Shelf},
    lease,
    objects::Objects,
    process::Processes,
    provings::Provings,
    reader::Reader,
    seal::Sealer,
    secrets::Secrets,
    services::Backing,
    supervisor::{Order, Supervisor},
    teller::{self, Teller},
};
use engine_core::{
    Plan, Registry,
    clock::{Clock, Now},
    event::{Actor, Offer, Parent, Trigger},
    fact::Fact,
    id::{BlobName, RunId},
    latest::Latest,
    platform::Platform,
    stage::AnyStage,
    store::{Candidate, LeaseError, Store, StoreError},
};
pub(crate) use starting::{First, Starting, Written};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    sync::{Semaphore, broadcast, mpsc, watch},
    task::JoinHandle,
};

/// The steps that whoever counts may be behind.
const STEPS: usize = 4_096;

/// What an engine is made of. Nothing is taken from the surroundings.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub stages: Arc<Registry<dyn AnyStage>>,
    pub objects: Arc<dyn Objects>,
    pub evaluator: Arc<dyn Evaluator>,
    pub sealer: Arc<Sealer>,
    pub ids: Arc<dyn Ids>,
    pub witness: Arc<dyn Witness>,
    pub candidate: Candidate,
    /// Says which of the processes that held the lease still live.
    pub processes: Arc<dyn Processes>,
    pub secrets: Secrets,
    pub children: Arc<dyn Children>,
    /// Who people are, and what they may do; by the one that is there when it is asked.
    pub platform: Latest<Platform>,
}

/// Draws the ids of runs: chance, handed in.
pub trait Ids: Send + Sync + 'static {
    fn draw(&self, now: Now) -> RunId;
}

pub struct Engine {
    platform: Latest<Platform>,
    shop: Shop,
    starting: Arc<Starting>,
    supervisor: Supervisor,
    failure: watch::Receiver<Option<StoreError>>,
    supervision: JoinHandle<()>,
    tasks: [JoinHandle<()>; 3],
}

/// A run to begin.
#[derive(Clone)]
pub struct NewRun {
    pub plan: Arc<Plan>,
    pub trigger: Trigger,
    pub actor: Actor,
    pub ancestry: Vec<RunId>,
    /// The run that starts it by one of its stages.
    pub parent: Option<Parent>,
    /// What an earlier run has left, if this one retries it.
    pub offers: Vec<Offer>,
    /// The content of the plan's files, by name.
    pub files: Vec<(BlobName, Arc<[u8]>)>,
    /// The sender's own name for this start: a repeated one starts nothing.
    pub key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    New {
        run: RunId,
        number: u64,
    },
    /// This key has started a run before.
    Before {
        run: RunId,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the plan cannot be stored: {0}")]
    Plan(#[from] serde_json::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever starts it lacks the right.
    #[error("{0}")]
    NotAllowed(String),
    #[error(
        "application {application} has as many queued runs as it may, {most} \
         (`limits.queuedPerApplication` in gennaker.yaml); start it again when some have gone on"
    )]
    QueueFull { application: String, most: u32 },
    #[error("another run has this id; start again")]
    IdTaken,
    #[error("the engine is leaving and starts nothing more; ask the next one")]
    Leaving,
}

impl Engine {
    /// Takes the lease and goes on with every unfinished run; or names the process that has it.
    pub async fn open(parts: Parts) -> Result<Engine, LeaseError> {
        let store = parts.store.clone();
        let engine = Engine::open_idle(parts).await?;
        resume(&*store, &engine.supervisor).await?;
        Ok(engine)
    }

    /// Takes the lease and drives nothing but what it starts itself: for recording an input.
    #[expect(clippy::too_many_lines, reason = "one line a part of the engine")]
    pub async fn open_idle(parts: Parts) -> Result<Engine, LeaseError> {
        let asked = parts.clock.now();
        let lease = {
            let (candidate, processes) = (parts.candidate, parts.processes);
            lease::acquire(&*parts.store, &*parts.clock, candidate, &*processes).await?
        };
        let guard = Arc::new(Guard::new(&lease, asked));
        sealing::agree((&*parts.store, guard.epoch), &parts.sealer).await?;
        let (store, clock, provings) = (parts.store, parts.clock, Provings::default());
        let backing = Backing {
            store: store.clone(),
            clock: clock.clone(),
            sealer: parts.sealer,
            guard: guard.clone(),
            leaving: Arc::new(AtomicBool::new(false)),
            secrets: parts.secrets,
            provings: provings.clone(),
        };
        let (committer, writer) = Committer::new(store.clone(), clock.clone(), guard.clone());
        let (teller, details) = Teller::new();
        let (woken, received) = mpsc::unbounded_channel();
        let (stages, witness) = (parts.stages, parts.witness);
        let objects = provings.beside(parts.objects);
        let evaluator = parts.evaluator;
        let (children, door) = (parts.children, Door::default());
        let shop = Shop {
            backing,
            committer,
            stages,
            objects,
            evaluator,
            teller,
            witness,
            woken,
            children,
            platform: parts.platform.clone(),
            door: door.clone(),
            turns: Arc::new(Semaphore::new(1)),
            steps: broadcast::Sender::new(STEPS),
        };
        let (supervisor, task) = Supervisor::new(shop.clone(), received);
        let (failed, failure) = watch::channel(None);
        let supervision = watched(task.run(), failed.clone());
        let tasks = [
            watched(writer.run(), failed.clone()),
            tokio::spawn(teller::write(details, store.clone(), clock.clone())),
            watched(async move { Err(guard.keep(store, clock).await) }, failed),
        ];
        let (ids, supervisor_too) = (parts.ids, supervisor.clone());
        let (shop_too, platform) = (shop.clone(), parts.platform);
        let starting = Starting {
            shop: shop_too,
            ids,
            supervisor: supervisor_too,
            platform: platform.clone(),
        };
        let starting = Arc::new(starting);
        drop(door.set(Arc::downgrade(&starting)));
        Ok(Engine { platform, shop, starting, supervisor, failure, supervision, tasks })
    }

    /// Begins a run: durable when this answers.
    pub async fn start(&self, new: NewRun) -> Result<Started, StartError> {
        self.starting.start(self.allowed(new)?).await
    }

    /// How long each step takes from now on. Whoever falls far behind misses some.
    pub fn steps(&self) -> broadcast::Receiver<Stepped> {
        self.shop.steps.subscribe()
    }

    /// Opens the inbox: from here on what arrives is worked on.
    pub fn inbox(&self, grounds: Arc<dyn Grounds>, shelf: Shelf) -> Inbox {
        Inbox::open((self.shop.backing.clone(), self.starting.clone()), (grounds, shelf))
    }

    /// Records what is about no run.
    ///
    /// # Errors
    ///
    /// When nothing was recorded, or nobody can tell.
    pub async fn record(&self, fact: Fact) -> Result<(), StoreError> {
        let Backing { store, guard, clock, .. } = &self.shop.backing;
        store.record(guard.epoch, clock.now(), vec![fact]).await.map(drop)
    }

    pub fn reader(&self) -> Reader {
        let store: Arc<dyn Store> = self.shop.backing.store.clone();
        Reader::new(store)
    }

    /// Seals nothing, names content as the engine will keep it.
    pub fn sealer(&self) -> &Sealer {
        &self.shop.backing.sealer
    }

    /// Answers when this engine can no longer write.
    pub async fn failed(&self) -> StoreError {
        let mut failure = self.failure.clone();
        let ended = || StoreError::Unavailable("the engine has left".to_owned());
        match failure.wait_for(Option::is_some).await {
            Ok(error) => error.clone().unwrap_or_else(ended),
            Err(_) => ended(),
        }
    }

    /// Begins nothing new, and answers when the calls under way have come back. What is said
    /// meanwhile is recorded for the next engine.
    pub async fn drain(&self) {
        self.shop.backing.leaving.store(true, Ordering::Release);
        self.supervisor.order(Order::Leave);
        self.supervisor.ended().await;
    }

    /// Whether this engine begins nothing new any more.
    pub fn is_leaving(&self) -> bool {
        self.shop.backing.leaving.load(Ordering::Acquire)
    }

    /// Ends the calls under way as a kill would, and gives the lease back.
    pub async fn abandon(self) -> Result<(), StoreError> {
        self.supervision.abort();
        self.leave().await
    }

    /// Begins nothing new, waits for the calls under way to come back, and gives the lease back.
    pub async fn leave(mut self) -> Result<(), StoreError> {
        self.shop.backing.leaving.store(true, Ordering::Release);
        self.supervisor.order(Order::Leave);
        match (&mut self.supervision).await {
            Err(error) if error.is_panic() => tracing::error!("the supervisor died while leaving"),
            Ok(()) | Err(_) => {}
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        let Shop { backing, .. } = &self.shop;
        backing.store.release(backing.guard.epoch).await
    }
}

impl Drop for Engine {
    /// An engine that is dropped without leaving stops as a killed process would.
    fn drop(&mut self) {
        self.supervision.abort();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Hands every unfinished run to the supervisor: one read, however many they are.
async fn resume(store: &dyn Store, supervisor: &Supervisor) -> Result<(), StoreError> {
    for gate in store.unfinished().await? {
        supervisor.order(Order::Resume(Box::new(gate)));
    }
    supervisor.order(Order::Wake(store.runs_with_inputs().await?));
    Ok(())
}

/// Runs one of the engine's tasks; its error is the engine's end.
fn watched(
    task: impl Future<Output = Result<(), StoreError>> + Send + 'static,
    failed: watch::Sender<Option<StoreError>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = task.await {
            tracing::error!(%error, "the engine stops");
            failed.send_modify(|failure| *failure = failure.take().or(Some(error)));
        }
    })
}
