//! The stream `system`, in memory.

use super::state::{Place, State};
use engine_core::{
    clock::{Civil, Now},
    fact::{Fact, Refusal},
    id::{Epoch, Position},
    store::{StoreError, SystemRow},
};

impl State {
    pub(super) fn record_facts(
        &mut self,
        epoch: Epoch,
        (now, facts): (Now, Vec<Fact>),
    ) -> Result<Position, StoreError> {
        self.stands(epoch)?;
        for fact in &facts {
            match fact {
                Fact::PostsRefused(refusal) => self.add(refusal),
                Fact::DeliveryArrived { .. }
                | Fact::DeliveryDecided { .. }
                | Fact::ConfigurationTaken { .. }
                | Fact::ConfigurationRefused { .. } => {}
            }
        }
        Ok(self.tell_system(now, facts))
    }

    fn add(&mut self, refusal: &Refusal) {
        let key = (refusal.door.clone(), refusal.reason);
        let now = refusal.clone().since(self.refusals.get(&key));
        self.refusals.insert(key, now);
    }

    pub(super) fn tell_system(&mut self, now: Now, facts: Vec<Fact>) -> Position {
        let n = self.system.last_key_value().map_or(0, |(newest, _)| newest + 1);
        self.feed.push(Place::System { n });
        let position = self.head();
        self.system.insert(n, SystemRow { n, position, now, facts });
        position
    }

    pub(super) fn listed_refusals(&self) -> Vec<Refusal> {
        let mut listed: Vec<Refusal> = self.refusals.values().cloned().collect();
        listed.sort_by_key(|refusal| std::cmp::Reverse(refusal.last));
        listed
    }

    /// The newest row stays: numbers go on from it.
    pub(super) fn forget_system(&mut self, before: Civil) {
        let newest = self.system.last_key_value().map(|(newest, _)| *newest);
        let young = self.system.values().find(|row| row.now.civil >= before).map(|row| row.n);
        if let Some(first) = young.or(newest) {
            self.system = self.system.split_off(&first);
        }
        self.refusals.retain(|_, refusal| refusal.last >= before);
    }
}
