//! Whether the key that was handed in is the one that the store's blobs are sealed with.

use crate::seal::Sealer;
use engine_core::{
    delivery::Mark,
    id::Epoch,
    store::{LeaseError, Store},
};

/// Under which the key's own name for a content that everybody knows is kept.
const MARK: &str = "seal/key";
const CONTENT: &[u8] = b"which key this is";

/// The first engine of a store says which key it has; a later one with another gives the lease back.
///
/// # Errors
///
/// When the key is another one, or the store does not answer.
pub(super) async fn agree(
    (store, epoch): (&dyn Store, Epoch),
    sealer: &Sealer,
) -> Result<(), LeaseError> {
    let own = sealer.name(CONTENT).0;
    match store.mark(MARK).await? {
        Some(known) if known == own => Ok(()),
        Some(_) => {
            store.release(epoch).await?;
            Err(LeaseError::OtherKey)
        }
        None => {
            let mark = Mark { key: MARK.to_owned(), value: own };
            if let Err(error) = store.arrive(epoch, Vec::new(), vec![mark]).await {
                tracing::warn!(%error, "which key seals is not recorded; the next engine does it");
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conformance::sample::World, memory::Memory};
    use engine_core::store::LogReader;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_store_keeps_to_the_key_that_it_was_begun_with() {
        let store = Arc::new(Memory::default());
        let world = World::on(store.clone()).await.unwrap();
        let [first, other] = [1, 2].map(|byte| Sealer::with_key(&[byte; 32]).unwrap());
        for _ in 0..2 {
            assert_eq!(agree((&*store, world.epoch), &first).await, Ok(()));
        }
        assert_eq!(agree((&*store, world.epoch), &other).await, Err(LeaseError::OtherKey));
        assert_eq!(LogReader::lease(&*store).await.unwrap(), None);
    }
}
