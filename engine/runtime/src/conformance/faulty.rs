//! A store whose appends fail as a script says: what a lost connection, or a full disk, looks like
//! to the engine.

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
    status::RunStatus,
    store::{
        AgedFilter, Append, Appended, AttemptKey, Beginning, Came, Candidate, Chunk, Cleared,
        Detail, Extent, Foreseen, Forgetting, Gate, Inbox, InboxReader, Lease, LeaseError,
        LogAppend, LogAppended, LogReader, LogRow, Page, Request, RunFilter, Store, StoreError,
        Submitted, Summary, Takeover,
    },
};
use std::{sync::Arc, time::Duration};

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Refused before anything was written.
    Unavailable,
    /// Nothing was written, and nobody can say so.
    LostBefore,
    /// All was written, and the answer is lost.
    LostAfter,
    /// It arrives only after this time, even if whoever sent it is gone by then.
    Late(Duration),
    /// An item that nobody may write joins the batch; the others are none of its business.
    StaleNeighbour,
}

/// Asked once for each append, before it.
pub type Script = Box<dyn Fn(&[Append]) -> Fault + Send + Sync>;

/// Asked before each renewal of the lease.
pub type Renewals = Box<dyn Fn() -> Fault + Send + Sync>;

/// Asked before each write of the inbox.
pub type Letters = Box<dyn Fn() -> Fault + Send + Sync>;

pub struct Faulty<S> {
    inner: S,
    script: Script,
    renewals: Renewals,
    letters: Letters,
}

impl<S: Store + Clone + 'static> Faulty<S> {
    pub fn new(inner: S, script: Script) -> Faulty<S> {
        let (renewals, letters) = (Box::new(|| Fault::None), Box::new(|| Fault::None));
        Faulty { inner, script, renewals, letters }
    }

    /// Lets what the inbox writes fail too.
    #[must_use]
    pub fn with_letters(self, letters: Letters) -> Faulty<S> {
        Faulty { letters, ..self }
    }

    /// Writes, as the script says.
    fn written<T: Send + 'static>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let fault = (self.letters)();
        Box::pin(async move {
            match fault {
                Fault::None | Fault::StaleNeighbour => write.await,
                Fault::Unavailable => Err(StoreError::Unavailable("as scripted".to_owned())),
                Fault::LostBefore => Err(StoreError::Unknown("as scripted".to_owned())),
                Fault::LostAfter => {
                    write.await?;
                    Err(StoreError::Unknown("as scripted".to_owned()))
                }
                Fault::Late(after) => {
                    let landing = tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        write.await
                    });
                    landing
                        .await
                        .unwrap_or_else(|error| Err(StoreError::Unknown(error.to_string())))
                }
            }
        })
    }

    /// Lets renewals fail too: to the engine, its lease runs out.
    #[must_use]
    pub fn with_renewals(self, renewals: Renewals) -> Faulty<S> {
        Faulty { renewals, ..self }
    }

    async fn late(
        &self,
        (epoch, items): (Epoch, Vec<Append>),
        after: Duration,
    ) -> Result<Vec<Appended>, StoreError> {
        let inner = self.inner.clone();
        let landing = tokio::spawn(async move {
            tokio::time::sleep(after).await;
            inner.append(epoch, items).await
        });
        landing.await.unwrap_or_else(|error| Err(StoreError::Unknown(error.to_string())))
    }
}

macro_rules! delegate {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        fn $name(&self, $($argument: $type),*) -> BoxFuture<'_, $answer> {
            self.inner.$name($($argument),*)
        }
    )*};
}

impl<S: Store + Clone + 'static> LogReader for Faulty<S> {
    delegate! {
        fn gate(run: RunId) -> Result<Option<Gate>, StoreError>;
        fn log(run: RunId, from: u64) -> Result<Vec<LogRow>, StoreError>;
        fn after(position: Position, limit: u32) -> Result<Page, StoreError>;
        fn head() -> Result<Position, StoreError>;
        fn runs(filter: RunFilter) -> Result<Vec<Summary>, StoreError>;
        fn unfinished() -> Result<Vec<Gate>, StoreError>;
        fn inputs(run: RunId) -> Result<Vec<InputRow>, StoreError>;
        fn runs_with_inputs() -> Result<Vec<RunId>, StoreError>;
        fn queue(resource: &Resource) -> Result<Queue, StoreError>;
        fn revisions(target: &Target) -> Result<Vec<Revision>, StoreError>;
        fn targets() -> Result<Vec<Target>, StoreError>;
        fn started(key: &str) -> Result<Option<RunId>, StoreError>;
        fn plan(hash: &PlanHash) -> Result<Option<String>, StoreError>;
        fn blob(name: &BlobName) -> Result<Option<Vec<u8>>, StoreError>;
        fn details(run: RunId) -> Result<Vec<Detail>, StoreError>;
        fn stage_logs(run: RunId) -> Result<Vec<(AttemptKey, Extent)>, StoreError>;
        fn stage_log_extent(key: &AttemptKey) -> Result<Extent, StoreError>;
        fn stage_log(key: &AttemptKey, from: u64, limit: u32) -> Result<Vec<Chunk>, StoreError>;
        fn lease() -> Result<Option<Lease>, StoreError>;
        fn written_after(position: Position) -> ();
    }
}

impl<S: Store + Clone + 'static> InboxReader for Faulty<S> {
    delegate! {
        fn deliveries(filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;
        fn delivery(id: DeliveryId) -> Result<Option<Delivery>, StoreError>;
        fn delivery_body(id: DeliveryId) -> Result<Option<Vec<u8>>, StoreError>;
        fn pending_deliveries(after: DeliveryId, limit: u32) -> Result<Vec<Delivery>, StoreError>;
        fn refusals() -> Result<Vec<Refusal>, StoreError>;
        fn mark(key: &str) -> Result<Option<String>, StoreError>;
        fn marks(prefix: &str) -> Result<Vec<Mark>, StoreError>;
    }
}

impl<S: Store + Clone + 'static> Inbox for Faulty<S> {
    fn arrive(
        &self,
        epoch: Epoch,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>> {
        let inner = self.inner.clone();
        self.written(async move { inner.arrive(epoch, arrivals, marks).await })
    }

    fn arrive_foreseen(
        &self,
        epoch: Epoch,
        arrival: Arrival,
        foreseen: Arc<dyn Foreseen>,
    ) -> BoxFuture<'_, Result<Came, StoreError>> {
        let inner = self.inner.clone();
        self.written(async move { inner.arrive_foreseen(epoch, arrival, foreseen).await })
    }

    fn decide(&self, epoch: Epoch, decided: Decided) -> BoxFuture<'_, Result<(), StoreError>> {
        let inner = self.inner.clone();
        self.written(async move { inner.decide(epoch, decided).await })
    }

    delegate! {
        fn waits(id: DeliveryId, reason: String) -> Result<(), StoreError>;
        fn record(epoch: Epoch, now: Now, facts: Vec<Fact>) -> Result<Position, StoreError>;
        fn forget_deliveries(epoch: Epoch, before: Civil) -> Result<u64, StoreError>;
        fn forget_marks(epoch: Epoch, keys: Vec<String>) -> Result<(), StoreError>;
    }
}

impl<S: Store + Clone + 'static> Forgetting for Faulty<S> {
    delegate! {
        fn aged(filter: AgedFilter) -> Result<Vec<Aged>, StoreError>;
        fn forget_runs(epoch: Epoch, runs: Vec<RunId>) -> Result<Vec<RunId>, StoreError>;
        fn clear(epoch: Epoch) -> Result<Cleared, StoreError>;
        fn forget_requests(epoch: Epoch, span: (String, Civil)) -> Result<Option<String>, StoreError>;
    }
}

impl<S: Store + Clone + 'static> Store for Faulty<S> {
    delegate! {
        fn acquire(candidate: Candidate, takeover: Takeover) -> Result<Lease, LeaseError>;
        fn release(epoch: Epoch) -> Result<(), StoreError>;
        fn submit(request: Request) -> Result<Submitted, StoreError>;
        fn number(application: &str, pipeline: &str) -> Result<u64, StoreError>;
        fn append_stage_log(epoch: Epoch, append: LogAppend) -> Result<LogAppended, StoreError>;
        fn tell(details: Vec<Detail>) -> Result<(), StoreError>;
    }

    fn renew(&self, epoch: Epoch) -> BoxFuture<'_, Result<(), StoreError>> {
        let fault = (self.renewals)();
        Box::pin(async move {
            match fault {
                Fault::None => self.inner.renew(epoch).await,
                Fault::Unavailable => Err(StoreError::Unavailable("as scripted".to_owned())),
                Fault::LostBefore => Err(StoreError::Unknown("as scripted".to_owned())),
                Fault::StaleNeighbour | Fault::Late(_) => self.inner.renew(epoch).await,
                Fault::LostAfter => {
                    self.inner.renew(epoch).await?;
                    Err(StoreError::Unknown("as scripted".to_owned()))
                }
            }
        })
    }

    fn append(
        &self,
        epoch: Epoch,
        items: Vec<Append>,
    ) -> BoxFuture<'_, Result<Vec<Appended>, StoreError>> {
        let fault = (self.script)(&items);
        Box::pin(async move {
            match fault {
                Fault::None => self.inner.append(epoch, items).await,
                Fault::Unavailable => Err(StoreError::Unavailable("as scripted".to_owned())),
                Fault::LostBefore => Err(StoreError::Unknown("as scripted".to_owned())),
                Fault::Late(after) => self.late((epoch, items), after).await,
                Fault::StaleNeighbour => {
                    let stale = items.last().map(stale);
                    let all = items.into_iter().chain(stale).collect();
                    let mut answers = self.inner.append(epoch, all).await?;
                    answers.pop();
                    Ok(answers)
                }
                Fault::LostAfter => {
                    self.inner.append(epoch, items).await?;
                    Err(StoreError::Unknown("as scripted".to_owned()))
                }
            }
        })
    }
}

/// The same append by somebody who believes that the run is further and was cancelled.
fn stale(item: &Append) -> Append {
    let summary = Summary { status: RunStatus::Cancelled, ..item.summary.clone() };
    Append { n: item.n + 7, summary, beginning: Beginning::No, ..item.clone() }
}
