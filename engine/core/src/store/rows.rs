//! Which rows beside the log follow from events: the same for every store.

use crate::{
    event::Event,
    id::Resource,
    revision::{ComponentSet, Proof, Target},
};

/// A change of a row beside the log, made in the transaction of the events it follows from.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange<'a> {
    /// Write a waiter, then admit.
    Ask { resource: Resource, target: &'a Target, keeps: Vec<Resource> },
    /// Delete this run's waiter and claim, then admit.
    Release { resource: Resource, target: &'a Target },
    /// Insert a revision with the target's next number, `unproven`; a rollback's starts with its
    /// origin's proof, and marks the revision it left as bad.
    Record { stage: &'a str, target: &'a Target, set: &'a ComponentSet },
    /// Mark this run's unproven revisions of the target.
    Prove { target: &'a Target, proof: Proof },
}

/// The changes that follow from `events`, in their order.
pub fn changes(events: &[Event]) -> Vec<RowChange<'_>> {
    events.iter().flat_map(change).collect()
}

fn change(event: &Event) -> Vec<RowChange<'_>> {
    match event {
        Event::TargetAsked { target, keeps } => vec![RowChange::Ask {
            resource: target.resource(),
            target,
            keeps: keeps.iter().map(Target::resource).collect(),
        }],
        Event::TargetReleased { target, proof } => vec![
            RowChange::Prove { target, proof: *proof },
            RowChange::Release { resource: target.resource(), target },
        ],
        Event::RevisionRecorded { stage, target, set } => {
            vec![RowChange::Record { stage, target, set }]
        }
        Event::RunStarted { .. }
        | Event::TargetGranted { .. }
        | Event::StageGated { .. }
        | Event::AttemptStarted { .. }
        | Event::StageWaiting { .. }
        | Event::AttemptFailed { .. }
        | Event::StageStopping { .. }
        | Event::StageProgressed { .. }
        | Event::StageSucceeded { .. }
        | Event::StageFailed { .. }
        | Event::StageSkipped { .. }
        | Event::StageSignalled { .. }
        | Event::StageHeld { .. }
        | Event::StageRejected { .. }
        | Event::StageOmitted { .. }
        | Event::StageCancelled { .. }
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunStopping { .. }
        | Event::RunEnded { .. } => Vec::new(),
    }
}
