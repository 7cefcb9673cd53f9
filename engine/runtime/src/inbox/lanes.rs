//! What is in memory of what has come in, by the place that it is about.

use engine_core::{delivery::Delivery, id::DeliveryId};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Deliveries of one lane that wait in memory: one whose place does not answer leaves room for all
/// others.
const DEEP: usize = 64;

/// Deliveries of one lane are decided in the order in which they came.
#[derive(Default)]
pub(super) struct Lanes {
    state: Mutex<State>,
    room: Notify,
}

#[derive(Default)]
struct State {
    lanes: HashMap<String, VecDeque<Delivery>>,
    /// Those that were read and are not decided.
    known: HashSet<DeliveryId>,
    /// The first that was left in the store because its lane was full, and those lanes.
    left: Option<DeliveryId>,
    full: HashSet<String>,
    /// Whether one of these lanes has room again.
    has_room: bool,
}

/// Where a delivery that was read has come to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// In a lane of its own, which somebody is to work on.
    First,
    Behind,
    /// Nowhere: it is read again when its lane has room.
    Left,
    /// It is there already.
    Known,
}

impl Lanes {
    pub(super) fn put(&self, name: &str, delivery: Delivery) -> Put {
        let mut state = self.state();
        let id = delivery.id;
        if state.known.contains(&id) {
            return Put::Known;
        }
        let depth = state.lanes.get(name).map_or(0, VecDeque::len);
        // Whoever comes behind one that was left is left too.
        if depth >= DEEP || state.full.contains(name) {
            state.full.insert(name.to_owned());
            state.left = Some(state.left.map_or(id, |first| first.min(id)));
            return Put::Left;
        }
        state.known.insert(id);
        match state.lanes.get_mut(name) {
            Some(lane) => {
                lane.push_back(delivery);
                Put::Behind
            }
            None => {
                state.lanes.insert(name.to_owned(), VecDeque::from([delivery]));
                Put::First
            }
        }
    }

    /// The lane's next delivery.
    pub(super) fn take(&self, name: &str) -> Option<Delivery> {
        let mut state = self.state();
        let next = state.lanes.get_mut(name)?.pop_front();
        let depth = state.lanes.get(name).map_or(0, VecDeque::len);
        if depth <= DEEP / 2 && state.full.contains(name) {
            state.has_room = true;
            self.room.notify_one();
        }
        next
    }

    /// The same; a lane without any is no more.
    pub(super) fn take_or_close(&self, name: &str) -> Option<Delivery> {
        let mut state = self.state();
        let next = state.lanes.get_mut(name)?.pop_front();
        if next.is_none() {
            state.lanes.remove(name);
        }
        next
    }

    /// It is written what became of one.
    pub(super) fn decided(&self, id: DeliveryId) {
        self.state().known.remove(&id);
    }

    pub(super) fn in_memory(&self) -> usize {
        self.state().known.len()
    }

    /// Whether all that was read is decided.
    pub(super) fn are_idle(&self) -> bool {
        let state = self.state();
        state.known.is_empty() && state.left.is_none()
    }

    /// From which delivery on is to be read again, now that some lane has room.
    pub(super) fn left_behind(&self) -> Option<DeliveryId> {
        let mut state = self.state();
        if !std::mem::take(&mut state.has_room) {
            return None;
        }
        state.full.clear();
        state.left.take()
    }

    pub(super) async fn has_room(&self) {
        self.room.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::{
        clock::{Civil, Elapsed, Now},
        delivery::{self, Content, Door},
    };

    fn delivery(id: u64) -> Delivery {
        Delivery {
            id: DeliveryId(id),
            door: Door::Nowhere,
            key: id.to_string(),
            digest: String::new(),
            at: Now { elapsed: Elapsed(id), civil: Civil(id) },
            content: Content {
                event: None,
                happenings: Vec::new(),
                notes: Vec::new(),
                asked_by: None,
            },
            state: delivery::State::Pending { waits_for: None },
        }
    }

    #[test]
    fn a_lane_that_stands_still_leaves_room_and_keeps_its_order() {
        let lanes = Lanes::default();
        let mut stuck: Vec<Put> = (1..=80).map(|id| lanes.put("stuck", delivery(id))).collect();
        assert_eq!(stuck.remove(0), Put::First);
        assert_eq!(stuck.iter().filter(|put| **put == Put::Behind).count(), DEEP - 1);
        assert_eq!(lanes.put("other", delivery(81)), Put::First);
        assert_eq!(lanes.left_behind(), None, "nothing has changed");

        let mut seen = Vec::new();
        for _ in 0..DEEP / 2 {
            seen.extend(lanes.take("stuck").map(|it| it.id.0));
        }
        assert_eq!(lanes.put("stuck", delivery(82)), Put::Left, "others come before it");
        let first = lanes.left_behind().unwrap();
        assert_eq!(first, DeliveryId(DEEP as u64 + 1));
        for id in first.0..=82 {
            let (name, is_other) = if id == 81 { ("other", true) } else { ("stuck", false) };
            let expected = if is_other { Put::Known } else { Put::Behind };
            assert_eq!(lanes.put(name, delivery(id)), expected, "{id}");
        }
        while let Some(next) = lanes.take_or_close("stuck") {
            seen.push(next.id.0);
        }
        assert_eq!(seen, (1..=80).chain([82]).collect::<Vec<u64>>());
        seen.iter().for_each(|id| lanes.decided(DeliveryId(*id)));
        assert_eq!(lanes.in_memory(), 1);
        assert_eq!(lanes.put("stuck", delivery(90)), Put::First, "the lane was closed");
    }
}
