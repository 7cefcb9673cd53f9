//! Thousands of deliveries, many of them twice, in any order, while the engine is killed again and
//! again: each that was acknowledged has started one run, and none has started two.
//!
//! `GENNAKER_DELIVERIES` and `GENNAKER_KILLS_OF_INBOX` ask for more.

use crate::{
    program::{Talking, gennaker, pipeline},
    wire::{exchange, post},
};
use engine_core::{
    delivery::{DeliveryFilter, State},
    store::{InboxReader, LogReader, RunFilter},
};
use engine_runtime::sqlite::Sqlite;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpStream,
    path::Path,
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const HOOK: &str = "version: 1
name: storm
concurrency: {limit: 1000, strategy: queue}
parameters: {id: {type: string, required: true}}
triggers:
  - webhook: {name: built, verify: {scheme: bearer, secrets: [STORM_HOOK]}}
    parameters: {id: \"${{ trigger.payload.id }}\"}
stages:
  note: {setVariables: {id: \"${{ parameters.id }}\"}}
";
const SENDERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(300);

fn asked(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// The engine of a folder, at a port that stays.
fn serve(folder: &Path, port: u16) -> Talking {
    let arguments = ["serve", "--listen", &format!("127.0.0.1:{port}")];
    let mut command = gennaker(&folder.join("state"), &arguments);
    command.current_dir(folder).env("GENNAKER_SECRET_STORM_HOOK", "only both sides know");
    let mut engine = Talking::start(command.stdout(Stdio::null()).env_remove("KUBECONFIG"));
    engine.until("listening on");
    engine
}

/// The status, or 0 if nobody answered.
fn send(port: u16, id: usize) -> u16 {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return 0 };
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let headers = format!(
        "host: 127.0.0.1:{port}\r\nauthorization: Bearer only both sides know\r\n\
         webhook-id: delivery-{id}\r\n"
    );
    let body = format!("{{\"id\": \"{id}\"}}");
    exchange(stream, post("/hooks/storm/built", &headers, &body).as_bytes()).status
}

/// Knuth's linear congruential generator (MMIX), its high bits.
fn below(state: &mut u64, limit: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % limit
}

fn shuffled(deliveries: usize, seed: u64) -> Vec<usize> {
    let distinct = deliveries * 7 / 10;
    let mut state = seed;
    let mut all: Vec<usize> = (0..distinct).collect();
    all.extend((distinct..deliveries).map(|_| below(&mut state, distinct)));
    for at in (1..all.len()).rev() {
        all.swap(at, below(&mut state, at + 1));
    }
    all
}

#[test]
fn each_delivery_that_was_acknowledged_starts_one_run_however_often_the_engine_dies() {
    let deliveries = asked("GENNAKER_DELIVERIES", 600);
    let kills = asked("GENNAKER_KILLS_OF_INBOX", 4);
    let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u8);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".gennaker")).unwrap();
    pipeline(folder.path(), ".gennaker/storm.yaml", HOOK);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut engine = serve(folder.path(), port);
    let (all, next) = (shuffled(deliveries, seed), AtomicUsize::new(0));
    let acknowledged = Mutex::new(BTreeSet::new());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while let Some(id) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // As senders do: again until it is taken, or given up.
                    let mut status = 0;
                    while !(200..300).contains(&status) {
                        assert!(began.elapsed() < PATIENCE, "seed {seed}: {status}");
                        status = send(port, *id);
                        assert!([0, 200, 202, 429, 503].contains(&status), "{status}");
                        if [0, 429, 503].contains(&status) {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                    acknowledged.lock().unwrap().insert(id.to_string());
                }
            });
        }
        for kill in 1..=kills {
            let mark = deliveries * kill / (kills + 1);
            while next.load(Ordering::Relaxed) < mark {
                std::thread::sleep(Duration::from_millis(1));
            }
            engine.child.kill().unwrap();
            engine.child.wait().unwrap();
            engine = serve(folder.path(), port);
        }
    });
    let sent = began.elapsed();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert_eq!(acknowledged.len(), deliveries * 7 / 10);
    let runs = settled(&folder.path().join("state"), acknowledged.len());
    println!(
        "seed {seed}: {deliveries} deliveries, {kills} kills: sent in {sent:?}, decided in {:?}",
        began.elapsed()
    );
    let once: BTreeMap<String, usize> = acknowledged.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(runs, once, "seed {seed}");
}

/// The runs of each id, once no delivery is pending.
fn settled(state: &Path, wanted: usize) -> BTreeMap<String, usize> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Sqlite::open_for_reading(state).await.unwrap();
        let began = Instant::now();
        loop {
            let all = store.deliveries(DeliveryFilter::default()).await.unwrap();
            let pending = all.iter().filter(|it| matches!(it.state, State::Pending { .. })).count();
            if pending == 0 && all.len() == wanted {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{pending} of {} are pending", all.len());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let mut runs = BTreeMap::new();
        for run in store.runs(RunFilter::default()).await.unwrap() {
            let plan = store.plan(&run.plan).await.unwrap().unwrap();
            let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
            let id = plan["parameters"]["id"].as_str().unwrap().to_owned();
            *runs.entry(id).or_default() += 1;
        }
        runs
    })
}
