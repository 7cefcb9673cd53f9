//! The engine is killed at random moments while it deploys; the audit log says what was done twice.

use crate::cluster::{Audit, Room, is_write, web};
use engine_core::{
    event::Event,
    store::{FeedRow, Page},
};
use engine_runtime::sqlite::Sqlite;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    time::Duration,
};

const SIX: &str = "version: 1
name: six
application: web
stages:
  first: {environment: ENV, timeout: 60s, deploy: {manifests: [first/], component: first}}
  ready: {needs: [first], environment: ENV, timeout: 60s, waitForReady: {}}
  pause: {needs: [ready], wait: {duration: 1s}}
  second: {needs: [pause], environment: ENV, timeout: 60s, deploy: {manifests: [second/], component: second}}
  again: {needs: [second], environment: ENV, timeout: 60s, waitForReady: {}}
  end: {needs: [again], wait: {until: \"2026-01-01T00:00:00Z\"}}
";

/// ConfigMaps beside a Deployment and its two companions, in each of the two sets.
const MAPS: usize = 12;
const OBJECTS: usize = MAPS + 3;

/// Where the engine was when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    BeforeRecord,
    Recorded,
    MidApply,
    Waiting,
    BetweenStages,
}

/// What the program must have said, one line after the other, before the kill, and up to how many
/// microseconds after it to kill. `STAGE` is one of the two deploys.
const AIMS: [(&[&str], u64); 5] = [
    (&["STAGE: running"], 45_000),
    (&["STAGE: applying"], 2_000),
    (&["STAGE: applying"], 60_000),
    (&["STAGE: applying", "STAGE: "], 250_000),
    (&["pause: running"], 900_000),
];

#[test]
fn a_killed_engine_is_recovered_and_repeats_at_most_the_request_that_was_in_flight() {
    let wanted: usize = std::env::var("GENNAKER_KILLS").map_or(20, |kills| kills.parse().unwrap());
    let mut chance = Chance::new();
    let mut kills: BTreeMap<Phase, usize> = BTreeMap::new();
    let (mut total, mut repeated) = (0, 0);
    // Each phase is met some times; the aim at it misses now and then.
    while total < wanted || kills.len() < AIMS.len() || kills.values().any(|met| *met < wanted / 20)
    {
        assert!(total < 5 * wanted, "some phase is never met: {kills:?}");
        let (phase, again) = kill(&mut chance, total);
        *kills.entry(phase).or_default() += 1;
        repeated += again;
        total += 1;
    }
    println!("seed {}: {total} kills {kills:?}; {repeated} requests sent twice", chance.seed);
}

/// Kills one run, recovers it, and answers where it was and how many writes were sent twice.
fn kill(chance: &mut Chance, round: usize) -> (Phase, usize) {
    let room = Room::new("kill");
    let file = room.write("six.yaml", SIX);
    for component in ["first", "second"] {
        let map = |index| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {component}-{index}}}\n---\n"
            )
        };
        let deployment = web("fate.test/ready:250ms", 1).replace("web", component);
        room.write(&format!("{component}/maps.yaml"), &(0..MAPS).map(map).collect::<String>());
        room.write(&format!("{component}/web.yaml"), &deployment);
    }
    let audit = Audit::open();
    let (marks, within) = AIMS[round % AIMS.len()];
    let stage = ["first", "second"][usize::from(chance.below(2) == 0)];
    let marks: Vec<String> = marks.iter().map(|mark| mark.replace("STAGE", stage)).collect();
    kill_after(&room, &file, (&marks, Duration::from_micros(chance.below(within))));
    let phase = phase(&room, &audit);
    let recovered = room.gennaker(&["recover", "--watch"]);
    assert_eq!(recovered.code, Some(0), "{phase:?}: {}", recovered.stderr);
    let run = room.latest();
    assert_eq!(run["status"], "succeeded", "{phase:?}: {run}");
    for stage in ["first", "second"] {
        assert_eq!(recorded(&room.state(), stage), 1, "{stage}, {phase:?}");
    }
    (phase, repeated(&audit.of(&room.environment), phase))
}

/// Starts a run and kills the engine some time after it has said all `marks`.
fn kill_after(room: &Room, file: &str, (marks, delay): (&[String], Duration)) {
    let mut child = room
        .command(&["run", file, "--watch"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    for mark in marks {
        let said = lines.by_ref().map_while(Result::ok).any(|line| line.contains(mark));
        assert!(said, "the run never said `{mark}`");
    }
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn phase(room: &Room, audit: &Audit) -> Phase {
    let run = room.latest();
    let is_running = |stage: &&str| {
        run["stages"][*stage]["status"] == "running" || run["stages"][*stage]["status"] == "waiting"
    };
    let Some(stage) = ["first", "second"].into_iter().find(is_running) else {
        return Phase::BetweenStages;
    };
    if recorded(&room.state(), stage) == 0 {
        return Phase::BeforeRecord;
    }
    match writes(&audit.of(&room.environment)).iter().filter(|write| write.stage == stage).count() {
        0 => Phase::Recorded,
        OBJECTS => Phase::Waiting,
        _ => Phase::MidApply,
    }
}

/// How many revisions a stage has recorded.
fn recorded(state: &Path, stage: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(async {
        let store = Sqlite::open_for_reading(state).await.unwrap();
        match engine_core::store::LogReader::after(&store, Default::default(), 10_000)
            .await
            .unwrap()
        {
            Page::Rows(rows) => rows,
            Page::Reset { .. } => panic!("nothing was ever removed from this log"),
        }
    });
    let rows: Vec<_> = rows.into_iter().filter_map(FeedRow::of_run).collect();
    let events = rows.iter().flat_map(|row| &row.events);
    let of_stage =
        |event: &&Event| matches!(event, Event::RevisionRecorded { stage: by, .. } if by == stage);
    events.filter(of_stage).count()
}

/// One applied object.
struct Write<'a> {
    object: (&'a str, &'a str),
    stage: &'a str,
    request: &'a Value,
}

/// What was applied with our marks, in order. Only what was refused surely changed nothing: of
/// a request whose sender died the log may say anything.
fn writes(requests: &[Value]) -> Vec<Write<'_>> {
    let applied = requests.iter().filter(|request| {
        // The namespace is created, everything else is patched.
        let is_refused = request["responseStatus"]["code"] == 409;
        request["verb"] == "patch" && is_write(request) && !is_refused
    });
    let marked = applied.filter_map(|request| {
        let annotations = &request["requestObject"]["metadata"]["annotations"];
        let text = |value: &'_ Value| value.as_str().map(str::to_owned);
        text(&annotations["gennaker.dev/run"])?;
        let reference = &request["objectRef"];
        let object = (reference["resource"].as_str()?, reference["name"].as_str()?);
        Some(Write { object, stage: annotations["gennaker.dev/stage"].as_str()?, request })
    });
    marked.collect()
}

/// Holds what was written to the promise, and answers how many requests were sent twice.
fn repeated(requests: &[Value], phase: Phase) -> usize {
    let mut sent: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for write in writes(requests) {
        sent.entry(write.object).or_default().push(write.request);
        assert!(
            is_read_before(requests, &write),
            "{:?} was written unread, {phase:?}",
            write.object
        );
    }
    assert_eq!(sent.len(), 2 * OBJECTS, "{:?}", sent.keys());
    let twice: Vec<&Vec<&Value>> = sent.values().filter(|requests| requests.len() > 1).collect();
    assert!(twice.len() <= 1, "{phase:?}: {} objects were written twice", twice.len());
    for requests in &twice {
        assert_eq!(requests.len(), 2, "{phase:?}");
        assert_eq!(body(requests[0]), body(requests[1]), "{phase:?}");
    }
    twice.len()
}

/// Whether the object was looked at between its last write and this one.
fn is_read_before(requests: &[Value], write: &Write<'_>) -> bool {
    let is_same = |request: &&Value| {
        let reference = &request["objectRef"];
        reference["resource"] == write.object.0 && reference["name"] == write.object.1
    };
    let at = requests.iter().position(|request| std::ptr::eq(request, write.request));
    let before = requests[..at.unwrap()].iter().rev().filter(is_same);
    let mut since = before.take_while(|request| !is_write(request));
    since.any(|request| request["verb"] == "get")
}

/// What was applied, without what says when: the version that was read, and the engine's epoch.
fn body(request: &Value) -> Value {
    let mut body = request["requestObject"].clone();
    let metadata = body["metadata"].as_object_mut().unwrap();
    metadata.remove("resourceVersion");
    metadata.remove("uid");
    metadata["annotations"].as_object_mut().unwrap().remove("gennaker.dev/epoch");
    body
}

/// Random moments; the seed tells them apart, but the machine decides what they hit.
struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    fn new() -> Chance {
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        Chance { seed, state: seed }
    }

    /// Knuth's linear congruential generator (MMIX), its high bits.
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % limit
    }
}
