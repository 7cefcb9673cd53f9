//! The whole engine in virtual time: several runs that compete for targets, on the memory store,
//! while the engine crashes, loses answers, and is taken over while it lives.

mod guard;
pub(crate) mod inbox;
mod judge;
mod people;
mod poison;
mod repeats;

use crate::{
    actors::{Calling, Scripted, Undo},
    calls::{self, FromParameters},
    chance::Chance,
    facts, plans,
    story::Reached,
    world::World,
};
use engine_core::{
    Execution, Plan, Registry,
    clock::{Civil, Clock, Now},
    event::{Actor, Trigger, Way},
    id::RunId,
    latest::Latest,
    platform::Platform,
    store::{Candidate, LogReader, RunFilter, Store, Summary},
};
use engine_runtime::{
    clock::TokioClock,
    conformance::faulty::{Fault, Faulty, Script},
    driver::Witness,
    engine::{Engine, Ids, NewRun, Parts, Started},
    memory::Memory,
    process::{Presence, Processes},
    seal::Sealer,
    secrets::Secrets,
};
use futures::FutureExt;
use judge::facts_of;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

struct Storm {
    seed: u64,
    chance: Chance,
    memory: Memory,
    world: World,
    clock: Arc<dyn Clock>,
    engine: Option<Engine>,
    /// Cuts the present engine off from the store.
    cut: Arc<AtomicBool>,
    faults: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    processes: u32,
    /// The process that was only cut off, and lives.
    living: Option<u32>,
    ids: Arc<Counter>,
    looks: Arc<Looks>,
    /// In every other storm, a file that guards an environment.
    platform: Latest<Platform>,
}

pub(crate) fn storm(seed: u64, reached: &mut Reached) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(Civil(1_000_000)));
        let memory = Memory::default();
        let mut storm = Storm {
            seed,
            chance: Chance::new(seed),
            world: World::new(seed, memory.clone(), clock.clone()),
            memory,
            clock,
            engine: None,
            cut: Arc::default(),
            faults: Arc::default(),
            processes: 0,
            living: None,
            ids: Arc::default(),
            looks: Arc::default(),
            platform: guard::platform(seed),
        };
        storm.open().await;
        if storm.chance.one_in(8) {
            // Nobody is to be waited for in it.
            storm.platform.replace(Platform::Open);
            storm.poison().await;
        }
        for _turn in 0..4 + storm.chance.below(12) {
            storm.turn(reached).await;
        }
        storm.settle().await;
        storm.judge(reached).await;
    });
}

impl Storm {
    async fn turn(&mut self, reached: &mut Reached) {
        match self.chance.below(11) {
            0..=3 => self.start().await,
            4 => {
                reached.count("crash", 1);
                self.engine = None;
                self.sleep(8_000).await;
                self.open().await;
            }
            5 if self.chance.one_in(3) => {
                reached.count("takeover from a living engine", 1);
                self.take_over().await;
            }
            6 => self.cancel().await,
            7 => self.say().await,
            8 => self.pause().await,
            9 => self.retry().await,
            _ => self.world.change_objects(),
        }
        self.sleep(6_000).await;
    }

    async fn sleep(&mut self, most_ms: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.below(most_ms))).await;
    }

    async fn open(&mut self) {
        self.cut = Arc::default();
        self.processes += 1;
        let cut = self.cut.clone();
        let renewals = Box::new(move || match cut.load(Ordering::Acquire) {
            true => Fault::Unavailable,
            false => Fault::None,
        });
        let faulty = Faulty::new(self.memory.clone(), self.faults());
        let store = Arc::new(faulty.with_renewals(renewals));
        let parts = Parts {
            store: store as Arc<dyn Store>,
            clock: self.clock.clone(),
            stages: Arc::new(
                Registry::<dyn engine_core::stage::AnyStage>::default()
                    .with(Scripted::<0>(self.world.clone()))
                    .with(Scripted::<1>(self.world.clone()))
                    .with(Calling(self.world.clone()))
                    .with(Undo(self.world.clone())),
            ),
            objects: Arc::new(self.world.clone()),
            evaluator: Arc::new(self.world.clone()),
            sealer: Arc::new(Sealer::with_key(&[7; 32]).unwrap()),
            ids: self.ids.clone(),
            witness: Arc::new(self.replays()),
            candidate: Candidate {
                process_id: self.processes,
                process_started: 0,
                pid_namespace: "simulated".to_owned(),
                boot: "simulated".to_owned(),
                now: self.clock.now(),
            },
            processes: Arc::new(Dead { living: self.living }),
            children: Arc::new(FromParameters),
            secrets: Secrets::none(),
            platform: self.platform.clone(),
        };
        self.engine = Some(Engine::open(parts).await.unwrap());
    }

    fn replays(&self) -> Replays {
        let (memory, looks) = (self.memory.clone(), self.looks.clone());
        Replays { memory, epoch: u64::from(self.processes), looks }
    }

    /// What happens to each append of the engine that is opened next.
    fn faults(&self) -> Script {
        let chance = Mutex::new(Chance::new(self.seed ^ u64::from(self.processes)));
        let (cut, counts) = (self.cut.clone(), self.faults.clone());
        Box::new(move |_items| {
            if cut.load(Ordering::Acquire) {
                return Fault::Unavailable;
            }
            let mut chance = chance.lock().unwrap();
            let (fault, situation) = match chance.below(40) {
                0 => (Fault::Unavailable, "append refused"),
                1 => (Fault::LostBefore, "answer lost before the write"),
                2 => (Fault::LostAfter, "answer lost after the write"),
                3 => (Fault::StaleNeighbour, "stale item in a batch"),
                4 => {
                    let after = Duration::from_millis(chance.below(20_000));
                    (Fault::Late(after), "append lands late")
                }
                _ => return Fault::None,
            };
            *counts.lock().unwrap().entry(situation).or_default() += 1;
            fault
        })
    }

    /// The engine is cut off and goes on; another one takes its place; then it is let in again.
    async fn take_over(&mut self) {
        self.cut.store(true, Ordering::Release);
        let (cut, old) = (self.cut.clone(), self.engine.take());
        self.living = Some(self.processes);
        self.sleep(500).await;
        self.open().await;
        self.living = None;
        cut.store(false, Ordering::Release);
        self.sleep(5_000).await;
        drop(old);
    }

    async fn start(&mut self) {
        let plan = Arc::new(match self.chance.below(8) {
            0 => plans::rollback(&mut self.chance),
            _ => calls::plan(&mut self.chance),
        });
        self.begin(plan).await;
    }

    async fn begin(&mut self, plan: Arc<Plan>) -> RunId {
        let new = NewRun {
            plan,
            trigger: Trigger::Manual,
            actor: somebody(),
            ancestry: Vec::new(),
            parent: None,
            offers: Vec::new(),
            files: Vec::new(),
            key: None,
        };
        let engine = self.engine.as_ref().unwrap();
        match engine.start(new).await.unwrap() {
            Started::New { run, .. } => run,
            Started::Before { run } => panic!("{run} was started by nobody"),
        }
    }

    /// All of the store, in the order in which they began: ids count up.
    async fn runs(&self) -> Vec<Summary> {
        let mut runs = self.memory.runs(RunFilter::default()).await.unwrap();
        runs.sort_by_key(|summary| summary.run);
        runs
    }

    /// Nothing interferes any more: every run must come to its end.
    async fn settle(&mut self) {
        let reader = self.engine.as_ref().unwrap().reader();
        let changing = async {
            loop {
                self.world.change_objects();
                self.say().await;
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
        };
        let ended = async { reader.all_ended().await.unwrap() };
        let all = async {
            tokio::select! { () = ended => {}, () = changing => {} }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(3600), all).await;
        if in_time.is_err() {
            let open = reader.unfinished().await.unwrap();
            let mut told = Vec::new();
            for gate in &open {
                let view = reader.view(gate.summary.run).await.unwrap();
                let waits = view.stages.into_iter().filter_map(|(id, stage)| {
                    stage.waiting.map(|wait| format!("{id}: {}", wait.detail))
                });
                let waits: Vec<String> = waits.collect();
                told.push(format!("{} {} {waits:?}", gate.summary.run, gate.summary.status));
            }
            for gate in &open {
                let facts = facts_of(&self.memory, gate.summary.run).await;
                let kept = facts.iter().map(|(event, now)| format!("{} {event:?}", now.elapsed.0));
                told.push(format!("{}: {:#?}", gate.summary.run, kept.collect::<Vec<_>>()));
            }
            panic!("runs are stuck: {}", told.join("\n"));
        }
    }
}

fn somebody() -> Actor {
    Actor { name: "somebody".to_owned(), way: Way::CommandLine }
}

/// Every engine but the one that was only cut off is gone.
struct Dead {
    living: Option<u32>,
}

impl Processes for Dead {
    fn presence(&self, holder: &Candidate, _seen_from: &Candidate) -> Presence {
        match self.living {
            Some(living) if living == holder.process_id => Presence::OutOfSight,
            Some(_) | None => Presence::Gone,
        }
    }
}

/// After every append: the run equals the replay of its log, and so does its summary row.
struct Replays {
    memory: Memory,
    epoch: u64,
    looks: Arc<Looks>,
}

/// A driver dies quietly of what it sees: so whoever looked must have come to an end.
#[derive(Default)]
struct Looks {
    begun: AtomicU64,
    over: AtomicU64,
}

impl Witness for Replays {
    fn appended(&self, execution: &Execution) {
        let run = execution.recorded().id;
        let gate = self.memory.gate(run).now_or_never().unwrap().unwrap().unwrap();
        if gate.epoch.0 != self.epoch {
            return; // It was taken over, and has gone further.
        }
        self.looks.begun.fetch_add(1, Ordering::Relaxed);
        let facts = facts_of(&self.memory, run).now_or_never().unwrap();
        facts::replays(execution, &facts);
        assert_eq!(gate.summary, execution.summary(), "the summary row is not the run's");
        self.looks.over.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ids in the order in which they are asked for.
#[derive(Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn draw(&self, _now: Now) -> RunId {
        let next = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        RunId(uuid::Uuid::from_u128(u128::from(next)))
    }
}
