//! The program's only door: start, cancel, read, follow. Whoever holds an [`Engine`] holds the
//! lease of its store, and drives every unfinished run in it.

use crate::{
    committer::Committer,
    driver::{Position, Shop, Witness},
    evaluator::Evaluator,
    guard::Guard,
    lease,
    objects::Objects,
    process::Processes,
    reader::{ReadError, Reader},
    seal::Sealer,
    services::Backing,
    supervisor::{Order, Supervisor},
    teller::{self, Teller},
};
use engine_core::{
    Execution, Plan, Registry, Start,
    clock::{Clock, Now},
    event::{Actor, Message, Rejected, Signalled, Trigger},
    execution::state::NodeState,
    id::{BlobName, RunId},
    plan::NodeIndex,
    stage::{AnyStage, Asked, Refusal},
    status::RunStatus,
    store::{
        Append, Appended, Beginning, Blob, Candidate, LeaseError, Request, Store, StoreError,
        Submitted,
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

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
}

/// Draws the ids of runs: chance, handed in.
pub trait Ids: Send + Sync + 'static {
    fn draw(&self, now: Now) -> RunId;
}

pub struct Engine {
    shop: Shop,
    ids: Arc<dyn Ids>,
    supervisor: Supervisor,
    failure: watch::Receiver<Option<StoreError>>,
    supervision: JoinHandle<()>,
    tasks: [JoinHandle<()>; 3],
}

/// A run to begin.
pub struct NewRun {
    pub plan: Arc<Plan>,
    pub trigger: Trigger,
    pub actor: Actor,
    pub ancestry: Vec<RunId>,
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
    #[error("another run has this id; start again")]
    IdTaken,
}

#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no run {0}")]
    NoRun(RunId),
    #[error("the run has ended; there is nothing to cancel")]
    Ended,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    #[error("the run has ended {status}; there is nothing to answer")]
    Ended { status: RunStatus },
    #[error(transparent)]
    NotTaken(#[from] Rejected),
    #[error("{reason}")]
    Refused { reason: String },
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
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
    pub async fn open_idle(parts: Parts) -> Result<Engine, LeaseError> {
        let asked = parts.clock.now();
        let lease = {
            let (candidate, processes) = (parts.candidate, parts.processes);
            lease::acquire(&*parts.store, &*parts.clock, candidate, &*processes).await?
        };
        let guard = Arc::new(Guard::new(&lease, asked));
        let (store, clock) = (parts.store, parts.clock);
        let backing = Backing {
            store: store.clone(),
            clock: clock.clone(),
            sealer: parts.sealer,
            guard: guard.clone(),
            leaving: Arc::new(AtomicBool::new(false)),
        };
        let (committer, writer) = Committer::new(store.clone(), clock.clone(), guard.clone());
        let (teller, details) = Teller::new();
        let (woken, received) = mpsc::unbounded_channel();
        let (stages, objects, witness) = (parts.stages, parts.objects, parts.witness);
        let evaluator = parts.evaluator;
        let shop = Shop { backing, committer, stages, objects, evaluator, teller, witness, woken };
        let (supervisor, task) = Supervisor::new(shop.clone(), received);
        let (failed, failure) = watch::channel(None);
        let supervision = watched(task.run(), failed.clone());
        let tasks = [
            watched(writer.run(), failed.clone()),
            tokio::spawn(teller::write(details, store.clone(), clock.clone())),
            watched(async move { Err(guard.keep(store, clock).await) }, failed),
        ];
        Ok(Engine { shop, ids: parts.ids, supervisor, failure, supervision, tasks })
    }

    /// Begins a run: durable when this answers.
    pub async fn start(&self, new: NewRun) -> Result<Started, StartError> {
        let document = new.plan.document();
        let store = &self.shop.backing.store;
        let number = store.number(&document.application, &document.pipeline).await?;
        let now = self.shop.backing.clock.now();
        let (hash, stored_plan) = new.plan.store()?;
        let start = Start {
            id: self.ids.draw(now),
            number,
            plan: hash.clone(),
            trigger: new.trigger,
            actor: new.actor,
            ancestry: new.ancestry,
        };
        let run = start.id;
        let (execution, events) = Execution::start(new.plan, start, now);
        let append = Append {
            run,
            n: 0,
            now,
            events,
            summary: execution.summary(),
            inputs: Vec::new(),
            blobs: self.sealed(new.files),
            beginning: Beginning::Run { plan: hash, stored_plan, key: new.key },
        };
        match self.shop.committer.append(append).await? {
            Appended::Conflict => Err(StartError::IdTaken),
            Appended::Repeated { run } => Ok(Started::Before { run }),
            Appended::Written { .. } => {
                self.shop.witness.appended(&execution);
                self.supervisor.order(Order::Adopt(Box::new(Position { execution, next: 1 })));
                Ok(Started::New { run, number })
            }
        }
    }

    /// Records that the run is to be cancelled; durable when this answers. Repeating `key` records
    /// nothing more.
    pub async fn cancel(
        &self,
        run: RunId,
        (actor, reason): (Actor, String),
        key: String,
    ) -> Result<(), CancelError> {
        let store = &self.shop.backing.store;
        match store.gate(run).await? {
            None => return Err(CancelError::NoRun(run)),
            Some(gate) if gate.summary.status.has_ended() => return Err(CancelError::Ended),
            Some(_) => {}
        }
        let at = self.shop.backing.clock.now();
        let message = Message::Cancel { actor, reason };
        match store.submit(Request { run, key, message, at }).await? {
            Submitted::NoRun => Err(CancelError::NoRun(run)),
            Submitted::Written(_) | Submitted::Repeated(_) => {
                self.supervisor.order(Order::Wake(vec![run]));
                Ok(())
            }
        }
    }

    /// Records what a person says to a stage that waits for one, unless it would not be taken:
    /// then the refusal says why. Durable when this answers; repeating `key` records nothing more.
    pub async fn signal(
        &self,
        run: RunId,
        (stage, signalled): (String, Signalled),
        key: String,
    ) -> Result<(), SignalError> {
        let execution = self.reader().execution(run).await?;
        if execution.recorded().status().has_ended() {
            return Err(SignalError::Ended { status: execution.recorded().status() });
        }
        let index = execution.takes(&stage, signalled.signal)?;
        if let Refusal::Because(reason) = self.refusal(&execution, index, &signalled) {
            return Err(SignalError::Refused { reason });
        }
        let at = self.shop.backing.clock.now();
        let message = Message::Signal { stage, signalled };
        match self.shop.backing.store.submit(Request { run, key, message, at }).await? {
            Submitted::NoRun => Err(ReadError::NoRun(run).into()),
            Submitted::Written(_) | Submitted::Repeated(_) => {
                self.supervisor.order(Order::Wake(vec![run]));
                Ok(())
            }
        }
    }

    /// Whether the stage's own type takes the answer. What is held takes anybody's.
    fn refusal(&self, execution: &Execution, index: NodeIndex, answer: &Signalled) -> Refusal {
        let NodeState::Running(attempt) = execution.node_state(index) else {
            return Refusal::None;
        };
        let node = execution.plan().node(index);
        let config = attempt.config.clone().unwrap_or_else(|| node.config.preview());
        let starter = &execution.recorded().actor;
        let asked = Asked { starter, signals: &attempt.signals };
        match self.shop.stages.get(&node.stage_type) {
            Some(stage) => stage.refusal(&config, &asked, answer),
            None => Refusal::Because(format!("stage type `{}` is not known", node.stage_type)),
        }
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

    /// Begins nothing new, waits for the calls under way to come back, and gives the lease back.
    pub async fn leave(mut self) -> Result<(), StoreError> {
        self.shop.backing.leaving.store(true, Ordering::Release);
        self.supervisor.order(Order::Leave);
        if (&mut self.supervision).await.is_err() {
            tracing::error!("the supervisor died while leaving");
        }
        self.tasks.iter().for_each(JoinHandle::abort);
        let Shop { backing, .. } = &self.shop;
        backing.store.release(backing.guard.epoch).await
    }

    fn sealed(&self, files: Vec<(BlobName, Arc<[u8]>)>) -> Vec<Blob> {
        let sealer = &self.shop.backing.sealer;
        let seal = |(name, content): (BlobName, Arc<[u8]>)| {
            let sealed = sealer.seal(&name, &content);
            Blob { name, sealed }
        };
        files.into_iter().map(seal).collect()
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
