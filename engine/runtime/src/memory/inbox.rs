//! What arrives, in memory.

use super::state::State;
use engine_core::{
    clock::Civil,
    delivery::{
        ACCEPTED, Arrival, Decided, Delivery, DeliveryFilter, Door, Kept, Mark, State as Stand,
    },
    fact::Fact,
    id::{DeliveryId, Epoch},
    store::{Appended, Came, Foreseen, Foretold, StoreError},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Deliveries {
    last: u64,
    rows: BTreeMap<DeliveryId, Delivery>,
    keys: BTreeMap<(Door, String), DeliveryId>,
    bodies: BTreeMap<DeliveryId, Vec<u8>>,
    marks: BTreeMap<String, String>,
    /// When it was last said what was accepted, by the key of that mark.
    accepted: BTreeMap<String, Civil>,
}

impl State {
    pub(super) fn arrive(
        &mut self,
        epoch: Epoch,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> Result<Vec<Kept>, StoreError> {
        self.stands(epoch)?;
        let (mut kept, mut facts, mut at) = (Vec::with_capacity(arrivals.len()), Vec::new(), None);
        for arrival in arrivals {
            let (by, now) = (arrival.door.clone(), arrival.at);
            let answer = self.deliveries.keep(arrival);
            if let Kept::New(delivery) = answer {
                facts.push(Fact::DeliveryArrived { delivery, by });
                at = Some(now);
            }
            kept.push(answer);
        }
        self.deliveries.write(marks);
        if let Some(at) = at {
            self.tell_system(at, facts);
        }
        Ok(kept)
    }

    pub(super) fn arrive_foreseen(
        &mut self,
        epoch: Epoch,
        arrival: Arrival,
        foreseen: &dyn Foreseen,
    ) -> Result<Came, StoreError> {
        let kept = self.arrive(epoch, vec![arrival], Vec::new())?;
        let kept = kept.into_iter().next().ok_or_else(unanswered)?;
        let Kept::New(id) = kept else { return Ok(Came::Kept(kept)) };
        let Some(Foretold { decision, begins }) = foreseen.come_to(id) else {
            return Ok(Came::Kept(kept));
        };
        let begun = self.append(epoch, begins.into_iter().collect())?.pop();
        match begun {
            Some(Appended::Written { .. }) | None => {}
            Some(Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. }) => {
                return Ok(Came::Kept(kept));
            }
        }
        self.decide(epoch, Decided { id, decision, marks: Vec::new() })?;
        Ok(Came::Decided { id, begun })
    }

    pub(super) fn decide(
        &mut self,
        epoch: Epoch,
        Decided { id, decision, marks }: Decided,
    ) -> Result<(), StoreError> {
        self.stands(epoch)?;
        let Some(row) = self.deliveries.rows.get_mut(&id) else { return Ok(()) };
        if let Stand::Pending { .. } = row.state {
            let (at, started) = (decision.at, decision.started());
            row.state = Stand::Decided(decision);
            let keys = marks.iter().map(|mark| (mark.key.clone(), at.civil));
            self.deliveries.accepted.extend(keys);
            self.deliveries.write(marks);
            self.tell_system(at, vec![Fact::DeliveryDecided { delivery: id, started }]);
        }
        Ok(())
    }

    pub(super) fn forget_deliveries(
        &mut self,
        epoch: Epoch,
        before: Civil,
    ) -> Result<u64, StoreError> {
        self.stands(epoch)?;
        self.forget_system(before);
        let all = &mut self.deliveries;
        let is_old = |row: &Delivery| row.at.civil < before;
        let old: Vec<DeliveryId> =
            all.rows.values().filter(|row| is_old(row)).map(|row| row.id).collect();
        all.bodies.retain(|id, _| !old.contains(id));
        let length = all.rows.len();
        all.rows.retain(|_, row| !(is_old(row) && matches!(row.state, Stand::Decided(_))));
        let rows = &all.rows;
        all.keys.retain(|_, id| rows.contains_key(id));
        let accepted = &all.accepted;
        let is_old = |key: &String| accepted.get(key).is_some_and(|at| *at < before);
        all.marks.retain(|key, _| !(key.starts_with(ACCEPTED) && is_old(key)));
        Ok((length - all.rows.len()) as u64)
    }

    pub(super) fn forget_marks(&mut self, epoch: Epoch, keys: &[String]) -> Result<(), StoreError> {
        self.stands(epoch)?;
        keys.iter().for_each(|key| drop(self.deliveries.marks.remove(key)));
        Ok(())
    }
}

impl Deliveries {
    fn keep(&mut self, arrival: Arrival) -> Kept {
        let key = (arrival.door.clone(), arrival.key.clone());
        if let Some(id) = self.keys.get(&key) {
            return match self.rows.get(id).is_some_and(|row| row.digest == arrival.digest) {
                true => Kept::Repeated(*id),
                false => Kept::Conflict(*id),
            };
        }
        self.last += 1;
        let id = DeliveryId(self.last);
        let Arrival { door, key: name, digest, at, content, body } = arrival;
        let state = Stand::Pending { waits_for: None };
        self.rows.insert(id, Delivery { id, door, key: name, digest, at, content, state });
        self.keys.insert(key, id);
        self.bodies.extend(body.map(|body| (id, body)));
        Kept::New(id)
    }

    fn write(&mut self, marks: Vec<Mark>) {
        self.marks.extend(marks.into_iter().map(|mark| (mark.key, mark.value)));
    }

    pub(super) fn waits(&mut self, id: DeliveryId, reason: String) {
        if let Some(Delivery { state: Stand::Pending { waits_for }, .. }) = self.rows.get_mut(&id) {
            *waits_for = Some(reason);
        }
    }

    pub(super) fn listed(&self, filter: &DeliveryFilter) -> Vec<Delivery> {
        let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
        let newest_first = self.rows.values().rev();
        let wanted = newest_first.filter(|row| filter.before.is_none_or(|before| row.id < before));
        wanted.take(limit).cloned().collect()
    }

    pub(super) fn one(&self, id: DeliveryId) -> Option<Delivery> {
        self.rows.get(&id).cloned()
    }

    pub(super) fn body(&self, id: DeliveryId) -> Option<Vec<u8>> {
        self.bodies.get(&id).cloned()
    }

    pub(super) fn pending(&self, after: DeliveryId, limit: u32) -> Vec<Delivery> {
        let rows = self.rows.values().filter(|row| row.id > after);
        let pending = rows.filter(|row| matches!(row.state, Stand::Pending { .. }));
        pending.take(limit as usize).cloned().collect()
    }

    pub(super) fn mark(&self, key: &str) -> Option<String> {
        self.marks.get(key).cloned()
    }

    pub(super) fn marks(&self, prefix: &str) -> Vec<Mark> {
        let from = self.marks.range(prefix.to_owned()..);
        let those = from.take_while(|(key, _)| key.starts_with(prefix));
        those.map(|(key, value)| Mark { key: key.clone(), value: value.clone() }).collect()
    }
}

fn unanswered() -> StoreError {
    StoreError::Damaged("a delivery got no answer".to_owned())
}
