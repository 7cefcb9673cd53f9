//! Durable steps per second of the whole engine on SQLite beside the bare loop, and what one event
//! costs in runs of 10, 100 and 1,000 stages.

mod bare;
mod plans;

use engine_core::{
    Execution, Plan, Registry, Start,
    clock::{Civil, Clock, Elapsed, Now},
    event::{Actor, Command, Input, Trigger, Way},
    id::{PlanHash, RunId},
    stage::Step,
    store::{Candidate, Store},
};
use engine_runtime::{
    children::NoChildren,
    clock::SystemClock,
    driver::Witness,
    engine::{Engine, Ids, NewRun, Parts},
    evaluator::Pool,
    memory::Memory,
    objects::NoObjects,
    process::Machine,
    seal::Sealer,
    secrets::Secrets,
    sqlite::Sqlite,
};
use std::{
    error::Error,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};

const TIME: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;
const STAGES: u32 = 10;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    println!("runs of {STAGES} stages in a chain, each stage one step, one append and one commit");
    println!(
        "{:>9}  {:>13}  {:>14}  {:>6}",
        "in flight", "bare steps/s", "engine steps/s", "ratio"
    );
    for in_flight in chosen() {
        let (mut bare, mut engine) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let directory = tempfile::tempdir()?;
            bare.push(bare::steps_per_second(directory.path(), in_flight.into(), TIME).await?);
            engine.push(on_sqlite(directory.path(), in_flight).await?);
        }
        let (bare, engine) = (median(bare), median(engine));
        println!("{in_flight:>9}  {bare:>13.0}  {engine:>14.0}  {:>6.2}", engine / bare);
    }
    println!();
    println!(
        "{:>7}  {:>6}  {:>22}  {:>26}",
        "stages", "shape", "machine alone, ns/event", "engine in memory, us/stage"
    );
    for stages in [10, 100, 1_000] {
        for (shape, plan) in [("chain", plans::chain(stages)?), ("fan", plans::fan(stages)?)] {
            let plan = Arc::new(plan);
            let alone = machine_ns(&plan);
            let whole = in_memory_us(plan, stages).await?;
            println!("{stages:>7}  {shape:>6}  {alone:>22.0}  {whole:>26.1}");
        }
    }
    Ok(())
}

/// Numbers on the command line stand for runs in flight; `cargo bench` adds words of its own.
fn chosen() -> Vec<u32> {
    let named: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    if named.is_empty() { vec![1, 8, 64] } else { named }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Stages that ended in a second, with so many runs always under way.
async fn on_sqlite(directory: &Path, in_flight: u32) -> Outcome<f64> {
    let store = Sqlite::open(directory).await?;
    let checkpoints = store.clone();
    let checkpointing = tokio::spawn(async move { checkpoints.keep_checkpointed().await });
    let (engine, mut ended) = open(Arc::new(store.clone())).await?;
    let plan = Arc::new(plans::chain(STAGES)?);
    let engine = Arc::new(engine);
    let mut starts = JoinSet::new();
    let mut begin_one = || {
        let (engine, plan) = (engine.clone(), plan.clone());
        starts.spawn(async move { engine.start(new_run(&plan)).await });
    };
    let begin = Instant::now();
    (0..in_flight).for_each(|_| begin_one());
    let mut runs = 0;
    while begin.elapsed() < TIME {
        ended.recv().await;
        runs += 1;
        begin_one();
    }
    let took = begin.elapsed();
    for _ in 0..in_flight {
        ended.recv().await;
    }
    for started in starts.join_all().await {
        started?;
    }
    Arc::into_inner(engine).ok_or("somebody still starts runs")?.leave().await?;
    checkpointing.abort();
    store.close().await?;
    Ok(f64::from(runs * STAGES) / took.as_secs_f64())
}

/// Microseconds that one stage of a run takes with nothing durable in the way.
async fn in_memory_us(plan: Arc<Plan>, stages: u32) -> Outcome<f64> {
    let (engine, mut ended) = open(Arc::new(Memory::default())).await?;
    let runs = (4_000 / stages).max(3);
    let begin = Instant::now();
    for _ in 0..runs {
        engine.start(new_run(&plan)).await?;
        ended.recv().await;
    }
    let took = begin.elapsed();
    engine.leave().await?;
    Ok(took.as_secs_f64() * 1e6 / f64::from(runs * stages))
}

/// Nanoseconds of deciding, folding and asking for what is due, per event.
fn machine_ns(plan: &Arc<Plan>) -> f64 {
    let now = Now { elapsed: Elapsed(1), civil: Civil(1) };
    let rounds = (20_000 / plan.nodes().len()).max(5);
    let mut events = 0;
    let begin = Instant::now();
    for _ in 0..rounds {
        let (mut execution, started) = Execution::start(plan.clone(), start(), now);
        events += started.len();
        loop {
            let due = execution.due();
            if due.is_empty() {
                break;
            }
            for command in due {
                let Command::Step { call } = command else { continue };
                let answer = Ok(Step::done());
                let decided = execution.handle(Input::Stepped { call, answer }, now);
                events += decided.map_or(0, |events| events.len());
            }
        }
        assert!(execution.summary().status.has_ended());
    }
    begin.elapsed().as_nanos() as f64 / events as f64
}

/// An engine whose ended runs are told one by one.
async fn open(store: Arc<dyn Store>) -> Outcome<(Engine, mpsc::UnboundedReceiver<()>)> {
    let (ended, told) = mpsc::unbounded_channel();
    let clock = SystemClock::after(None);
    let candidate = Candidate {
        process_id: std::process::id(),
        process_started: 1,
        pid_namespace: String::new(),
        boot: String::new(),
        now: clock.now(),
    };
    let engine = Engine::open(Parts {
        store,
        clock: Arc::new(clock),
        stages: Arc::new(Registry::<dyn engine_core::stage::AnyStage>::default().with(plans::Noop)),
        evaluator: Arc::new(Pool::new(2)),
        objects: Arc::new(NoObjects),
        sealer: Arc::new(Sealer::with_key(&[7; 32])?),
        ids: Arc::new(Counter(AtomicU64::new(1))),
        witness: Arc::new(Ends(ended)),
        candidate,
        processes: Arc::new(Machine),
        secrets: Secrets::none(),
        children: Arc::new(NoChildren),
        platform: engine_core::latest::Latest::default(),
    });
    Ok((engine.await?, told))
}

/// Tells when a run has ended.
struct Ends(mpsc::UnboundedSender<()>);

impl Witness for Ends {
    fn appended(&self, execution: &Execution) {
        if execution.recorded().status().has_ended() {
            // Nobody listens any more when the measurement is over.
            self.0.send(()).ok();
        }
    }
}

struct Counter(AtomicU64);

impl Ids for Counter {
    fn draw(&self, now: Now) -> RunId {
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        RunId(uuid::Builder::from_unix_timestamp_millis(now.civil.0, &chance).into_uuid())
    }
}

fn new_run(plan: &Arc<Plan>) -> NewRun {
    NewRun {
        plan: plan.clone(),
        trigger: Trigger::Manual,
        actor: actor(),
        ancestry: Vec::new(),
        parent: None,
        offers: Vec::new(),
        files: Vec::new(),
        key: None,
    }
}

fn start() -> Start {
    Start {
        id: RunId(uuid::Uuid::nil()),
        number: 1,
        plan: PlanHash("hash".to_owned()),
        trigger: Trigger::Manual,
        actor: actor(),
        ancestry: Vec::new(),
        parent: None,
        offers: Vec::new(),
    }
}

fn actor() -> Actor {
    Actor { name: "bench".to_owned(), way: Way::CommandLine }
}
