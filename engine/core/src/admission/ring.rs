//! Runs that would wait for each other for ever.

use crate::id::{Resource, RunId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A run that waits for a resource, and what it will not give back before it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub run: RunId,
    /// The runs that wait for its end.
    pub family: Vec<RunId>,
    pub wanted: Resource,
    /// Some of it may be held by its family.
    pub keeps: Vec<Resource>,
}

/// A run that has a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub run: RunId,
    pub resource: Resource,
}

/// One step of a ring: who waits, what it keeps meanwhile, and for what it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link<R> {
    pub run: R,
    pub keeps: Resource,
    pub wanted: Resource,
}

/// The ring that `newcomer` closes, from the holder of what it wants to itself; empty if there is
/// none. `waiting` has the newcomer too.
///
/// A resource is stuck if each of its holders keeps it until it, or a run that it waits for, gets
/// another stuck one: the greatest set of resources of which that is true.
pub fn ring(newcomer: &Waiting, waiting: &[Waiting], holding: &[Holding]) -> Vec<Link<RunId>> {
    let mut stuck: BTreeSet<&Resource> = waiting.iter().map(|waiter| &waiter.wanted).collect();
    loop {
        let is_stuck = |resource: &&&Resource| {
            let mut holders = holding.iter().filter(|it| it.resource == ***resource).peekable();
            holders.peek().is_some()
                && holders.all(|holder| hindrance(holder, waiting, &stuck).is_some())
        };
        let left: BTreeSet<&Resource> = stuck.iter().filter(is_stuck).copied().collect();
        if left == stuck {
            break;
        }
        stuck = left;
    }
    let mut links = Vec::new();
    let mut wanted = &newcomer.wanted;
    while stuck.contains(wanted)
        && let Some(holder) = holding.iter().find(|holder| holder.resource == *wanted)
        && let Some(waiter) = hindrance(holder, waiting, &stuck)
    {
        let link = Link { run: waiter.run, keeps: wanted.clone(), wanted: waiter.wanted.clone() };
        if links.contains(&link) {
            break;
        }
        links.push(link);
        wanted = &waiter.wanted;
    }
    links
}

/// Who must get something stuck before `holder` gives back.
fn hindrance<'a>(
    holder: &Holding,
    waiting: &'a [Waiting],
    stuck: &BTreeSet<&Resource>,
) -> Option<&'a Waiting> {
    waiting.iter().find(|waiter| {
        let is_waited_for = waiter.run == holder.run || waiter.family.contains(&holder.run);
        is_waited_for && waiter.keeps.contains(&holder.resource) && stuck.contains(&waiter.wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: char) -> RunId {
        RunId(uuid::Uuid::from_u128(u128::from(name)))
    }

    fn resources(names: &str) -> Vec<Resource> {
        names.chars().map(|name| Resource(name.to_string())).collect()
    }

    /// `A<P:x>y`: run A, child of P, keeps x and wants y.
    fn waits(name: char, family: &str, (keeps, wanted): (&str, &str)) -> Waiting {
        let family = family.chars().map(run).collect();
        let wanted = Resource(wanted.to_owned());
        Waiting { run: run(name), family, wanted, keeps: resources(keeps) }
    }

    fn holds(held: &str) -> Vec<Holding> {
        let pairs: Vec<char> = held.chars().collect();
        let holding =
            |pair: &[char]| Holding { run: run(pair[0]), resource: Resource(pair[1].to_string()) };
        pairs.chunks(2).map(holding).collect()
    }

    /// The runs of the ring that the last one closes.
    fn closed(waiting: &[Waiting], held: &str) -> Vec<RunId> {
        let newcomer = waiting.last().unwrap();
        ring(newcomer, waiting, &holds(held)).into_iter().map(|link| link.run).collect()
    }

    #[test]
    fn two_that_keep_what_the_other_wants_are_a_ring() {
        let both = [waits('A', "", ("x", "y")), waits('B', "", ("y", "x"))];
        assert_eq!(closed(&both, "AxBy"), [run('A'), run('B')]);
        let three =
            [waits('A', "", ("x", "y")), waits('B', "", ("y", "z")), waits('C', "", ("z", "x"))];
        assert_eq!(closed(&three, "AxByCz"), [run('A'), run('B'), run('C')]);
    }

    #[test]
    fn what_is_given_back_meanwhile_is_no_ring() {
        let let_go = [waits('A', "", ("", "y")), waits('B', "", ("y", "x"))];
        assert_eq!(closed(&let_go, "AxBy"), []);
        let in_line = [waits('A', "", ("x", "y")), waits('B', "", ("", "x"))];
        assert_eq!(closed(&in_line, "AxCy"), []);
    }

    #[test]
    fn a_parent_waits_for_what_its_child_waits_for() {
        let child = [waits('A', "", ("x", "p")), waits('C', "P", ("p", "x"))];
        assert_eq!(closed(&child, "AxPp"), [run('A'), run('C')]);
    }

    #[test]
    fn one_free_holder_of_several_is_enough() {
        let both = [waits('A', "", ("x", "y")), waits('B', "", ("y", "x"))];
        assert_eq!(closed(&both, "AxFxBy"), []);
        let all =
            [waits('A', "", ("x", "y")), waits('F', "", ("x", "y")), waits('B', "", ("y", "x"))];
        assert_eq!(closed(&all, "AxFxBy"), [run('A'), run('B')]);
    }
}
