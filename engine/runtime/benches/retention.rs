//! How long an append takes while 100,000 old runs are taken away beside it, and while nothing is.

use engine_core::{
    admission::Limit,
    clock::{Civil, Elapsed, Now},
    event::{Actor, Event, Progress, Trigger, Way},
    id::{BlobName, Epoch, PlanHash, RunId},
    status::RunStatus,
    store::{
        Append, Appended, Beginning, Blob, Candidate, Counts, Store, Summary, Takeover, Wakes,
    },
};
use engine_runtime::{clock::SystemClock, retention::Pass, sqlite::Sqlite};
use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const RUNS: u32 = 100_000;
/// Rows of each run beside its first and its last one.
const ROWS: u64 = 6;
const BATCH: u32 = 500;
const QUIET: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);
const KEPT_MS: u64 = 86_400_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let runs = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(RUNS);
    let directory = tempfile::tempdir()?;
    let store = Sqlite::open(directory.path()).await?;
    let epoch = store.acquire(candidate(), Takeover::No).await?.epoch;
    let checkpointing = tokio::spawn({
        let store = store.clone();
        async move { store.keep_checkpointed().await }
    });
    fill(&store, epoch, runs).await?;
    let before = bytes(directory.path())?;
    let (mut beside, mut n) = (Vec::new(), 0);
    let begun = Instant::now();
    while begun.elapsed() < QUIET {
        beside.push(append(&store, epoch, &mut n).await?);
    }
    tell("nothing else", beside);
    let (clock, mut beside) = (SystemClock::after(None), Vec::new());
    let begun = Instant::now();
    let pass = Pass { store: &store, clock: &clock, epoch };
    let mut pass = std::pin::pin!(pass.over(KEPT_MS));
    let gone = loop {
        tokio::select! {
            gone = &mut pass => break gone?,
            took = append(&store, epoch, &mut n) => beside.push(took?),
        }
    };
    let took = begun.elapsed();
    tell("a pass beside it", beside);
    println!("{gone} of {runs} runs went in {took:.1?}");
    checkpointing.abort();
    store.close().await?;
    println!("the file: {} MiB before, {} MiB after", before >> 20, bytes(directory.path())? >> 20);
    Ok(())
}

fn bytes(directory: &Path) -> Outcome<u64> {
    Ok(std::fs::metadata(directory.join(engine_runtime::sqlite::FILE_NAME))?.len())
}

fn tell(name: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1_000.0;
    println!(
        "an append, {name:>16}: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        took.len()
    );
}

/// Rows of the one run that goes on.
async fn append(store: &Sqlite, epoch: Epoch, n: &mut u64) -> Outcome<Duration> {
    let begun = Instant::now();
    let item = item(RunId(uuid::Uuid::max()), *n, RunStatus::Running);
    written(store.append(epoch, vec![item]).await?);
    *n += 1;
    let took = begun.elapsed();
    tokio::time::sleep(PAUSE).await;
    Ok(took)
}

async fn fill(store: &Sqlite, epoch: Epoch, runs: u32) -> Outcome<()> {
    for first in (0..runs).step_by(BATCH as usize) {
        for n in 0..ROWS + 2 {
            let status = if n == ROWS + 1 { RunStatus::Succeeded } else { RunStatus::Running };
            let all = first..(first + BATCH).min(runs);
            let items = all.map(|run| item(RunId(uuid::Uuid::from_u128(run.into())), n, status));
            written(store.append(epoch, items.collect()).await?);
        }
    }
    Ok(())
}

fn written(answers: Vec<Appended>) {
    assert!(answers.iter().all(|answer| matches!(answer, Appended::Written { .. })), "{answers:?}");
}

fn candidate() -> Candidate {
    let (pid_namespace, boot) = (String::new(), String::new());
    Candidate { process_id: 1, process_started: 1, pid_namespace, boot, now: Now::default() }
}

/// Each run has a plan of 2 KiB and a file of 1 KiB of its own.
fn item(run: RunId, n: u64, status: RunStatus) -> Append {
    let plan = PlanHash(run.0.simple().to_string().repeat(2));
    let file = Blob { name: BlobName(plan.0.clone()), sealed: vec![7; 1_024] };
    let now = Now { elapsed: Elapsed(n), civil: Civil(1_700_000_000_000) };
    let started = Event::RunStarted {
        number: 1,
        plan: plan.clone(),
        trigger: Trigger::Manual,
        actor: Actor { name: "bench".to_owned(), way: Way::CommandLine },
        ancestry: Vec::new(),
        parent: None,
    };
    let progress = Progress::Inline("x".repeat(300).into());
    let events = match (n, status) {
        (0, _) => vec![started],
        (_, RunStatus::Succeeded) => vec![Event::RunEnded { status, warnings: 0 }],
        _ => vec![Event::StageProgressed { stage: "deploy".to_owned(), progress }],
    };
    let beginning = if n == 0 { beginning(run, &plan, &file) } else { Beginning::No };
    let summary = Summary {
        run,
        number: 1,
        application: "checkout".to_owned(),
        pipeline: "release".to_owned(),
        plan,
        status,
        started_at: now,
        ended_at: status.has_ended().then_some(now),
        stages: Counts { all: 10, ended: 1, failed: 0 },
        waiting: None,
        wake: Wakes { elapsed: None, civil: None },
    };
    let blobs = if n == 0 { vec![file] } else { Vec::new() };
    Append { run, n, now, events, summary, inputs: Vec::new(), blobs, beginning }
}

fn beginning(run: RunId, plan: &PlanHash, file: &Blob) -> Beginning {
    Beginning::Run {
        plan: plan.clone(),
        stored_plan: "x".repeat(2_048),
        files: vec![file.name.clone()],
        key: Some(run.to_string()),
        queue: Limit::Unlimited,
        admitted: None,
    }
}
