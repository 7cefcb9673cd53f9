//! All that the memory store holds, in maps whose order is the same in every process.

use super::{inbox::Deliveries, logs::StageLog};
use engine_core::{
    admission::Queue,
    clock::Civil,
    delivery::Door,
    event::{InputRow, Message},
    fact::{Refusal, RefusalReason},
    id::{BlobName, InputId, PlanHash, Position, Resource, RunId, Ticket},
    revision::{Revision, Target},
    store::{
        AttemptKey, Detail, FeedRow, Gate, Lease, LogRow, Page, Request, RunFilter, Submitted,
        Summary, SystemRow,
    },
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct State {
    pub(super) lease: Option<Lease>,
    pub(super) epochs: u64,
    pub(super) tickets: u64,
    pub(super) input_ids: u64,
    pub(super) runs: BTreeMap<RunId, Gate>,
    pub(super) logs: BTreeMap<RunId, Vec<LogRow>>,
    /// The row at each position, from position 1 on.
    pub(super) feed: Vec<Place>,
    /// The rows of the stream `system`, by number.
    pub(super) system: BTreeMap<u64, SystemRow>,
    pub(super) refusals: BTreeMap<(Door, RefusalReason), Refusal>,
    pub(super) inputs: BTreeMap<(RunId, InputId), StoredInput>,
    /// What each key has started, and when.
    pub(super) starts: BTreeMap<String, (RunId, Civil)>,
    pub(super) requests: BTreeMap<(RunId, String), (InputId, Civil)>,
    pub(super) queues: BTreeMap<Resource, Queue>,
    /// What each waiter will not give back before it has what it asks for.
    pub(super) keeps: BTreeMap<(Resource, RunId), Vec<Resource>>,
    pub(super) revisions: BTreeMap<Target, Vec<Revision>>,
    pub(super) revision_numbers: BTreeMap<Target, u64>,
    pub(super) plans: BTreeMap<PlanHash, String>,
    pub(super) blobs: BTreeMap<BlobName, Vec<u8>>,
    pub(super) blob_uses: BTreeSet<(BlobName, User)>,
    pub(super) stage_logs: BTreeMap<AttemptKey, StageLog>,
    pub(super) details: BTreeMap<(RunId, String), Detail>,
    pub(super) deliveries: Deliveries,
}

/// Who names a blob.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum User {
    Run(RunId),
    Plan(PlanHash),
}

/// Where the row of a position is, unless it was taken away.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Run { run: RunId, row: usize },
    System { n: u64 },
}

pub(super) struct StoredInput {
    pub(super) message: Message,
    pub(super) cause: InputCause,
}

/// What wrote an input; a grant is taken back with its resource.
#[derive(PartialEq, Eq)]
pub(super) enum InputCause {
    Request,
    Grant(Resource),
}

impl State {
    pub(super) fn head(&self) -> Position {
        Position(self.feed.len() as u64)
    }

    pub(super) fn log(&self, run: RunId, from: u64) -> Vec<LogRow> {
        let rows = self.logs.get(&run).map(Vec::as_slice).unwrap_or_default();
        rows.get(index(from)..).unwrap_or_default().to_vec()
    }

    pub(super) fn after(&self, position: Position, limit: u32) -> Page {
        let rest = self.feed.get(index(position.0)..).unwrap_or_default();
        let rows: Vec<FeedRow> =
            rest.iter().filter_map(|place| self.row(*place)).take(limit as usize).collect();
        Page::after(position, rows)
    }

    fn row(&self, place: Place) -> Option<FeedRow> {
        match place {
            Place::Run { run, row } => Some(FeedRow::Run(self.logs.get(&run)?.get(row)?.clone())),
            Place::System { n } => Some(FeedRow::System(self.system.get(&n)?.clone())),
        }
    }

    pub(super) fn listed(&self, filter: &RunFilter) -> Vec<Summary> {
        let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let newest_first = self.runs.values().rev().map(|gate| &gate.summary);
        let wanted = newest_first.filter(|run| filter.before.is_none_or(|before| run.run < before));
        wanted.take(limit).cloned().collect()
    }

    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Gate> {
        self.runs.values().filter(|gate| !gate.summary.status.has_ended())
    }

    pub(super) fn inputs_of(&self, run: RunId) -> Vec<InputRow> {
        let rows = self.inputs.range((run, InputId(0))..=(run, InputId(u64::MAX)));
        rows.map(|((_, id), input)| InputRow { id: *id, message: input.message.clone() }).collect()
    }

    pub(super) fn details_of(&self, run: RunId) -> Vec<Detail> {
        let rows = self.details.range((run, String::new())..).take_while(|((of, _), _)| *of == run);
        rows.map(|(_, detail)| detail.clone()).collect()
    }

    pub(super) fn submit(&mut self, request: Request) -> Submitted {
        let Request { run, key, message, at } = request;
        if !self.runs.contains_key(&run) {
            return Submitted::NoRun;
        }
        if let Some((first, _)) = self.requests.get(&(run, key.clone())) {
            return Submitted::Repeated(*first);
        }
        let id = self.input(run, StoredInput { message, cause: InputCause::Request });
        self.requests.insert((run, key), (id, at.civil));
        Submitted::Written(id)
    }

    pub(super) fn input(&mut self, run: RunId, input: StoredInput) -> InputId {
        self.input_ids += 1;
        let id = InputId(self.input_ids);
        self.inputs.insert((run, id), input);
        id
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// Text about a run that has ended, or never began, helps nobody.
    pub(super) fn tell(&mut self, details: Vec<Detail>) {
        for detail in details {
            if self.runs.get(&detail.run).is_some_and(|gate| !gate.summary.status.has_ended()) {
                self.details.insert((detail.run, detail.stage.clone()), detail);
            }
        }
    }
}

/// A count beyond the address space is beyond every row.
fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
