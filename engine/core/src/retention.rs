//! What is kept however old it is. All of it is decided here; stores only take away what they are told.

use crate::{
    clock::Civil,
    event::{Event, Trigger},
    id::{Position, RunId},
    revision::{Proof, Revision},
    status::RunStatus,
    store::Summary,
};
use std::collections::{BTreeMap, BTreeSet};

/// So many revisions of a target are kept, the newest, with the runs that recorded them.
pub const REVISIONS: usize = 10;
/// So many earlier runs tell how long stages take.
pub const EARLIER: usize = 10;
/// For so long, in days, a request that is repeated is known again, whatever became of its run.
pub const REQUEST_DAYS: u32 = 30;

/// A run that has ended long ago, as far as it matters for its being kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged {
    pub run: RunId,
    pub ended_at: Civil,
    /// Of its newest row.
    pub last: Position,
    /// The run that started it by one of its stages.
    pub parent: Option<RunId>,
}

impl Aged {
    /// `first` are the events of its first row.
    pub fn of((run, ended_at): (RunId, Civil), last: Position, first: &[Event]) -> Aged {
        let parent = first.iter().find_map(|event| {
            let Event::RunStarted { parent, .. } = event else { return None };
            Some(parent.as_ref()?.run)
        });
        Aged { run, ended_at, last, parent }
    }
}

/// How far back things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub ended_before: Civil,
    /// What every feed has read.
    pub passed: Position,
    /// The newest row of all: the engine's time goes on from it.
    pub head: Position,
}

/// What a run that has ended has to do with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    None,
    /// Something that is kept names it.
    Named,
    /// The run that started it is still there.
    Child,
}

/// Whether a run may be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Goes,
    Stays,
}

impl Terms {
    pub fn judge(&self, aged: &Aged, ties: Ties) -> Verdict {
        let is_old = aged.ended_at < self.ended_before;
        let is_read = aged.last <= self.passed && aged.last < self.head;
        match (is_old && is_read, ties) {
            (true, Ties::None) => Verdict::Goes,
            (true, Ties::Named | Ties::Child) | (false, _) => Verdict::Stays,
        }
    }
}

/// The runs that another one names in its first row: whoever has not ended may still ask for them.
pub fn named(first: &[Event]) -> BTreeSet<RunId> {
    let mut runs = BTreeSet::new();
    for event in first {
        if let Event::StageOffered { from, .. } = event {
            runs.insert(from.run);
        }
        let Event::RunStarted { trigger, ancestry, parent, .. } = event else { continue };
        runs.extend(ancestry);
        if let Some(parent) = parent {
            runs.insert(parent.run);
            runs.extend(&parent.family);
        }
        match trigger {
            Trigger::Rerun { of } | Trigger::Retry { of, .. } => {
                runs.insert(of.run);
            }
            Trigger::Manual | Trigger::Pipeline | Trigger::Event(_) => {}
        }
    }
    runs
}

/// The runs behind what may still be asked of a target: its newest revisions, and of each component
/// what it was when the oldest of these was live, all back to its newest good set, and where it would
/// go back to. `revisions` are all of the target, oldest first.
pub fn behind(revisions: &[Revision]) -> BTreeSet<RunId> {
    let numbers: BTreeSet<u64> = revisions.iter().map(|it| it.number).collect();
    let oldest = numbers.iter().nth_back(REVISIONS - 1).copied().unwrap_or_default();
    let mut runs: BTreeSet<RunId> =
        revisions.iter().filter(|it| it.number >= oldest).map(|it| it.run).collect();
    let mut components: BTreeMap<&str, Vec<&Revision>> = BTreeMap::new();
    for revision in revisions.iter().rev() {
        components.entry(&revision.set.component).or_default().push(revision);
    }
    for newest_first in components.values() {
        runs.extend(of_component(newest_first, oldest).map(|it| it.run));
    }
    runs
}

fn of_component<'a>(
    newest_first: &[&'a Revision],
    oldest: u64,
) -> impl Iterator<Item = &'a Revision> {
    let live = newest_first.first().copied();
    let is_good = |it: &&&Revision| it.proof == Proof::Good;
    let differs = |it: &&&Revision| live.is_some_and(|live| live.set.content != it.set.content);
    let of_another = |it: &&&Revision| live.is_some_and(|live| live.run != it.run);
    let find = |of: &dyn Fn(&&&Revision) -> bool| newest_first.iter().find(of).copied();
    let to_good = newest_first.iter().position(|it| it.proof == Proof::Good);
    let remaining = newest_first.iter().take(to_good.map_or(usize::MAX, |at| at + 1)).copied();
    let asked = [
        find(&|it| it.number <= oldest),
        find(&differs),
        find(&|it| is_good(it) && of_another(it)),
        find(&|it| is_good(it) && of_another(it) && differs(it)),
    ];
    remaining.chain(asked.into_iter().flatten()).collect::<Vec<_>>().into_iter()
}

/// The runs of pipelines that are looked up by what pipeline they are of: the newest one, the newest
/// that succeeded, and where one has not ended, those that tell how long stages take.
#[derive(Debug, Default)]
pub struct History {
    unfinished: BTreeSet<(String, String)>,
    seen: BTreeMap<(String, String), Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    any: bool,
    succeeded: bool,
    telling: usize,
}

impl History {
    /// `unfinished` are the runs that have not ended.
    pub fn beside<'a>(unfinished: impl Iterator<Item = &'a Summary>) -> History {
        let name = |run: &Summary| (run.application.clone(), run.pipeline.clone());
        History { unfinished: unfinished.map(name).collect(), seen: BTreeMap::new() }
    }

    /// Whether a run is looked up. Runs are to come newest first, all of them.
    pub fn asks_for(&mut self, run: &Summary) -> bool {
        let name = (run.application.clone(), run.pipeline.clone());
        let is_awaited = self.unfinished.contains(&name);
        let seen = self.seen.entry(name).or_default();
        let is_newest = !std::mem::replace(&mut seen.any, true);
        let has_succeeded = run.status == RunStatus::Succeeded;
        let is_success = has_succeeded && !std::mem::replace(&mut seen.succeeded, true);
        let tells = has_succeeded || matches!(run.status, RunStatus::Failed | RunStatus::Rejected);
        seen.telling += usize::from(tells);
        let is_telling = is_awaited && tells && seen.telling <= EARLIER;
        is_newest || is_success || is_telling
    }
}

#[cfg(test)]
mod tests;
