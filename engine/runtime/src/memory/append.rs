//! One batch of appends, in memory. Nothing here can fail half-way.

use super::{
    revisions::Recorded,
    state::{InputCause, Place, State, User},
};
use engine_core::{
    event::Message,
    id::{Epoch, Position, RunId},
    store::{
        Append, Appended, Beginning, Blob, Entry, Gate, LogRow, RowChange, StoreError, changes,
    },
};

/// One append that has passed its gate.
pub(super) struct Writing<'a> {
    pub(super) item: &'a Append,
    /// Runs for which this append wrote inputs.
    pub(super) woken: Vec<RunId>,
    /// Whether the place that it begins by asking for is its own.
    pub(super) entry: Entry,
}

pub(super) enum Passage {
    Free,
    Refused(Appended),
}

impl State {
    pub(super) fn append(
        &mut self,
        epoch: Epoch,
        items: Vec<Append>,
    ) -> Result<Vec<Appended>, StoreError> {
        self.stands(epoch)?;
        Ok(items.into_iter().map(|item| self.append_one(epoch, item)).collect())
    }

    fn append_one(&mut self, epoch: Epoch, item: Append) -> Appended {
        for passage in [self.pass(epoch, &item), self.judge(&item)] {
            if let Passage::Refused(answer) = passage {
                return answer;
            }
        }
        self.begin(epoch, &item);
        let (mut entry, mut woken) = self.follow(&item, 0);
        let mut written = item;
        if entry == Entry::Admitted
            && let Some(admitted) = written.of_admitted()
        {
            let behind = std::mem::replace(&mut written, admitted).events.len();
            let (_, more) = self.follow(&written, behind);
            woken.extend(more);
        } else {
            entry = Entry::AsAsked;
        }
        for id in &written.inputs {
            self.inputs.remove(&(written.run, *id));
        }
        Appended::Written { position: self.write(written), woken, entry }
    }

    /// Changes what follows from the events behind the first few.
    fn follow(&mut self, item: &Append, behind: usize) -> (Entry, Vec<RunId>) {
        let mut writing = Writing { item, woken: Vec::new(), entry: Entry::AsAsked };
        for change in changes(item.events.get(behind..).unwrap_or_default()) {
            self.change(&mut writing, change);
        }
        (writing.entry, writing.woken)
    }

    fn pass(&self, epoch: Epoch, item: &Append) -> Passage {
        if let Beginning::Run { key: Some(key), .. } = &item.beginning
            && let Some((run, _)) = self.starts.get(key)
        {
            return Passage::Refused(Appended::Repeated { run: *run });
        }
        match (&item.beginning, self.runs.get(&item.run)) {
            (Beginning::Run { .. }, None) if item.n == 0 => Passage::Free,
            (Beginning::No, Some(gate)) if gate.next == item.n && gate.epoch == epoch => {
                Passage::Free
            }
            (Beginning::Run { .. } | Beginning::No, _) => Passage::Refused(Appended::Conflict),
        }
    }

    fn begin(&mut self, epoch: Epoch, item: &Append) {
        let Beginning::Run { plan, stored_plan, files, key, .. } = &item.beginning else { return };
        if let Some(key) = key {
            self.starts.insert(key.clone(), (item.run, item.now.civil));
        }
        let used = files.iter().map(|name| (name.clone(), User::Plan(plan.clone())));
        self.blob_uses.extend(used);
        self.plans.entry(plan.clone()).or_insert_with(|| stored_plan.clone());
        let gate = Gate { summary: item.summary.clone(), epoch, next: 0, unclean_ends: 0 };
        self.runs.insert(item.run, gate);
    }

    fn change(&mut self, writing: &mut Writing<'_>, change: RowChange<'_>) {
        match change {
            RowChange::Ask(ask) => self.ask(writing, (writing.item.run, &ask)),
            RowChange::Release { resource, claimed } => {
                self.give_back(writing.item.run, &resource);
                self.admit(writing, (&resource, claimed));
            }
            RowChange::TellParent { run, stage } => {
                let message = Message::ChildEnded { stage: stage.to_owned() };
                self.tell_run(writing, (run, InputCause::Request), message);
            }
            RowChange::Record { stage, target, set } => {
                self.record(Recorded { item: writing.item, stage, target, set });
            }
            RowChange::Prove { target, proof } => self.prove(writing.item.run, target, proof),
        }
    }

    fn write(&mut self, item: Append) -> Position {
        for Blob { name, sealed } in item.blobs {
            self.blob_uses.insert((name.clone(), User::Run(item.run)));
            self.blobs.entry(name).or_insert(sealed);
        }
        if item.summary.status.has_ended() {
            self.details.retain(|(run, _), _| *run != item.run);
        }
        let Some(gate) = self.runs.get_mut(&item.run) else { return self.head() };
        gate.summary = item.summary;
        if item.events.is_empty() {
            return self.head();
        }
        gate.next += 1;
        gate.unclean_ends = 0;
        let row = usize::try_from(item.n).unwrap_or(usize::MAX);
        self.feed.push(Place::Run { run: item.run, row });
        let Append { run, n, now, events, .. } = item;
        let row = LogRow { run, n, position: self.head(), now, events };
        self.logs.entry(run).or_default().push(row);
        self.head()
    }
}
