//! What has arrived, and what became of it.

use super::Reader;
use engine_core::{
    delivery::{Delivery, DeliveryFilter},
    fact::Refusal,
    id::DeliveryId,
    store::StoreError,
};

impl Reader {
    /// Newest first.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.log.deliveries(filter).await
    }

    /// What was posted and left no delivery, by door and reason; the newest first.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        self.log.refusals().await
    }

    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.log.delivery(id).await
    }
}
