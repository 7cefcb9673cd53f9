//! Who gets a resource: pure functions over the holders and waiters of that one resource.

mod limits;
mod ring;

pub use limits::{Limit, Limits, Outlook, outlook};
pub use ring::{Holding, Link, Waiting, ring};

use crate::id::{RunId, Ticket};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everybody at one resource, in the order of their tickets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    pub holders: Vec<Claimant>,
    pub waiters: Vec<Claimant>,
}

/// A run that holds a resource or asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    pub ticket: Ticket,
    pub run: RunId,
    pub standing: Standing,
}

/// What a claimant is to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// How many may hold the resource at once for this one to be among them.
    #[serde(default = "alone")]
    pub limit: u32,
    #[serde(default)]
    pub rank: Rank,
    /// The runs that wait for its end: it shares what they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub family: Vec<RunId>,
    /// How many runs of its application may be under way for it to be among them.
    #[serde(default, skip_serializing_if = "Limit::is_unlimited")]
    pub room: Limit,
}

fn alone() -> u32 {
    1
}

/// Who goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rank {
    /// A person's way back: it goes before all others, and is never made to give way.
    Rollback,
    #[default]
    Ordinary,
}

impl Rank {
    pub(crate) fn is_ordinary(&self) -> bool {
        match self {
            Rank::Ordinary => true,
            Rank::Rollback => false,
        }
    }
}

/// What a newcomer to a group means to those who were there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// Older runs end that are queued, or that only wait and hold no target.
    #[default]
    Supersede,
    /// First in, first out.
    Queue,
    /// Older runs are cancelled; it starts when they have fully ended.
    CancelRunning,
    /// It does not start if there is no room.
    Reject,
}

impl Strategy {
    pub fn word(self) -> &'static str {
        match self {
            Strategy::Supersede => "supersede",
            Strategy::Queue => "queue",
            Strategy::CancelRunning => "cancelRunning",
            Strategy::Reject => "reject",
        }
    }
}

/// How a newcomer stands after it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    Admitted,
    /// It waits; these are told that it has come.
    Waits {
        told: Vec<RunId>,
    },
    /// There is no room, and it does not wait.
    TurnedAway {
        holders: Vec<RunId>,
    },
}

/// The waiters that may hold the resource now: by rank, then first come first served; and
/// whoever shares what one of its family holds. Whoever is returned must be made a holder in the
/// same transaction, so that a claim is never free while somebody waits.
pub fn admit(queue: &Queue) -> Vec<Claimant> {
    let mut holders: Vec<&Claimant> = queue.holders.iter().collect();
    let mut waiters: Vec<&Claimant> = queue.waiters.iter().collect();
    waiters.sort_by_key(|waiter| (waiter.standing.rank, waiter.ticket));
    let mut admitted = Vec::new();
    let mut is_full = false;
    for waiter in waiters {
        let has_room = !is_full && occupied(&holders) < waiter.standing.limit as usize;
        if has_room || shares(waiter, &holders) {
            holders.push(waiter);
            admitted.push(waiter.clone());
        } else {
            // Nobody overtakes who cannot be admitted yet.
            is_full = true;
        }
    }
    admitted
}

/// How `newcomer`, who stands among the waiters and is not admitted, is met.
pub fn arrive(queue: &Queue, newcomer: &Claimant, strategy: Strategy) -> Arrival {
    if admit(queue).iter().any(|admitted| admitted.run == newcomer.run) {
        return Arrival::Admitted;
    }
    let is_other = |other: &&Claimant| {
        let (family, run) = (&newcomer.standing.family, other.run);
        run != newcomer.run
            && !family.contains(&run)
            && !other.standing.family.contains(&newcomer.run)
    };
    let holders = queue.holders.iter().filter(is_other);
    let runs = |claimants: Vec<&Claimant>| claimants.iter().map(|it| it.run).collect();
    match (newcomer.standing.rank, strategy) {
        (Rank::Rollback, _) => {
            let told = holders.filter(|holder| holder.standing.rank.is_ordinary()).collect();
            Arrival::Waits { told: runs(told) }
        }
        (Rank::Ordinary, Strategy::Queue) => Arrival::Waits { told: Vec::new() },
        (Rank::Ordinary, Strategy::Supersede | Strategy::CancelRunning) => {
            let waiters = queue.waiters.iter().filter(is_other);
            Arrival::Waits { told: runs(holders.chain(waiters).collect()) }
        }
        (Rank::Ordinary, Strategy::Reject) => {
            Arrival::TurnedAway { holders: runs(holders.collect()) }
        }
    }
}

/// Runs of one family take one place, as long as the eldest is there.
fn occupied(holders: &[&Claimant]) -> usize {
    holders.iter().filter(|holder| !shares(holder, holders)).count()
}

fn shares(claimant: &Claimant, holders: &[&Claimant]) -> bool {
    holders.iter().any(|holder| claimant.standing.family.contains(&holder.run))
}

impl Default for Standing {
    fn default() -> Standing {
        let room = Limit::Unlimited;
        Standing { limit: alone(), rank: Rank::Ordinary, family: Vec::new(), room }
    }
}

#[cfg(test)]
mod tests;
