//! Which rows beside the log follow from events: the same for every store.

use super::{Append, Beginning};
use crate::{
    admission::{Limit, Link, Outlook, Queue, Standing, Strategy, outlook},
    event::{Event, Message, TurnedAway, Urgency},
    id::{Resource, RunId},
    revision::{ComponentSet, Proof, Slot, Target},
};

/// A change of a row beside the log, made in the transaction of the events it follows from.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange<'a> {
    /// Write a waiter, then admit; or turn the asking run away.
    Ask(Ask<'a>),
    /// Delete this run's waiter and claim, then admit.
    Release { resource: Resource, claimed: Claimed<'a> },
    /// Insert a revision with the target's next number, `unproven`; a rollback's starts with its
    /// origin's proof, and marks the revision it left as bad.
    Record { stage: &'a str, target: &'a Target, set: &'a ComponentSet },
    /// Write for the run whose stage waits for this one that it has ended.
    TellParent { run: RunId, stage: &'a str },
    /// Mark this run's unproven revisions of the target.
    Prove { target: &'a Target, proof: Proof },
}

/// A run asks for a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask<'a> {
    pub resource: Resource,
    pub claimed: Claimed<'a>,
    pub standing: &'a Standing,
    pub strategy: Strategy,
    /// What the run, or who waits for it, will not give back before.
    pub keeps: Vec<Resource>,
}

/// What a resource is, and so what is said about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claimed<'a> {
    Target(&'a Target),
    Slot(&'a Slot),
    /// A place among the runs of the slot's application.
    Room(&'a Slot),
}

impl<'a> Claimed<'a> {
    /// What whoever has this asks for before it is told.
    pub fn behind(self, standing: &Standing) -> Option<Behind<'a>> {
        match self {
            Claimed::Slot(slot) => Some(Behind { slot, standing: standing.in_room()? }),
            Claimed::Target(_) | Claimed::Room(_) => None,
        }
    }
}

/// A place among the runs of an application, for a run that has one in its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Behind<'a> {
    pub slot: &'a Slot,
    pub standing: Standing,
}

impl Behind<'_> {
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            resource: self.slot.room(),
            claimed: Claimed::Room(self.slot),
            standing: &self.standing,
            strategy: Strategy::Queue,
            keeps: vec![self.slot.resource()],
        }
    }
}

/// A run that is to begin, and may have to wait among others of its application.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrance<'a> {
    /// How many of them may wait.
    pub most: u32,
    pub slot: &'a Slot,
    pub standing: &'a Standing,
    pub strategy: Strategy,
}

impl Entrance<'_> {
    /// That of an append which begins a run, if the number of those that wait is limited.
    pub fn of(append: &Append) -> Option<Entrance<'_>> {
        let most = match append.beginning {
            Beginning::Run { queue: Limit::AtMost(most), .. } => most,
            Beginning::Run { queue: Limit::Unlimited, .. } | Beginning::No => return None,
        };
        append.events.iter().find_map(|event| {
            let Event::SlotAsked { slot, strategy, standing, .. } = event else { return None };
            Some(Entrance { most, slot, standing, strategy: *strategy })
        })
    }

    /// Whether it may begin, where `waiting` wait of those whose number is limited.
    pub fn judge(&self, run: RunId, waiting: usize, doors: (&Queue, &Queue)) -> Outlook {
        match waiting < self.most as usize {
            true => Outlook::Passes,
            false => outlook(doors, (run, self.standing), self.strategy),
        }
    }
}

impl Claimed<'_> {
    pub fn granted(self) -> Message {
        match self {
            Claimed::Target(target) => Message::TargetGranted { target: target.clone() },
            Claimed::Slot(slot) => Message::SlotGranted { slot: slot.clone() },
            Claimed::Room(_) => Message::RoomGranted,
        }
    }

    /// To wait would close `ring`.
    pub fn refused(self, ring: Vec<Link<String>>) -> Message {
        match self {
            Claimed::Target(target) => Message::TargetRefused { target: target.clone(), ring },
            Claimed::Slot(slot) => {
                Message::SlotRefused { slot: slot.clone(), because: TurnedAway::Ring { ring } }
            }
            Claimed::Room(_) => Message::RoomRefused { ring },
        }
    }

    /// There is no room, and the run is not to wait. All but groups are always waited for.
    pub fn full(self, by: Vec<String>) -> Message {
        match self {
            Claimed::Target(target) => {
                Message::TargetRefused { target: target.clone(), ring: Vec::new() }
            }
            Claimed::Slot(slot) => {
                Message::SlotRefused { slot: slot.clone(), because: TurnedAway::Full { by } }
            }
            Claimed::Room(_) => Message::RoomRefused { ring: Vec::new() },
        }
    }

    /// What the newcomer is told of those who are told of it: whose target it takes back.
    pub fn makes_way(self, from: Vec<String>) -> Option<Message> {
        match self {
            Claimed::Target(target) if !from.is_empty() => {
                Some(Message::TakesBack { target: target.clone(), from })
            }
            Claimed::Target(_) | Claimed::Slot(_) | Claimed::Room(_) => None,
        }
    }

    /// What those are told who were there before.
    pub fn come(self, by: String, strategy: Strategy) -> Message {
        match (self, strategy) {
            (Claimed::Target(target), _) => Message::Preempted { target: target.clone(), by },
            (Claimed::Slot(_) | Claimed::Room(_), Strategy::CancelRunning) => {
                Message::Superseded { by, urgency: Urgency::AtOnce }
            }
            (
                Claimed::Slot(_) | Claimed::Room(_),
                Strategy::Supersede | Strategy::Queue | Strategy::Reject,
            ) => Message::Superseded { by, urgency: Urgency::WhenIdle },
        }
    }
}

/// The changes that follow from `events`, in their order.
pub fn changes(events: &[Event]) -> Vec<RowChange<'_>> {
    events.iter().flat_map(change).collect()
}

#[expect(clippy::too_many_lines, reason = "one arm an event")]
fn change(event: &Event) -> Vec<RowChange<'_>> {
    match event {
        Event::TargetAsked { target, keeps, beside, standing } => vec![RowChange::Ask(Ask {
            resource: target.resource(),
            claimed: Claimed::Target(target),
            standing,
            strategy: Strategy::Queue,
            keeps: keeps.iter().map(Target::resource).chain(beside.iter().cloned()).collect(),
        })],
        Event::SlotAsked { slot, strategy, standing, keeps } => vec![RowChange::Ask(Ask {
            resource: slot.resource(),
            claimed: Claimed::Slot(slot),
            standing,
            strategy: *strategy,
            keeps: keeps.clone(),
        })],
        Event::TargetReleased { target, proof } => vec![
            RowChange::Prove { target, proof: *proof },
            RowChange::Release { resource: target.resource(), claimed: Claimed::Target(target) },
        ],
        Event::TargetYielded { target } => {
            vec![RowChange::Release {
                resource: target.resource(),
                claimed: Claimed::Target(target),
            }]
        }
        Event::SlotReleased { slot, room } => {
            let place = |resource, claimed| RowChange::Release { resource, claimed };
            let group = place(slot.resource(), Claimed::Slot(slot));
            match room {
                Limit::Unlimited => vec![group],
                // Those who wait here have come before whoever the group lets in.
                Limit::AtMost(_) => vec![place(slot.room(), Claimed::Room(slot)), group],
            }
        }
        Event::ParentTold { run, stage } => vec![RowChange::TellParent { run: *run, stage }],
        Event::RevisionRecorded { stage, target, set } => {
            vec![RowChange::Record { stage, target, set }]
        }
        Event::RunStarted { .. }
        | Event::StageOffered { .. }
        | Event::StageTakenOver { .. }
        | Event::ImageResolved { .. }
        | Event::TargetGranted { .. }
        | Event::TargetRefused { .. }
        | Event::TargetPreempted { .. }
        | Event::TargetTakenBack { .. }
        | Event::SlotGranted { .. }
        | Event::SuccessorCame { .. }
        | Event::StageGated { .. }
        | Event::RulesMet { .. }
        | Event::AttemptStarted { .. }
        | Event::StageWaiting { .. }
        | Event::AttemptFailed { .. }
        | Event::StageStopping { .. }
        | Event::StageProgressed { .. }
        | Event::StageSucceeded { .. }
        | Event::RollbackStarted { .. }
        | Event::StageRolledBack { .. }
        | Event::StageFailed { .. }
        | Event::StageSkipped { .. }
        | Event::StageSignalled { .. }
        | Event::StageHeld { .. }
        | Event::StageRejected { .. }
        | Event::StageOmitted { .. }
        | Event::StageCancelled { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunSuspected { .. }
        | Event::RunTriedAlone
        | Event::RunCleared
        | Event::RunQuestioned { .. }
        | Event::RunAnswered { .. }
        | Event::RunStopping { .. }
        | Event::RunEnded { .. } => Vec::new(),
    }
}
