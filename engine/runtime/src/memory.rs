//! The store that lives as long as its process: rehearsals and simulations run on it. It is
//! deterministic, and asks for neither clock nor thread.

mod append;
mod forgetting;
mod inbox;
mod lease;
mod logs;
mod queues;
mod revisions;
mod state;
mod system;

use engine_core::{
    BoxFuture,
    admission::Queue,
    clock::{Civil, Now},
    delivery::{Arrival, Decided, Delivery, DeliveryFilter, Kept, Mark},
    event::InputRow,
    fact::{Fact, Refusal},
    id::{BlobName, DeliveryId, Epoch, PlanHash, Position, Resource, RunId},
    retention::Aged,
    revision::{Revision, Target},
    store::{
        AgedFilter, Append, Appended, AttemptKey, Came, Candidate, Chunk, Cleared, Detail, Extent,
        Foreseen, Forgetting, Gate, Inbox, InboxReader, Lease, LeaseError, LogAppend, LogAppended,
        LogReader, LogRow, Page, Request, RunFilter, Store, StoreError, Submitted, Summary,
        Takeover,
    },
};
use state::State;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// A handle; clones share one content, so that an engine that "died" is followed by one that finds
/// what it wrote.
#[derive(Clone, Default)]
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// The last number of each pipeline's runs. They are drawn while the state is locked, too.
    numbers: Mutex<BTreeMap<(String, String), u64>>,
    head: watch::Sender<Position>,
}

impl Default for Shared {
    fn default() -> Shared {
        let (state, numbers) = (Mutex::default(), Mutex::default());
        Shared { state, numbers, head: watch::Sender::new(Position(0)) }
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call is over before its future is polled a second time: no lock is held over an await.
    fn with<'a, T: Send + 'a>(
        &'a self,
        act: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move { act(&mut self.state()) })
    }
}

impl Memory {
    /// The same of what may add to the log: whoever follows it is told.
    fn telling<'a, T: Send + 'a>(
        &'a self,
        act: impl FnOnce(&mut State) -> T + Send + 'a,
    ) -> BoxFuture<'a, T> {
        Box::pin(async move {
            let (answer, head) = {
                let mut state = self.state();
                (act(&mut state), state.head())
            };
            self.shared.head.send_replace(head);
            answer
        })
    }
}

impl LogReader for Memory {
    fn gate(&self, run: RunId) -> BoxFuture<'_, Result<Option<Gate>, StoreError>> {
        self.with(move |state| Ok(state.runs.get(&run).cloned()))
    }

    fn log(&self, run: RunId, from: u64) -> BoxFuture<'_, Result<Vec<LogRow>, StoreError>> {
        self.with(move |state| Ok(state.log(run, from)))
    }

    fn after(&self, position: Position, limit: u32) -> BoxFuture<'_, Result<Page, StoreError>> {
        self.with(move |state| Ok(state.after(position, limit)))
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.with(|state| Ok(state.head()))
    }

    fn runs(&self, filter: RunFilter) -> BoxFuture<'_, Result<Vec<Summary>, StoreError>> {
        self.with(move |state| Ok(state.listed(&filter)))
    }

    fn unfinished(&self) -> BoxFuture<'_, Result<Vec<Gate>, StoreError>> {
        self.with(|state| Ok(state.unfinished().cloned().collect()))
    }

    fn inputs(&self, run: RunId) -> BoxFuture<'_, Result<Vec<InputRow>, StoreError>> {
        self.with(move |state| Ok(state.inputs_of(run)))
    }

    fn runs_with_inputs(&self) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        self.with(|state| {
            let runs: std::collections::BTreeSet<RunId> =
                state.inputs.keys().map(|(run, _)| *run).collect();
            Ok(runs.into_iter().collect())
        })
    }

    fn queue(&self, resource: &Resource) -> BoxFuture<'_, Result<Queue, StoreError>> {
        let resource = resource.clone();
        self.with(move |state| Ok(state.queues.get(&resource).cloned().unwrap_or_default()))
    }

    fn targets(&self) -> BoxFuture<'_, Result<Vec<Target>, StoreError>> {
        self.with(move |state| {
            let recorded = state.revisions.iter().filter(|(_, all)| !all.is_empty());
            Ok(recorded.map(|(target, _)| target.clone()).collect())
        })
    }

    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, StoreError>> {
        let target = target.clone();
        self.with(move |state| Ok(state.revisions.get(&target).cloned().unwrap_or_default()))
    }

    fn started(&self, key: &str) -> BoxFuture<'_, Result<Option<RunId>, StoreError>> {
        let key = key.to_owned();
        self.with(move |state| Ok(state.starts.get(&key).map(|(run, _)| *run)))
    }

    fn plan(&self, hash: &PlanHash) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let hash = hash.clone();
        self.with(move |state| Ok(state.plans.get(&hash).cloned()))
    }

    fn blob(&self, name: &BlobName) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        let name = name.clone();
        self.with(move |state| Ok(state.blobs.get(&name).cloned()))
    }

    fn details(&self, run: RunId) -> BoxFuture<'_, Result<Vec<Detail>, StoreError>> {
        self.with(move |state| Ok(state.details_of(run)))
    }

    fn stage_logs(
        &self,
        run: RunId,
    ) -> BoxFuture<'_, Result<Vec<(AttemptKey, Extent)>, StoreError>> {
        self.with(move |state| Ok(state.stage_logs_of(run)))
    }

    fn stage_log_extent(&self, key: &AttemptKey) -> BoxFuture<'_, Result<Extent, StoreError>> {
        let key = key.clone();
        self.with(move |state| Ok(state.stage_log_extent(&key)))
    }

    fn stage_log(
        &self,
        key: &AttemptKey,
        from: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Chunk>, StoreError>> {
        let key = key.clone();
        self.with(move |state| Ok(state.stage_log(&key, from, limit)))
    }

    fn lease(&self) -> BoxFuture<'_, Result<Option<Lease>, StoreError>> {
        self.with(|state| Ok(state.lease.clone()))
    }

    fn written_after(&self, position: Position) -> BoxFuture<'_, ()> {
        let mut head = self.shared.head.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, so waiting ends only by a write.
            drop(head.wait_for(|head| *head > position).await);
        })
    }
}

impl InboxReader for Memory {
    fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>> {
        self.with(move |state| Ok(state.deliveries.listed(&filter)))
    }

    fn delivery(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Delivery>, StoreError>> {
        self.with(move |state| Ok(state.deliveries.one(id)))
    }

    fn delivery_body(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>> {
        self.with(move |state| Ok(state.deliveries.body(id)))
    }

    fn pending_deliveries(
        &self,
        after: DeliveryId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>> {
        self.with(move |state| Ok(state.deliveries.pending(after, limit)))
    }

    fn refusals(&self) -> BoxFuture<'_, Result<Vec<Refusal>, StoreError>> {
        self.with(|state| Ok(state.listed_refusals()))
    }

    fn mark(&self, key: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        let key = key.to_owned();
        self.with(move |state| Ok(state.deliveries.mark(&key)))
    }

    fn marks(&self, prefix: &str) -> BoxFuture<'_, Result<Vec<Mark>, StoreError>> {
        let prefix = prefix.to_owned();
        self.with(move |state| Ok(state.deliveries.marks(&prefix)))
    }
}

impl Inbox for Memory {
    fn arrive(
        &self,
        epoch: Epoch,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        self.telling(move |state| state.arrive(epoch, arrivals, marks))
    }

    fn arrive_foreseen(
        &self,
        epoch: Epoch,
        arrival: Arrival,
        foreseen: Arc<dyn Foreseen>,
    ) -> BoxFuture<'_, Result<Came, StoreError>> {
        self.telling(move |state| state.arrive_foreseen(epoch, arrival, &*foreseen))
    }

    fn decide(&self, epoch: Epoch, decided: Decided) -> BoxFuture<'_, Result<(), StoreError>> {
        self.telling(move |state| state.decide(epoch, decided))
    }

    fn record(
        &self,
        epoch: Epoch,
        now: Now,
        facts: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.telling(move |state| state.record_facts(epoch, (now, facts)))
    }

    fn waits(&self, id: DeliveryId, reason: String) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with(move |state| {
            state.deliveries.waits(id, reason);
            Ok(())
        })
    }

    fn forget_deliveries(
        &self,
        epoch: Epoch,
        before: Civil,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.with(move |state| state.forget_deliveries(epoch, before))
    }

    fn forget_marks(
        &self,
        epoch: Epoch,
        keys: Vec<String>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with(move |state| state.forget_marks(epoch, &keys))
    }
}

impl Forgetting for Memory {
    fn aged(&self, filter: AgedFilter) -> BoxFuture<'_, Result<Vec<Aged>, StoreError>> {
        self.with(move |state| Ok(state.aged(filter)))
    }

    fn forget_runs(
        &self,
        epoch: Epoch,
        runs: Vec<RunId>,
    ) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        self.with(move |state| state.forget_runs(epoch, runs))
    }

    fn clear(&self, epoch: Epoch) -> BoxFuture<'_, Result<Cleared, StoreError>> {
        self.with(move |state| state.stands(epoch).map(|()| Cleared::All))
    }

    fn forget_requests(
        &self,
        epoch: Epoch,
        (_, before): (String, Civil),
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        self.with(move |state| state.forget_requests(epoch, before))
    }
}

impl Store for Memory {
    fn acquire(
        &self,
        candidate: Candidate,
        takeover: Takeover,
    ) -> BoxFuture<'_, Result<Lease, LeaseError>> {
        self.with(move |state| state.acquire(candidate, &takeover))
    }

    fn renew(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with(move |state| state.renew(epoch))
    }

    fn release(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with(move |state| state.release(epoch))
    }

    fn append(
        &self,
        epoch: Epoch,
        items: Vec<Append>,
    ) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        self.telling(move |state| state.append(epoch, items))
    }

    fn submit(&self, request: Request) -> BoxFuture<'_, Result<Submitted, StoreError>> {
        self.with(move |state| Ok(state.submit(request)))
    }

    fn number(&self, application: &str, pipeline: &str) -> BoxFuture<'_, Result<u64, StoreError>> {
        let name = (application.to_owned(), pipeline.to_owned());
        Box::pin(async move {
            let numbers = self.shared.numbers.lock();
            let mut numbers = numbers.unwrap_or_else(PoisonError::into_inner);
            let number = numbers.entry(name).or_default();
            *number += 1;
            Ok(*number)
        })
    }

    fn append_stage_log(
        &self,
        epoch: Epoch,
        append: LogAppend,
    ) -> BoxFuture<'_, Result<LogAppended, StoreError>> {
        self.with(move |state| state.append_stage_log(epoch, append))
    }

    fn tell(&self, details: Vec<Detail>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.with(move |state| {
            state.tell(details);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use engine_core::store::Store;
    use std::{convert::Infallible, sync::Arc};

    async fn fresh() -> Result<(Arc<dyn Store>, ()), Infallible> {
        Ok((Arc::new(Memory::default()), ()))
    }

    crate::hold_to_the_contract!(fresh);
}
