//! How long it takes to ask whom one happening concerns, and what each says, among 18,000 triggers of
//! 9,000 pipelines: in 300 repositories, and all in one. Beside what a machine needs at least: one look
//! into a table and the comparing of one text for each trigger that is asked. And what asking each by
//! itself would take, and what the triggers cost to have.

use engine_core::{
    Registries,
    catalogue::{Activity, Answer, Catalogue, Entry, Outline, Standing, TriggerOutline},
    happening::{Change, ChangedPaths, Confirmation, Git, Happening, Image, Platforms},
    trigger::{IndexKey, Verdict},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

const REPOSITORIES: usize = 300;
const PIPELINES_EACH: usize = 30;
const ROUNDS: usize = 201;
/// Rounds in which each is asked by itself as well.
const EACH: usize = 20;
const LIMIT: Duration = Duration::from_millis(1);
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn main() {
    let started = (Instant::now(), resident_kilobytes());
    let spread = catalogue(|number| number / PIPELINES_EACH, own_folder);
    let (took, grown) = (started.0.elapsed(), resident_kilobytes().saturating_sub(started.1));
    let count: usize = spread.entries().map(|entry| entry.triggers.len()).sum();
    println!("{count} triggers compiled in {} ms, {} MB resident", took.as_millis(), grown / 1_024);
    println!(
        "{:<52} {:>6} {:>7} {:>8} {:>8} {:>9} {:>9}",
        "one event", "asked", "started", "reasons", "raw us", "asked us", "each us"
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
    let one = catalogue(|_| 7, own_folder);
    for (name, happening) in [
        ("push to the one repository of all 9,000", push("r7", 3)),
        ("push of 300 files to it", push("r7", 300)),
        ("push of 1,000 files to it", push("r7", 1_000)),
        ("push of 300 files that it leaves out", documents("r7", 300)),
        ("push to a branch of it that none asks for", branch("r7", "feature/x")),
    ] {
        slowest = slowest.max(told(name, &one, &happening));
    }
    let deep = catalogue(|_| 7, |number| format!("**/p{number}/**"));
    let name = "push of 300 files, where globs begin with `**`";
    slowest = slowest.max(told(name, &deep, &push("r7", 300)));
    println!("slowest: {slowest:?}, to be at most {LIMIT:?}");
    assert!(slowest <= LIMIT, "{slowest:?}");
}

fn own_folder(number: usize) -> String {
    format!("services/p{number}/**")
}

/// A pipeline has a trigger on pushes, and one of another kind.
fn catalogue(repository_of: impl Fn(usize) -> usize, own: impl Fn(usize) -> String) -> Catalogue {
    let registries = Registries { triggers: triggers::registry(), ..Registries::default() };
    let mut sources: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
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
        let paths = json!([own(number), "lib/**", "!**/*.md"]);
        let all = [("git", json!({"branches": branches, "paths": paths})), other];
        let all = (0..).zip(all).map(|(place, (kind, config))| trigger(place, kind, config));
        let outline = Arc::new(Outline {
            name: Some(format!("p{number}")),
            application: Some(format!("r{repository}")),
            triggers: all.map(Arc::new).collect(),
            ..Outline::default()
        });
        let (source, path) = (name_of(repository), format!(".gennaker/p{number}.yaml"));
        let known = format!("git.example.com/shop/r{repository}");
        let (what, lies) = ((outline, Standing::Good), (&source, path.as_str()));
        let entry = Entry::new(lies, what, &registries, Some(&known));
        assert_eq!(entry.triggers.len(), 2, "{path}");
        sources.entry(repository).or_default().push(entry);
    }
    let mut catalogue = Catalogue::default();
    for (repository, entries) in sources {
        catalogue.put(&name_of(repository), entries);
    }
    catalogue
}

fn name_of(repository: usize) -> Arc<str> {
    Arc::from(format!("shop/r{repository}"))
}

fn trigger(number: u32, kind: &str, config: Value) -> TriggerOutline {
    let (trigger_type, activity) = (kind.to_owned(), Activity::Enabled);
    TriggerOutline {
        trigger_type,
        number,
        activity,
        config,
        when: None,
        parameters: BTreeMap::new(),
    }
}

fn push(repository: &str, files: usize) -> Happening {
    let path = |number: usize| format!("services/p{}/src/module{number}.rs", 210 + number % 30);
    pushed(repository, "main", (0..files).map(path).collect())
}

/// Below the folders that all look at, and of the kind that all leave out.
fn documents(repository: &str, files: usize) -> Happening {
    pushed(repository, "main", (0..files).map(|number| format!("lib/{number}.md")).collect())
}

fn branch(repository: &str, branch: &str) -> Happening {
    pushed(repository, branch, vec!["lib/a.rs".to_owned()])
}

fn pushed(repository: &str, branch: &str, paths: Vec<String>) -> Happening {
    let (branch, after) = (branch.to_owned(), COMMIT.to_owned());
    Happening::Git(Git {
        repository: format!("git.example.com/shop/{repository}"),
        aliases: Vec::new(),
        change: Change::Push { branch, before: None, after },
        actor: None,
        author: None,
        message: Some("Mend the basket".to_owned()),
        paths: ChangedPaths::Those(paths),
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

/// What one asking has told.
#[derive(Clone, Copy, Default)]
struct Told {
    asked: usize,
    started: usize,
    reasons: usize,
}

/// As the engine asks: all that look at it, through what they have in common.
fn ask(catalogue: &Catalogue, happening: &Happening) -> Told {
    let keys = IndexKey::all_of(happening);
    let mut told = Told::default();
    for holding in catalogue.looking(&keys).into_values() {
        let sorted = holding.sorted(&keys, happening);
        for (entry, listening) in sorted.open.iter().filter_map(|place| holding.at(*place)) {
            let answer = black_box(listening.ask(happening, &entry.outline));
            told.started += usize::from(matches!(answer, Answer::Fires(_)));
        }
        let refused: usize = sorted.refused.iter().map(|(_, places)| places.len()).sum();
        told.asked += sorted.open.len() + refused;
        told.reasons += black_box(&sorted.refused).len();
    }
    told
}

/// One after another, as if they had nothing in common.
fn each(catalogue: &Catalogue, happening: &Happening) -> usize {
    let key = IndexKey::of(happening);
    let says = |verdict| usize::from(matches!(verdict, Verdict::Start(_)));
    catalogue.listening(&key).map(|(_, it)| says(black_box(it.matcher.accept(happening)))).sum()
}

/// Prints a line, and says how long the median asking took.
fn told(name: &str, catalogue: &Catalogue, happening: &Happening) -> Duration {
    let key = IndexKey::of(happening).to_string();
    let table: HashMap<String, usize> =
        catalogue.keys().map(|key| (key.to_string(), catalogue.listening(key).count())).collect();
    let (mut raw, mut whole, mut singly) = (Vec::new(), Vec::new(), Vec::new());
    let mut said = Told::default();
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let count = table.get(black_box(key.as_str())).copied().unwrap_or_default();
        for _ in 0..count {
            black_box(black_box(key.as_str()) == black_box("git:git.example.com/shop/other"));
        }
        raw.push(begun.elapsed());
        let begun = Instant::now();
        said = ask(catalogue, black_box(happening));
        whole.push(begun.elapsed());
        if round % EACH == 0 {
            let begun = Instant::now();
            assert_eq!(each(catalogue, black_box(happening)), said.started, "{name}");
            singly.push(begun.elapsed());
        }
    }
    let (raw, whole, singly) = (median(raw), median(whole), median(singly));
    let us = |time: Duration| time.as_secs_f64() * 1_000_000.0;
    let Told { asked, started, reasons } = said;
    println!(
        "{name:<52} {asked:>6} {started:>7} {reasons:>8} {:>8.2} {:>9.2} {:>9.2}",
        us(raw),
        us(whole),
        us(singly)
    );
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
