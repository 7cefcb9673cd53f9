//! Runs that would wait for each other for ever.

use super::{Claimant, occupied, shares};
use crate::id::{Resource, RunId};
use serde::{Deserialize, Serialize};

/// A run that waits for a resource, and what it will not give back before it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub claimant: Claimant,
    pub wanted: Resource,
    /// Some of it may be held by its family.
    pub keeps: Vec<Resource>,
}

/// A run that has a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub claimant: Claimant,
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
/// A waiter is stuck if too many of those before it, holders or waiters, keep what it wants until a
/// stuck one gets something else, or if a stuck one is before it: the greatest set of waiters of
/// which that is true.
pub fn ring(newcomer: &Waiting, waiting: &[Waiting], holding: &[Holding]) -> Vec<Link<RunId>> {
    let mut stuck: Vec<&Waiting> = waiting.iter().collect();
    loop {
        let is_stuck = |waiter: &&&Waiting| is_stuck(waiter, (waiting, holding), &stuck);
        let left: Vec<&Waiting> = stuck.iter().filter(is_stuck).copied().collect();
        if left.len() == stuck.len() {
            break;
        }
        stuck = left;
    }
    let mut links = Vec::new();
    let mut waiter = newcomer;
    while stuck.contains(&waiter)
        && let Some(next) = hinderer(waiter, (waiting, holding), &stuck)
    {
        let (run, keeps) = (next.claimant.run, waiter.wanted.clone());
        let link = Link { run, keeps, wanted: next.wanted.clone() };
        if links.contains(&link) {
            break;
        }
        links.push(link);
        waiter = next;
    }
    links
}

fn is_stuck(
    waiter: &Waiting,
    (waiting, holding): (&[Waiting], &[Holding]),
    stuck: &[&Waiting],
) -> bool {
    let Waiting { claimant, wanted, .. } = waiter;
    let holders = holding.iter().filter(|holder| holder.resource == *wanted);
    let holders: Vec<&Claimant> = holders.map(|holder| &holder.claimant).collect();
    if shares(claimant, &holders) {
        return false;
    }
    let is_behind_one = stuck.iter().any(|other| goes_before(other, waiter));
    let kept = before(waiter, (waiting, holding));
    let kept: Vec<&Claimant> =
        kept.into_iter().filter(|other| hindrance(other, wanted, stuck).is_some()).collect();
    is_behind_one || occupied(&kept) >= claimant.standing.limit as usize
}

/// The stuck one that must get what it wants before somebody gives back what `waiter` wants.
fn hinderer<'a>(
    waiter: &Waiting,
    (waiting, holding): (&[Waiting], &[Holding]),
    stuck: &[&'a Waiting],
) -> Option<&'a Waiting> {
    let before = before(waiter, (waiting, holding));
    let by_them = before.iter().find_map(|other| hindrance(other, &waiter.wanted, stuck));
    by_them.or_else(|| stuck.iter().find(|other| goes_before(other, waiter)).copied())
}

/// Who has what `waiter` wants, or gets it first, and does not share it with it.
fn before<'a>(
    waiter: &Waiting,
    (waiting, holding): (&'a [Waiting], &'a [Holding]),
) -> Vec<&'a Claimant> {
    let holders = holding.iter().filter(|holder| holder.resource == waiter.wanted);
    let holders = holders.map(|holder| &holder.claimant);
    let earlier = waiting.iter().filter(|other| goes_before(other, waiter));
    let earlier = earlier.map(|other| &other.claimant);
    let family = &waiter.claimant.standing.family;
    holders.chain(earlier).filter(|other| !family.contains(&other.run)).collect()
}

fn goes_before(other: &Waiting, waiter: &Waiting) -> bool {
    let turn = |it: &Waiting| (it.claimant.standing.rank, it.claimant.ticket);
    other.wanted == waiter.wanted && turn(other) < turn(waiter)
}

/// What must get something first before `claimant` gives `kept` back.
fn hindrance<'a>(
    claimant: &Claimant,
    kept: &Resource,
    stuck: &[&'a Waiting],
) -> Option<&'a Waiting> {
    let is_waited_for = |waiter: &&&Waiting| {
        let Claimant { run, standing, .. } = &waiter.claimant;
        (*run == claimant.run || standing.family.contains(&claimant.run))
            && waiter.keeps.contains(kept)
    };
    stuck.iter().find(is_waited_for).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{admission::Standing, id::Ticket};

    fn run(name: char) -> RunId {
        RunId(uuid::Uuid::from_u128(u128::from(name)))
    }

    fn resources(names: &str) -> Vec<Resource> {
        names.chars().map(|name| Resource(name.to_string())).collect()
    }

    fn claimant(name: char, family: &str) -> Claimant {
        let standing =
            Standing { family: family.chars().map(run).collect(), ..Standing::default() };
        Claimant { ticket: Ticket(u64::from(u32::from(name))), run: run(name), standing }
    }

    /// Run `name`, awaited by `family`, keeps and wants. Tickets follow the alphabet.
    fn waits(name: char, family: &str, (keeps, wanted): (&str, &str)) -> Waiting {
        let wanted = Resource(wanted.to_owned());
        Waiting { claimant: claimant(name, family), wanted, keeps: resources(keeps) }
    }

    fn beside_one(mut waiting: Waiting) -> Waiting {
        waiting.claimant.standing.limit = 2;
        waiting
    }

    fn holds(held: &str) -> Vec<Holding> {
        let pairs: Vec<char> = held.chars().collect();
        let holding = |pair: &[char]| Holding {
            claimant: claimant(pair[0], ""),
            resource: Resource(pair[1].to_string()),
        };
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
    fn a_free_holder_is_enough_if_the_others_leave_room() {
        let (first, last) = (waits('A', "", ("x", "y")), waits('B', "", ("y", "x")));
        assert_eq!(closed(&[first.clone(), beside_one(last.clone())], "AxFxBy"), []);
        assert_eq!(closed(&[first.clone(), last.clone()], "AxFxBy"), [run('A'), run('B')]);
        let second = waits('F', "", ("x", "y"));
        let all = [first, second, beside_one(last)];
        assert_eq!(closed(&all, "AxFxBy"), [run('A'), run('B')]);
    }

    #[test]
    fn who_gets_it_first_may_keep_it_for_ever() {
        let both = [waits('A', "", ("", "x")), waits('A', "", ("x", "y"))];
        let last = waits('B', "", ("y", "x"));
        let all = [both.as_slice(), &[last]].concat();
        assert_eq!(closed(&all, "CxBy"), [run('A'), run('B')]);
        assert_eq!(closed(&all[1..], "CxBy"), []);
    }

    #[test]
    fn nobody_passes_who_is_stuck() {
        let first = waits('A', "", ("", "g"));
        let holder = waits('H', "", ("g", "x"));
        let last = beside_one(waits('Z', "P", ("x", "g")));
        assert_eq!(closed(&[holder.clone(), last.clone()], "HgPx"), []);
        assert_eq!(closed(&[first, holder, last], "HgPx"), [run('H'), run('Z')]);
    }
}
