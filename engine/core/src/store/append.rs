//! What is written at once.

use super::Summary;
use crate::{
    admission::Limit,
    clock::Now,
    event::Event,
    id::{BlobName, InputId, PlanHash, Position, RunId},
};

/// One append of one run: its events, and what goes with them in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Append {
    pub run: RunId,
    /// The number that this row must get; 0 begins the run.
    pub n: u64,
    pub now: Now,
    /// May be empty, when inputs are only refused; then no row is written and `n` does not advance.
    pub events: Vec<Event>,
    pub summary: Summary,
    /// The input rows that are decided here.
    pub inputs: Vec<InputId>,
    pub blobs: Vec<Blob>,
    pub beginning: Beginning,
}

/// What the first append of a run brings along.
#[derive(Clone, Debug, PartialEq)]
pub enum Beginning {
    /// It goes on.
    No,
    Run {
        plan: PlanHash,
        stored_plan: String,
        /// The blobs that the plan names: they are kept as long as it is.
        files: Vec<BlobName>,
        key: Option<String>,
        /// How many runs of the application may wait, where this one would have to.
        queue: Limit,
        /// What follows if the place for which the run asks is its own at once. Without it, an input
        /// says so, as it does later.
        admitted: Option<Box<Admitted>>,
    },
}

/// What is written in the row that begins a run, behind its own events, when the run need not wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    pub events: Vec<Event>,
    pub summary: Summary,
}

impl Append {
    /// Whether a place that is granted to a run while this is written is the one with which it begins.
    pub fn is_let_in(&self, run: RunId) -> bool {
        let Beginning::Run { admitted: Some(_), .. } = &self.beginning else { return false };
        self.run == run
    }

    /// The same as it is written for a run that need not wait.
    pub fn of_admitted(&self) -> Option<Append> {
        let Beginning::Run { plan, stored_plan, files, key, queue, admitted } = &self.beginning
        else {
            return None;
        };
        let Admitted { events, summary } = admitted.as_deref()?.clone();
        let beginning = Beginning::Run {
            plan: plan.clone(),
            stored_plan: stored_plan.clone(),
            files: files.clone(),
            key: key.clone(),
            queue: *queue,
            admitted: None,
        };
        let events = self.events.iter().cloned().chain(events).collect();
        Some(Append { events, summary, beginning, ..self.clone() })
    }
}

/// Sealed content and its name. Writing one that is there already is no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    pub name: BlobName,
    pub sealed: Vec<u8>,
}

/// Which of the two that an append may come to was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Its own events.
    AsAsked,
    /// Those of [`Admitted`] as well.
    Admitted,
}

/// The answer to one item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Appended {
    Written {
        position: Position,
        /// Runs for which this append wrote inputs; the writing run itself may be among them.
        woken: Vec<RunId>,
        entry: Entry,
    },
    /// The run is not at `n`, or not of this epoch: drop it and read it again.
    Conflict,
    /// This key has started a run already.
    Repeated { run: RunId },
    /// The run would have to wait, and so many wait already: nothing was written.
    QueueFull { most: u32 },
}
