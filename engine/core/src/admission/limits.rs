//! How many runs an application may have: under way, and queued.

use super::{Arrival, Claimant, Queue, Standing, Strategy, arrive};
use crate::id::{RunId, Ticket};
use serde::{Deserialize, Serialize};

/// How many there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    #[default]
    Unlimited,
    AtMost(u32),
}

/// What holds for the runs of one application, for each by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Runs that have begun and not ended. What is waited for shares the place of who waits, and a
    /// person's way back needs none.
    pub running: Limit,
    /// Runs before the door of their group, or behind it before that of the application.
    pub queued: Limit,
}

/// What becomes of a run that comes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It begins, or is turned away: it does not wait.
    Passes,
    Waits,
}

impl Limit {
    pub(crate) fn is_unlimited(&self) -> bool {
        match self {
            Limit::Unlimited => true,
            Limit::AtMost(_) => false,
        }
    }
}

impl Standing {
    /// How it stands among the runs of its application, once it has a place in its group.
    pub fn in_room(&self) -> Option<Standing> {
        match self.room {
            Limit::Unlimited => None,
            Limit::AtMost(limit) => Some(Standing { limit, family: Vec::new(), ..self.clone() }),
        }
    }
}

/// What would become of `run` if it came now, at the door of its group and then at that of its
/// application.
pub fn outlook(
    (group, application): (&Queue, &Queue),
    (run, standing): (RunId, &Standing),
    strategy: Strategy,
) -> Outlook {
    match arrival(group, (run, standing), strategy) {
        Arrival::TurnedAway { .. } => Outlook::Passes,
        Arrival::Waits { .. } => Outlook::Waits,
        Arrival::Admitted => match standing.in_room() {
            None => Outlook::Passes,
            Some(standing) => match arrival(application, (run, &standing), Strategy::Queue) {
                Arrival::Admitted | Arrival::TurnedAway { .. } => Outlook::Passes,
                Arrival::Waits { .. } => Outlook::Waits,
            },
        },
    }
}

fn arrival(queue: &Queue, (run, standing): (RunId, &Standing), strategy: Strategy) -> Arrival {
    let last = Claimant { ticket: Ticket(u64::MAX), run, standing: standing.clone() };
    let mut queue = queue.clone();
    queue.waiters.push(last.clone());
    arrive(&queue, &last, strategy)
}
