//! The smallest runs, rows and processes that a store can tell apart.

use engine_core::{
    admission::{Limit, Standing, Strategy},
    clock::{Civil, Elapsed, Now},
    event::{Actor, Event, Trigger, Way},
    id::{Epoch, InputId, PlanHash, Position, RunId},
    revision::{Slot, Target},
    status::{RunStatus, WaitKind},
    store::{
        Admitted, Append, Appended, Beginning, Candidate, Counts, LeaseError, LogAppend,
        LogAppended, Store, StoreError, Summary, Takeover, Wakes,
    },
};
use std::sync::Arc;

/// A store and the lease under which it is written.
pub struct World {
    pub store: Arc<dyn Store>,
    pub epoch: Epoch,
}

impl World {
    pub async fn on(store: Arc<dyn Store>) -> Result<World, LeaseError> {
        let epoch = store.acquire(candidate(1), Takeover::No).await?.epoch;
        Ok(World { store, epoch })
    }

    /// Writes the first row of a run.
    pub async fn start(&self, seed: u128) -> Result<RunId, StoreError> {
        written(&self.append(begin(run(seed))).await?);
        Ok(run(seed))
    }

    pub async fn append(&self, item: Append) -> Result<Appended, StoreError> {
        let mut answers = self.store.append(self.epoch, vec![item]).await?;
        answers.pop().ok_or_else(|| StoreError::Damaged("an item got no answer".to_owned()))
    }

    /// Keeps what a stage's program printed.
    pub async fn print(&self, append: LogAppend) -> Result<LogAppended, StoreError> {
        self.store.append_stage_log(self.epoch, append).await
    }

    /// Writes the run's next row, whatever its number is; answers with the runs it woke.
    pub async fn go_on(&self, run: RunId, events: Vec<Event>) -> Result<Vec<RunId>, StoreError> {
        let n = self.store.gate(run).await?.map_or(0, |gate| gate.next);
        Ok(woken(&self.append(next(run, n, events)).await?))
    }

    /// What the end of a process without farewell leaves: another takes the lease over.
    pub async fn taken_over(&self) -> Result<World, Box<dyn std::error::Error>> {
        let lease = self.store.lease().await?.ok_or("no lease stands")?;
        let takeover = Takeover::Of(Box::new(lease));
        let epoch = self.store.acquire(candidate(2), takeover).await?.epoch;
        Ok(World { store: Arc::clone(&self.store), epoch })
    }
}

pub fn run(seed: u128) -> RunId {
    RunId(uuid::Uuid::from_u128(seed))
}

pub fn candidate(process_id: u32) -> Candidate {
    Candidate {
        process_id,
        process_started: 7,
        pid_namespace: "pid:[4026531836]".to_owned(),
        boot: "a boot".to_owned(),
        now: now(1),
    }
}

pub fn now(milliseconds: u64) -> Now {
    let civil = Civil(1_700_000_000_000 + milliseconds);
    Now { elapsed: Elapsed(milliseconds), civil }
}

pub fn target(environment: &str) -> Target {
    Target {
        application: "checkout".to_owned(),
        environment: environment.to_owned(),
        cluster_uid: "0b1c".to_owned(),
    }
}

pub fn actor() -> Actor {
    Actor { name: "ada".to_owned(), way: Way::CommandLine }
}

pub fn plan() -> PlanHash {
    PlanHash("5f".repeat(32))
}

pub fn summary(run: RunId, status: RunStatus) -> Summary {
    let waiting = match status {
        RunStatus::Waiting => Some(WaitKind::Readiness),
        RunStatus::Queued
        | RunStatus::Running
        | RunStatus::Paused
        | RunStatus::RollingBack
        | RunStatus::Succeeded
        | RunStatus::Failed
        | RunStatus::RolledBack
        | RunStatus::Rejected
        | RunStatus::Cancelled
        | RunStatus::Invalid => None,
    };
    Summary {
        run,
        number: 12,
        application: "checkout".to_owned(),
        pipeline: "release".to_owned(),
        plan: plan(),
        status,
        started_at: now(5),
        ended_at: status.has_ended().then(|| now(9)),
        stages: Counts { all: 6, ended: 1, failed: 0 },
        waiting,
        wake: Wakes { elapsed: Some(Elapsed(77)), civil: Some(Civil(1_800_000_000_000)) },
    }
}

/// The first row of a run.
pub fn begin(run: RunId) -> Append {
    let started = Event::RunStarted {
        number: 12,
        plan: plan(),
        trigger: Trigger::Manual,
        actor: actor(),
        ancestry: Vec::new(),
        parent: None,
    };
    let beginning = Beginning::Run {
        plan: plan(),
        stored_plan: "a plan".to_owned(),
        files: Vec::new(),
        key: None,
        queue: Limit::Unlimited,
        admitted: None,
    };
    Append { beginning, ..next(run, 0, vec![started]) }
}

/// The first row of a run that was asked for under a key.
pub fn begin_by_key(run: RunId, key: &str) -> Append {
    let beginning = Beginning::Run {
        plan: plan(),
        stored_plan: "a plan".to_owned(),
        files: Vec::new(),
        key: Some(key.to_owned()),
        queue: Limit::Unlimited,
        admitted: None,
    };
    Append { beginning, ..begin(run) }
}

/// A further row of a run that goes on running.
pub fn next(run: RunId, n: u64, events: Vec<Event>) -> Append {
    Append {
        run,
        n,
        now: now(10 + n),
        events,
        summary: summary(run, RunStatus::Running),
        inputs: Vec::new(),
        blobs: Vec::new(),
        beginning: Beginning::No,
    }
}

/// An append that only refuses inputs.
pub fn refuse(run: RunId, n: u64, inputs: Vec<InputId>) -> Append {
    Append { inputs, ..next(run, n, Vec::new()) }
}

/// Asks for a target, or goes on asking, and says which others it keeps meanwhile.
pub fn asks(environment: &str, keeps: &[&str]) -> Event {
    Event::TargetAsked {
        target: target(environment),
        keeps: keeps.iter().map(|kept| target(kept)).collect(),
        beside: Vec::new(),
        standing: Standing::default(),
    }
}

pub fn slot() -> Slot {
    Slot { application: "checkout".to_owned(), group: "release".to_owned() }
}

/// Asks for a place in the group beside which `limit` may be.
pub fn queues(strategy: Strategy, limit: u32) -> Event {
    let standing = Standing { limit, ..Standing::default() };
    Event::SlotAsked { slot: slot(), strategy, standing, keeps: Vec::new() }
}

/// The place in a group of the application.
pub fn place(group: &str) -> Slot {
    Slot { application: "checkout".to_owned(), group: group.to_owned() }
}

/// The first row of a run in a group for one, of whose application `running` runs may be under way
/// and `queued` may wait.
pub fn enter(run: RunId, group: &str, (running, queued): (u32, u32)) -> Append {
    let standing = Standing { room: Limit::AtMost(running), ..Standing::default() };
    let (slot, strategy) = (place(group), Strategy::Queue);
    let mut append = begin(run);
    append.events.push(Event::SlotAsked { slot, strategy, standing, keeps: Vec::new() });
    let queue = Limit::AtMost(queued);
    let (plan, stored_plan, key) = (plan(), "a plan".to_owned(), Some(run.to_string()));
    let files = Vec::new();
    append.beginning = Beginning::Run { plan, stored_plan, files, key, queue, admitted: None };
    append
}

/// The same; and what follows if it need not wait.
pub fn enter_or(run: RunId, entering: Append, events: Vec<Event>) -> Append {
    let Beginning::Run { plan, stored_plan, files, key, queue, .. } = entering.beginning.clone()
    else {
        panic!("it goes on: {entering:?}")
    };
    let summary = Summary { status: RunStatus::Running, ..summary(run, RunStatus::Running) };
    let admitted = Some(Box::new(Admitted { events, summary }));
    let beginning = Beginning::Run { plan, stored_plan, files, key, queue, admitted };
    Append { beginning, ..entering }
}

/// The end of a place in a group, and among the runs of the application.
pub fn leave(group: &str) -> Event {
    Event::SlotReleased { slot: place(group), room: Limit::AtMost(1) }
}

/// An event without consequences.
pub fn attempt(stage: &str) -> Event {
    Event::AttemptStarted { stage: stage.to_owned(), attempt: 1, config: None }
}

/// The last row of a run.
pub fn end(run: RunId, n: u64) -> Append {
    let ended = Event::RunEnded { status: RunStatus::Succeeded, warnings: 0 };
    Append { summary: summary(run, RunStatus::Succeeded), ..next(run, n, vec![ended]) }
}

/// The position of an append that must have been written.
#[track_caller]
pub fn written(answer: &Appended) -> Position {
    match answer {
        Appended::Written { position, .. } => *position,
        Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. } => {
            panic!("not written: {answer:?}")
        }
    }
}

/// The runs that an append woke.
#[track_caller]
pub fn woken(answer: &Appended) -> Vec<RunId> {
    match answer {
        Appended::Written { woken, .. } => woken.clone(),
        Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. } => {
            panic!("not written: {answer:?}")
        }
    }
}
