//! Fetches that are stopped in the middle, by us or with us.

use crate::bench::{Bench, all, branch, id, origin};
use artifacts::git::{Capacity, Git, Limits, Mirror};
use git_server::{Change, Manners};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const DIRECTORY: &str = "MIRROR_OF_A_TEST";
const URL: &str = "URL_OF_A_TEST";

/// Content that no compression makes smaller, so that it comes in many pieces.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..bytes).map(|_| next()).collect()
}

const SLOW: Manners = Manners::Slow { bytes: 4_096, pause: Duration::from_millis(20) };

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}: not within 20 s");
        sleep(Duration::from_millis(5)).await;
    }
}

fn is_receiving(directory: &Path) -> bool {
    let packs = std::fs::read_dir(directory.join("objects/pack")).unwrap();
    packs.flatten().any(|it| it.file_name().to_string_lossy().starts_with("tmp_pack_"))
}

/// Processes that work on a mirror.
pub(crate) fn identities(directory: &Path) -> Vec<u32> {
    let mark = format!("GENNAKER_MIRROR={}", directory.display());
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let ours = all.filter(|it| {
        let environment = std::fs::read(it.path().join("environ")).unwrap_or_default();
        environment.split(|it| *it == 0).any(|it| it == mark.as_bytes())
    });
    ours.filter_map(|it| it.file_name().to_str()?.parse().ok()).collect()
}

/// What they were started with.
pub(crate) fn processes(directory: &Path) -> Vec<String> {
    let line = |id: u32| std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let words = |line: Vec<u8>| String::from_utf8_lossy(&line).replace('\0', " ");
    identities(directory).into_iter().map(line).map(words).collect()
}

/// What the test below starts and kills: an engine that fetches.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test starts it, as a process of its own"]
async fn an_engine_that_fetches() {
    let directory = std::env::var(DIRECTORY).unwrap();
    let git = Git::find(Capacity::default()).await.unwrap();
    let settings = (origin(&std::env::var(URL).unwrap()), Limits::default());
    let mirror = Mirror::open(&git, Path::new(&directory), settings).await.unwrap();
    drop(mirror.fetch(&all()).await);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a process that is to be killed")]
async fn an_engine_that_is_killed_in_the_middle_of_a_fetch_leaves_a_mirror_that_can_be_used() {
    let bench = Bench::start().await;
    let first = bench.repository.commit("main", &[Change::File("a", b"1")]);
    drop(bench.open().await.fetch(&all()).await.unwrap());
    let second = bench.repository.commit("main", &[Change::File("a", &noise(1_000_000))]);
    bench.server.behave(SLOW);
    let directory = bench.directory();
    let mut engine = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "interrupted::an_engine_that_fetches"])
        .env(DIRECTORY, &directory)
        .env(URL, bench.server.url("shop/checkout"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("a pack comes", || is_receiving(&directory)).await;
    engine.kill().unwrap();
    engine.wait().unwrap();
    std::fs::write(directory.join("packed-refs.lock"), "").unwrap();
    std::fs::write(directory.join("refs/heads/main.lock"), "").unwrap();

    assert!(!processes(&directory).is_empty(), "git goes on without its engine");
    let mirror = bench.open().await;
    assert_eq!(processes(&directory), Vec::<String>::new(), "it was ended");
    assert!(!is_receiving(&directory));
    let commit = |refs: &artifacts::git::Refs| refs.get(&branch("main")).unwrap().commit.clone();
    assert_eq!(commit(&mirror.refs().await.unwrap()), id(&first), "what was there is in force");
    bench.server.behave(Manners::Honest);
    assert_eq!(commit(&mirror.fetch(&all()).await.unwrap().refs), id(&second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_is_dropped_or_too_slow_ends_with_all_that_it_started() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", &noise(1_000_000))]);
    bench.server.behave(SLOW);
    let directory = bench.directory();
    let limits = Limits { fetch_deadline: Duration::from_secs(1), ..Limits::default() };
    let mirror = bench.open_with(limits).await;
    {
        let wanted = all();
        let fetch = mirror.fetch(&wanted);
        tokio::select! {
            told = fetch => panic!("{told:?}"),
            () = until("a pack comes", || is_receiving(&directory)) => {}
        }
    }
    until("it has ended", || processes(&directory).is_empty()).await;
    // Had it been killed a moment later, it would have left these.
    std::fs::write(directory.join("packed-refs.lock"), "").unwrap();
    std::fs::write(directory.join("refs/heads/main.lock"), "").unwrap();
    bench.server.behave(Manners::Honest);
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);

    bench.repository.commit("main", &[Change::File("b", &noise(1_100_000))]);
    bench.server.behave(SLOW);
    let told = mirror.fetch(&all()).await.unwrap_err().to_string();
    assert_eq!(told, "git was stopped after 1 s; it was at `fetch`");
    until("it has ended", || processes(&directory).is_empty()).await;
    assert!(!is_receiving(&directory));
    bench.server.behave(Manners::Honest);
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_is_no_repository_is_made_anew() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    let mirror = bench.open().await;
    mirror.fetch(&all()).await.unwrap();
    drop(mirror);
    std::fs::remove_file(bench.directory().join("HEAD")).unwrap();
    let mirror = bench.open().await;
    assert!(mirror.refs().await.unwrap().is_empty());
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    drop(mirror);
    artifacts::git::discard(&bench.directory()).unwrap();
    assert!(!bench.directory().exists());
}
