//! Input that is made to hurt, against the program itself: whatever comes in by a file, by the
//! command line or by the API is answered, at little cost.
//!
//! What is asserted: of each input, beside an ordinary one of its kind, the time on a processor and
//! the largest resident set, as the kernel counts them. Time on a processor and not on the clock,
//! because other work on the machine adds little to it; the best of three tries, because it still
//! adds something. The bounds are 250 ms and 64 MiB for a program that was built to be used
//! (`GENNAKER_TEST_PROFILE=release`). One that was built without optimization
//! needs some twenty times the time (and is given forty), so there the bound of time finds only what grows out of all
//! proportion.
#![expect(clippy::too_many_lines, reason = "tables of inputs")]

mod expressions;
mod manifests;
mod parameters;
mod platform;
mod requests;
mod spread;
mod yaml;

use crate::program::{PROFILE, PROGRAM};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const TIME: Duration = Duration::from_millis(250);
/// How much longer a program may take that was built without optimization: it takes up to 25 times
/// as long.
const UNOPTIMIZED: u32 = 40;
const MEMORY_KIB: u64 = 64 * 1024;
/// After this long a process hangs.
const HANGS: Duration = Duration::from_secs(60);
const TRIES: usize = 3;
/// One tick of the kernel's clock of processes, as `/proc` shows it.
const TICK: Duration = Duration::from_millis(10);

pub(crate) const GOOD: &str = "version: 1\nname: good\nstages: {a: {wait: {duration: 1s}}}\n";

/// What is to become of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Whatever it says, it is answered.
    Answered,
    Refused,
    /// Large, and nothing is wrong with it.
    Accepted,
}

/// One input: what it is called, and what is done with it.
struct Bomb {
    name: String,
    command: Vec<String>,
    text: Vec<u8>,
    arguments: Vec<String>,
    /// What lies beside it.
    files: Vec<(String, Vec<u8>)>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    processor: Duration,
    peak_kib: u64,
}

impl Cost {
    fn beside(self, base: Cost) -> Cost {
        Cost {
            processor: self.processor.saturating_sub(base.processor),
            peak_kib: self.peak_kib.saturating_sub(base.peak_kib),
        }
    }

    fn is_bounded(self) -> bool {
        let time = if *PROFILE == "dev" { TIME * UNOPTIMIZED } else { TIME };
        self.processor <= time && self.peak_kib <= MEMORY_KIB
    }
}

impl Bomb {
    fn file(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Bomb {
        Bomb {
            name: name.into(),
            command: vec!["plan".to_owned()],
            text: text.into(),
            arguments: Vec::new(),
            files: Vec::new(),
            fate: Fate::Answered,
        }
    }

    fn refused(self) -> Bomb {
        Bomb { fate: Fate::Refused, ..self }
    }

    fn accepted(self) -> Bomb {
        Bomb { fate: Fate::Accepted, ..self }
    }

    fn command(self, words: &[&str]) -> Bomb {
        Bomb { command: words.iter().map(|word| (*word).to_owned()).collect(), ..self }
    }

    fn given(mut self, parameters: &[String]) -> Bomb {
        let words = parameters.iter().flat_map(|it| ["-p".to_owned(), it.clone()]);
        self.arguments.extend(words);
        self
    }

    fn beside(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Bomb {
        self.files.push((path.into(), content.into()));
        self
    }

    /// Lets the whole program have it.
    fn cost(&self, folder: &Path) -> Cost {
        let path = folder.join("bomb.yaml");
        fs::write(&path, &self.text).unwrap();
        let output = || fs::File::create(folder.join("output")).unwrap();
        let mut command = Command::new(&*PROGRAM);
        command.arg("--state").arg(folder.join("state")).args(&self.command).arg("bomb.yaml");
        command.args(&self.arguments).env("NO_COLOR", "1").env_remove("KUBECONFIG");
        command.env("HOME", folder).current_dir(folder);
        command.stdin(Stdio::null()).stdout(output()).stderr(output());
        let child = command.spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let cost = watched(&mut child, &self.name);
        let code = child.wait().unwrap().code();
        let said = || fs::read_to_string(folder.join("output")).unwrap_or_default();
        let said = || said().chars().take(400).collect::<String>();
        match self.fate {
            Fate::Answered => assert!(matches!(code, Some(0..=3)), "{}: {code:?}", self.name),
            Fate::Refused => {
                assert!(matches!(code, Some(1..=3)), "{}: {code:?} {}", self.name, said());
            }
            Fate::Accepted => assert_eq!(code, Some(0), "{}: {}", self.name, said()),
        }
        cost
    }
}

/// What a process costs until it has ended. Dead and not yet waited for, it can still be asked.
fn watched(child: &mut Child, name: &str) -> Cost {
    let (mut peak_kib, started) = (0, Instant::now());
    loop {
        peak_kib = peak_kib.max(memory_kib(child.id(), "VmHWM:"));
        let (state, processor) = processor(child.id());
        if state == 'Z' {
            return Cost { processor, peak_kib };
        }
        if started.elapsed() > HANGS {
            drop(child.kill());
            drop(child.wait());
            panic!("{name} has no answer after {HANGS:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The state of a process, and the time that all its threads were on a processor.
fn processor(process: u32) -> (char, Duration) {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name of the program, in brackets, may hold anything.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let ticks: u32 = [11, 12].iter().map(|at| words[*at].parse::<u32>().unwrap()).sum();
    (words[0].chars().next().unwrap(), TICK * ticks)
}

/// A line of what the kernel tells of a process's memory.
pub(crate) fn memory_kib(process: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let found = status.lines().find_map(|it| it.strip_prefix(line));
    found.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The best of some tries, the first that is good enough.
fn best(mut cost: impl FnMut() -> Cost) -> Cost {
    let mut best: Option<Cost> = None;
    for _ in 0..TRIES {
        let cost = cost();
        best = Some(best.filter(|best| best.processor <= cost.processor).unwrap_or(cost));
        if best.is_some_and(Cost::is_bounded) {
            break;
        }
    }
    best.unwrap()
}

/// What was measured, the worst of it printed, and all that was too much.
#[derive(Default)]
struct Judge {
    inputs: usize,
    slowest: (Duration, String),
    largest: (u64, String),
    excessive: Vec<String>,
}

impl Judge {
    fn add(&mut self, name: &str, cost: Cost) {
        self.inputs += 1;
        self.slowest = self.slowest.clone().max((cost.processor, name.to_owned()));
        self.largest = self.largest.clone().max((cost.peak_kib, name.to_owned()));
        if !cost.is_bounded() {
            self.excessive.push(format!("{name}: {cost:?}"));
        }
    }

    fn end(self, kind: &str, least: usize) {
        let Judge { inputs, slowest: (time, slow), largest: (kib, large), excessive } = self;
        println!("{kind}: {inputs} inputs; slowest {time:?} ({slow}); largest {kib} KiB ({large})");
        assert!(inputs >= least, "{kind}: inputs are gone, {least} should be there");
        assert!(excessive.is_empty(), "{kind}: {excessive:#?}");
    }
}

/// Every input, one after the other, each in a process of its own.
fn judge(kind: &str, least: usize, bombs: &[Bomb]) {
    let good = tempfile::tempdir().unwrap();
    let ordinary = Bomb::file("an ordinary one", GOOD).accepted();
    let base = (0..5).map(|_| ordinary.cost(good.path())).min_by_key(|it| it.processor).unwrap();
    let mut judge = Judge::default();
    for bomb in bombs {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in &bomb.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        judge.add(&bomb.name, best(|| bomb.cost(folder.path()).beside(base)));
    }
    judge.end(kind, least);
}

/// A pipeline of so many stages.
fn stages(count: usize, body: impl Fn(usize) -> String) -> String {
    let stages: String = (0..count).map(|n| format!("  s{n}: {}\n", body(n))).collect();
    format!("version: 1\nname: many\nstages:\n{stages}")
}

/// A list in one line.
fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

const WAIT: &str = "wait: {duration: 1s}";
