//! What to go back to: a function of a target's recorded revisions alone.

use super::To;
use crate::release::Asker;
use engine_core::{
    id::RunId,
    retention::REVISIONS,
    revision::{Proof, Revision, brought},
};
use std::collections::{BTreeMap, BTreeSet};

/// One component's way back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Return<'a> {
    pub(super) to: &'a Revision,
    pub(super) left: &'a Revision,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoReturn {
    #[error(
        "nothing was ever deployed to this target by Gennaker, so there is nothing to go back to"
    )]
    Empty,
    #[error("component `{component}` was never deployed to this target; it has {}", .known.join(", "))]
    Component { component: String, known: Vec<String> },
    #[error("revision {number} does not exist; the newest revision of this target is {newest}")]
    Number { number: u64, newest: u64 },
    #[error("revision {number} is older than everything that is deployed here")]
    TooOld { number: u64 },
    #[error(
        "revision {number} is no longer kept whole: of the revisions before {from}, only what may be \
         live, or gone back to by itself, is kept; name one from {from} on"
    )]
    Forgotten { number: u64, from: u64 },
    #[error(
        "no good revision to go back to: no other run has ended well with another set; deploy one, \
         or name a revision by its number"
    )]
    NothingGood,
    #[error("no previous revision to go back to: only one set was ever deployed here")]
    NothingPrevious,
}

/// The components to bring back, by name; a component with nowhere to go to is left as it is.
pub(super) fn choose<'a>(
    revisions: &'a [Revision],
    asker: Asker<'_>,
    (to, component): (To, Option<&str>),
) -> Result<BTreeMap<&'a str, Return<'a>>, NoReturn> {
    let past: Vec<&Revision> =
        revisions.iter().filter(|revision| !asker.recorded(revision)).collect();
    let mut components = by_component(&past);
    if let To::Undo(run) = to {
        return undo(&components, run);
    }
    let newest = past.last().ok_or(NoReturn::Empty)?.number;
    if let Some(component) = component {
        let known = || components.keys().map(|name| format!("`{name}`")).collect();
        if !components.contains_key(component) {
            return Err(NoReturn::Component { component: component.to_owned(), known: known() });
        }
        components.retain(|name, _| *name == component);
    }
    if let To::Number(number) = to
        && (number > newest || !past.iter().any(|revision| revision.number == number))
    {
        return Err(NoReturn::Number { number, newest });
    }
    if let To::Number(number) = to {
        whole(revisions, number)?;
    }
    let returns: BTreeMap<_, _> = components
        .into_iter()
        .filter_map(|(name, history)| Some((name, way_back(&history, asker, to)?)))
        .collect();
    if returns.is_empty() { Err(nowhere(to)) } else { Ok(returns) }
}

/// What all components were at a revision is known if none before it was taken away, or it is among
/// the newest, beside which all are kept that were live then.
fn whole(revisions: &[Revision], number: u64) -> Result<(), NoReturn> {
    let numbers: BTreeSet<u64> = revisions.iter().map(|it| it.number).collect();
    let from = numbers.iter().nth_back(REVISIONS - 1).copied().unwrap_or_default();
    let newest = numbers.last().copied().unwrap_or_default();
    match numbers.len() as u64 == newest || number >= from {
        true => Ok(()),
        false => Err(NoReturn::Forgotten { number, from }),
    }
}

/// The components that go to a set which is newer than the live one, and whose run had deployed it:
/// that is no way back, whatever it is called.
pub(super) fn forward(
    revisions: &[Revision],
    returns: &BTreeMap<&str, Return<'_>>,
) -> BTreeMap<String, RunId> {
    let newer = returns.iter().filter_map(|(component, Return { to, left })| {
        let number = brought(revisions, to);
        let same = |it: &&Revision| it.number == number && it.set.component == *component;
        let run = revisions.iter().find(same).map_or(to.run, |it| it.run);
        (number > brought(revisions, left)).then(|| ((*component).to_owned(), run))
    });
    newer.collect()
}

/// The history of each component, oldest first; never empty.
fn by_component<'a>(past: &[&'a Revision]) -> BTreeMap<&'a str, Vec<&'a Revision>> {
    let mut components: BTreeMap<&str, Vec<&Revision>> = BTreeMap::new();
    for revision in past {
        components.entry(&revision.set.component).or_default().push(revision);
    }
    components
}

fn way_back<'a>(history: &[&'a Revision], asker: Asker<'_>, to: To) -> Option<Return<'a>> {
    let (left, older) = history.split_last()?;
    let differs = |revision: &&&Revision| revision.set.content != left.set.content;
    let mut newest_first = older.iter().rev();
    let to = match to {
        To::LastGood => newest_first
            .filter(differs)
            .find(|revision| revision.proof == Proof::Good && revision.run != asker.run),
        To::Previous => newest_first.find(differs),
        To::Number(number) => history.iter().rev().find(|revision| revision.number <= number),
        To::Undo(run) => newest_first.find(|revision| is_good_of_another(revision, run)),
    };
    to.map(|to| Return { to, left })
}

fn is_good_of_another(revision: &Revision, run: RunId) -> bool {
    revision.proof == Proof::Good && revision.run != run
}

/// The way back from what `run` changed last. A component whose newest good set is the live one is
/// there already; nothing changed is nothing to do.
fn undo<'a>(
    components: &BTreeMap<&'a str, Vec<&'a Revision>>,
    run: RunId,
) -> Result<BTreeMap<&'a str, Return<'a>>, NoReturn> {
    let changed = |history: &&Vec<&Revision>| history.last().is_some_and(|live| live.run == run);
    let changed: Vec<_> = components.iter().filter(|(_, history)| changed(history)).collect();
    let ways = changed.iter().filter_map(|(name, history)| {
        let left = *history.last()?;
        let to = history.iter().rev().find(|revision| is_good_of_another(revision, run))?;
        Some((**name, Return { to, left }))
    });
    let ways: BTreeMap<_, _> = ways.collect();
    if ways.is_empty() && !changed.is_empty() {
        return Err(NoReturn::NothingGood);
    }
    Ok(ways.into_iter().filter(|(_, way)| way.to.set.content != way.left.set.content).collect())
}

fn nowhere(to: To) -> NoReturn {
    match to {
        To::LastGood | To::Undo(_) => NoReturn::NothingGood,
        To::Previous => NoReturn::NothingPrevious,
        To::Number(number) => NoReturn::TooOld { number },
    }
}

#[cfg(test)]
mod tests;
