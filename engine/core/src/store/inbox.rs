//! Where what arrives is kept until it is decided, and after.

use super::{Append, Appended, StoreError};
use crate::{
    BoxFuture,
    clock::{Civil, Now},
    delivery::{Arrival, Decided, Decision, Delivery, DeliveryFilter, Kept, Mark},
    fact::{Fact, Refusal},
    id::{DeliveryId, Epoch, Position},
};
use std::sync::Arc;

/// The most facts in one row.
pub const FACTS: usize = 128;

/// Reads may be repeated at will; each sees what was committed before it began.
pub trait InboxReader: Send + Sync + 'static {
    /// Newest first.
    fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>>;
    fn delivery(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Delivery>, StoreError>>;
    /// Its body as it was kept, sealed; none if it had none, or is gone.
    fn delivery_body(&self, id: DeliveryId) -> BoxFuture<'_, Result<Option<Vec<u8>>, StoreError>>;
    /// Those that came after `after` and are not decided, oldest first.
    fn pending_deliveries(
        &self,
        after: DeliveryId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Delivery>, StoreError>>;
    /// What was refused at the doors, by door and reason.
    fn refusals(&self) -> BoxFuture<'_, Result<Vec<Refusal>, StoreError>>;
    fn mark(&self, key: &str) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
    /// Those whose key begins so, in the order of their keys.
    fn marks(&self, prefix: &str) -> BoxFuture<'_, Result<Vec<Mark>, StoreError>>;
}

/// What something that arrives comes to, known before it is kept but for its own number.
pub trait Foreseen: Send + Sync + 'static {
    /// Asked within the transaction, once it has its number, and again if that is begun again: what it
    /// answered last is what was written. Nothing, if it is to be decided later after all. Waits for
    /// nothing, and draws from the store no more than [`super::Store::number`] has in memory.
    fn come_to(&self, id: DeliveryId) -> Option<Foretold>;
}

/// A decision, and the run that begins by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Foretold {
    pub decision: Decision,
    pub begins: Option<Append>,
}

/// What has become of something that was foreseen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Came {
    /// It is kept, decided as foreseen, and what was to begin is written.
    Decided { id: DeliveryId, begun: Option<Appended> },
    /// It has come before; or its run could not begin, and it is to be decided like any other.
    Kept(Kept),
}

/// Writes.
///
/// # Contract
///
/// Each call is one transaction, durable when it is answered: a poll's findings and its cursor, a
/// decision and what its triggers have thereby accepted, are there together or not at all. Within a
/// door a key stands once. What is kept or decided, and that it was, is told in one transaction: a row
/// of the stream `system` has it, so that the feeds tell it.
pub trait Inbox: InboxReader {
    /// The answers stand in the order of the arrivals.
    fn arrive(
        &self,
        epoch: Epoch,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, StoreError>>;
    /// Keeps what arrives, and with it what it comes to.
    fn arrive_foreseen(
        &self,
        epoch: Epoch,
        arrival: Arrival,
        foreseen: Arc<dyn Foreseen>,
    ) -> BoxFuture<'_, Result<Came, StoreError>>;
    /// Ends a delivery; one that has ended stays as it is.
    fn decide(&self, epoch: Epoch, decided: Decided) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Says what a delivery that is not decided waits for. May be lost in a crash.
    fn waits(&self, id: DeliveryId, reason: String) -> BoxFuture<'_, Result<(), StoreError>>;
    /// Tells facts about no run, at most [`FACTS`] of them. Refusals are added to what is known of
    /// their door and reason.
    fn record(
        &self,
        epoch: Epoch,
        now: Now,
        facts: Vec<Fact>,
    ) -> BoxFuture<'_, Result<Position, StoreError>>;
    /// Takes away what was decided before `civil` milliseconds, every body that came before them, what
    /// triggers last accepted before them ([`ACCEPTED`](crate::delivery::ACCEPTED)), and what the stream
    /// `system` told until then, but for its newest row; answers with how many deliveries.
    fn forget_deliveries(
        &self,
        epoch: Epoch,
        before: Civil,
    ) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// Takes marks away; one that is not there is no fault.
    fn forget_marks(
        &self,
        epoch: Epoch,
        keys: Vec<String>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;
}
