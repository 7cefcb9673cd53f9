//! What has arrived, and what became of it.

use super::Reader;
use engine_core::{
    delivery::{Delivery, DeliveryFilter},
    id::DeliveryId,
    store::StoreError,
};

impl Reader {
    /// Newest first.
    pub async fn deliveries(&self, filter: DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.log.deliveries(filter).await
    }

    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.log.delivery(id).await
    }
}
