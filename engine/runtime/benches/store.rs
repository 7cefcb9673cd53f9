//! Durable steps per second of the SQLite store, beside the bare loop, in one run.

mod bare;

use engine_core::{
    admission::Limit,
    clock::{Civil, Elapsed, Now},
    event::{Actor, Event, Progress, Trigger, Way},
    id::{Epoch, PlanHash, RunId},
    status::RunStatus,
    store::{Append, Appended, Beginning, Candidate, Counts, Store, Summary, Takeover, Wakes},
};
use engine_runtime::sqlite::Sqlite;
use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

const TIME: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{:>9}  {:>14}  {:>14}  {:>6}", "in flight", "bare steps/s", "store steps/s", "ratio");
    let chosen = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let chosen: Vec<u32> = chosen.collect();
    let all = if chosen.is_empty() { vec![1, 8, 64] } else { chosen };
    for in_flight in all {
        let (mut bare, mut store) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let directory = tempfile::tempdir()?;
            bare.push(bare::steps_per_second(directory.path(), in_flight.into(), TIME).await?);
            store.push(store_steps_per_second(directory.path(), in_flight).await?);
        }
        let (bare, store) = (median(bare), median(store));
        println!("{in_flight:>9}  {bare:>14.0}  {store:>14.0}  {:>6.2}", store / bare);
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

struct Job {
    item: Append,
    answer: oneshot::Sender<Appended>,
}

async fn store_steps_per_second(directory: &Path, in_flight: u32) -> Result<f64, Box<dyn Error>> {
    let store = Sqlite::open(directory).await?;
    let epoch = store.acquire(candidate(), Takeover::No).await?.epoch;
    let checkpointing = tokio::spawn({
        let store = store.clone();
        async move { store.keep_checkpointed().await }
    });
    let (jobs, line) = mpsc::channel(1_024);
    let committer = tokio::spawn(commit(store.clone(), epoch, line));
    let begin = Instant::now();
    let runs: Vec<_> =
        (0..in_flight).map(|seed| tokio::spawn(drive(seed, jobs.clone(), begin + TIME))).collect();
    drop(jobs);
    let mut done = 0;
    for run in runs {
        done += run.await?;
    }
    let took = begin.elapsed();
    committer.await?;
    checkpointing.abort();
    store.close().await?;
    Ok(f64::from(done) / took.as_secs_f64())
}

async fn drive(seed: u32, jobs: mpsc::Sender<Job>, end: Instant) -> u32 {
    let run =
        RunId(uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(seed)));
    let mut n = 0;
    while Instant::now() < end {
        let (answer, written) = oneshot::channel();
        let item = item(run, n);
        if jobs.send(Job { item, answer }).await.is_err() {
            return n;
        }
        match written.await {
            Ok(Appended::Written { .. }) => n += 1,
            other => panic!("row {n} was not written: {other:?}"),
        }
    }
    n
}

async fn commit(store: Sqlite, epoch: Epoch, mut line: mpsc::Receiver<Job>) {
    let mut jobs = Vec::new();
    while line.recv_many(&mut jobs, 64).await > 0 {
        let (items, waiting): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|Job { item, answer }| (item, answer)).unzip();
        match store.append(epoch, items).await {
            Ok(answers) => {
                for (answer, caller) in answers.into_iter().zip(waiting) {
                    caller.send(answer).ok();
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn candidate() -> Candidate {
    let (pid_namespace, boot) = (String::new(), String::new());
    Candidate { process_id: 1, process_started: 1, pid_namespace, boot, now: Now::default() }
}

fn item(run: RunId, n: u32) -> Append {
    let plan = PlanHash("5f".repeat(32));
    let now = Now { elapsed: Elapsed(u64::from(n)), civil: Civil(1_700_000_000_000) };
    let events = match n {
        0 => vec![Event::RunStarted {
            number: 1,
            plan: plan.clone(),
            trigger: Trigger::Manual,
            actor: Actor { name: "bench".to_owned(), way: Way::CommandLine },
            ancestry: Vec::new(),
            parent: None,
        }],
        _ => vec![Event::StageProgressed {
            stage: "deploy".to_owned(),
            progress: Progress::Inline("x".repeat(120).into()),
        }],
    };
    let beginning = match n {
        0 => Beginning::Run {
            plan: plan.clone(),
            stored_plan: String::new(),
            files: Vec::new(),
            key: None,
            queue: Limit::Unlimited,
            admitted: None,
        },
        _ => Beginning::No,
    };
    let (inputs, blobs, summary) = (Vec::new(), Vec::new(), summary(run, plan, n));
    Append { run, n: n.into(), now, events, summary, inputs, blobs, beginning }
}

fn summary(run: RunId, plan: PlanHash, n: u32) -> Summary {
    Summary {
        run,
        number: 1,
        application: "checkout".to_owned(),
        pipeline: "release".to_owned(),
        plan,
        status: RunStatus::Running,
        started_at: Now::default(),
        ended_at: None,
        stages: Counts { all: 10, ended: n % 10, failed: 0 },
        waiting: None,
        wake: Wakes { elapsed: Some(Elapsed(u64::from(n) + 10)), civil: None },
    }
}
