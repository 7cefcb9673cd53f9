//! How long it takes to ask whom one happening concerns, among 18,000 triggers of 9,000 pipelines in
//! 300 repositories, beside what a machine needs at least: one look into a table and the comparing of
//! one text for each trigger that is asked. And what the triggers cost to have.
#![expect(clippy::expect_used, reason = "a bench ends at its first surprise")]

use engine_core::{
    happening::{Change, ChangedPaths, Confirmation, Git, Happening, Image, Platforms},
    trigger::{AnyMatcher, Home, IndexKey, Verdict},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

const REPOSITORIES: usize = 300;
const PIPELINES_EACH: usize = 30;
const ROUNDS: usize = 201;
const LIMIT: Duration = Duration::from_millis(1);
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

type Index = HashMap<IndexKey, Vec<Box<dyn AnyMatcher>>>;

fn main() {
    let started = (Instant::now(), resident_kilobytes());
    let spread = index(|number| number / PIPELINES_EACH);
    let (took, grown) = (started.0.elapsed(), resident_kilobytes().saturating_sub(started.1));
    let count: usize = spread.values().map(Vec::len).sum();
    println!("{count} triggers compiled in {} ms, {} MB resident", took.as_millis(), grown / 1_024);
    println!(
        "{:<44} {:>7} {:>8} {:>10} {:>10}",
        "one event", "asked", "started", "raw us", "asked us"
    );
    let mut slowest = Duration::ZERO;
    for (name, happening) in [
        ("push to one of 300 repositories", push("r7", 3)),
        ("push of 300 files to one of 300 repositories", push("r7", 300)),
        ("image of one of 9,000 repositories", image("r7/p211")),
        ("push to a repository that nobody knows", push("nowhere", 3)),
    ] {
        slowest = slowest.max(told(name, &spread, &happening));
    }
    println!("slowest: {slowest:?}, to be at most {LIMIT:?}");
    let one = index(|_| 7);
    told("push to the one repository of all 9,000", &one, &push("r7", 3));
    assert!(slowest <= LIMIT, "{slowest:?}");
}

/// A pipeline has a trigger on pushes, and one of another kind.
fn index(repository_of: impl Fn(usize) -> usize) -> Index {
    let mut index = Index::new();
    let registry = triggers::registry();
    for number in 0..REPOSITORIES * PIPELINES_EACH {
        let repository = repository_of(number);
        let other = match number % 3 {
            0 => ("cron", json!({"schedule": "30 2 * * 1-5", "timezone": "Europe/Berlin"})),
            1 => {
                let place = format!("registry.example.com/r{repository}/p{number}");
                ("image", json!({"repository": place, "tags": {"semver": ">=1"}}))
            }
            _ => ("pipeline", json!({"name": format!("p{}", number + 1)})),
        };
        let branches = json!(["main", "release/**"]);
        let paths = json!([format!("services/p{number}/**"), "lib/**", "!**/*.md"]);
        let all = [("git", json!({"branches": branches, "paths": paths})), other];
        for (place, (kind, config)) in (0..).zip(all) {
            let home = Home {
                application: format!("r{repository}"),
                pipeline: format!("p{number}"),
                trigger: place,
                repository: Some(format!("git.example.com/shop/r{repository}")),
            };
            add(&mut index, compiled(&registry, (kind, &config), &home));
        }
    }
    index
}

fn compiled(
    registry: &engine_core::Registry<dyn engine_core::trigger::AnyTrigger>,
    (kind, config): (&str, &Value),
    home: &Home,
) -> Box<dyn AnyMatcher> {
    let compiled = registry.get(kind).expect("it is registered").compile(config, home);
    compiled.unwrap_or_else(|faults| panic!("{kind} {config}: {faults:?}"))
}

/// No trigger of this bench has more than one key.
fn add(index: &mut Index, matcher: Box<dyn AnyMatcher>) {
    let key = matcher.keys().into_iter().next().expect("it looks at something");
    index.entry(key).or_default().push(matcher);
}

fn push(repository: &str, files: usize) -> Happening {
    let path = |number: usize| format!("services/p{}/src/module{number}.rs", 210 + number % 30);
    Happening::Git(Git {
        repository: format!("git.example.com/shop/{repository}"),
        aliases: Vec::new(),
        change: Change::Push { branch: "main".to_owned(), before: None, after: COMMIT.to_owned() },
        actor: None,
        author: None,
        message: Some("Mend the basket".to_owned()),
        paths: ChangedPaths::Those((0..files).map(path).collect()),
    })
}

fn image(path: &str) -> Happening {
    Happening::Image(Image {
        repository: format!("registry.example.com/{path}"),
        tag: Some("1.4.2".to_owned()),
        digest: Some(format!("sha256:{}", "a".repeat(64))),
        platforms: Platforms::Those(vec!["linux/amd64".to_owned()]),
        confirmation: Confirmation::Yes,
    })
}

/// Prints a line, and says how long the median asking took.
fn told(name: &str, index: &Index, happening: &Happening) -> Duration {
    let key = IndexKey::of(happening).to_string();
    let table: HashMap<String, usize> =
        index.iter().map(|(key, all)| (key.to_string(), all.len())).collect();
    let mut raw = Vec::new();
    let mut whole = Vec::new();
    let (mut asked, mut started) = (0, 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let count = table.get(black_box(key.as_str())).copied().unwrap_or_default();
        for _ in 0..count {
            black_box(black_box(key.as_str()) == black_box("git:git.example.com/shop/other"));
        }
        raw.push(begun.elapsed());
        let begun = Instant::now();
        let found = index.get(&IndexKey::of(black_box(happening))).map_or(&[][..], Vec::as_slice);
        asked = found.len();
        started =
            found.iter().filter(|it| matches!(it.accept(happening), Verdict::Start(_))).count();
        whole.push(begun.elapsed());
    }
    let (raw, whole) = (median(raw), median(whole));
    let microseconds = |time: Duration| time.as_secs_f64() * 1_000_000.0;
    let (raw, shown) = (microseconds(raw), microseconds(whole));
    println!("{name:<44} {asked:>7} {started:>8} {raw:>10.2} {shown:>10.2}");
    whole
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn resident_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
