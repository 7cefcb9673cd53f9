//! What must be masked in the answer of a call.

use super::Shop;
use crate::{
    mask::Mask,
    secrets::{Secrets, Wanted},
};
use engine_core::Plan;
use std::sync::Arc;

/// The secrets of a run's plan, and where they are found.
///
/// Whatever a call may come across, an earlier process may have sent: every secret that the run
/// uses is known to the mask before the call begins. One that is not found cannot be shown.
pub(crate) struct Masking {
    secrets: Secrets,
    wanted: Vec<Wanted>,
}

impl Masking {
    pub(crate) fn new(shop: &Shop, plan: &Plan) -> Masking {
        let wanted = plan.secrets().iter().map(|used| Wanted {
            name: used.name.clone(),
            application: plan.document().application.clone(),
            environment: used.environment.clone(),
        });
        Masking { secrets: shop.backing.secrets.clone(), wanted: wanted.collect() }
    }

    /// The mask, once it knows them all.
    pub(crate) async fn learned(&self) -> Arc<Mask> {
        if !self.wanted.is_empty() {
            let (secrets, wanted) = (self.secrets.clone(), self.wanted.clone());
            let learned = tokio::task::spawn_blocking(move || {
                wanted.iter().for_each(|wanted| drop(secrets.find(wanted)));
            });
            drop(learned.await);
        }
        self.secrets.mask.clone()
    }
}
