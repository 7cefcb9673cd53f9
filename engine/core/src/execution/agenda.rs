//! What is to be done next: volatile, rebuilt by a replay as "due now".

mod slot;

pub(super) use slot::{Landing, Timer};

use super::state::{AttemptClock, NodeState};
use crate::{
    clock::{Civil, Elapsed, Moment, Now},
    event::{Call, Command, Gate},
    plan::NodeIndex,
    stage::{ObjectKey, Wake},
    store::Wakes,
};
use slot::{Flight, Judgement, Slot, Trying, Urge};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// The pauses between tries of an abort.
const ABORT_PAUSE: Duration = Duration::from_secs(1);

/// One slot a node, and the timers of all of them in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    slots: Vec<Slot>,
    queue: VecDeque<NodeIndex>,
    elapsed: BTreeSet<(Elapsed, NodeIndex, Timer)>,
    civil: BTreeSet<(Civil, NodeIndex, Timer)>,
    sequence: u64,
    in_flight: usize,
    /// When the time of the whole run is over.
    limit: Option<Elapsed>,
    /// The nodes that wait for objects.
    watching: BTreeSet<NodeIndex>,
    trying: Trying,
}

impl Agenda {
    pub(super) fn new(nodes: usize) -> Agenda {
        Agenda { slots: vec![Slot::default(); nodes], ..Agenda::default() }
    }

    /// After a replay: every open attempt is due now.
    pub(super) fn resume(&mut self, index: NodeIndex, state: &NodeState) {
        let slot = &mut self.slots[index.0];
        slot.urge = Urge::Now;
        slot.judgement = Judgement::AfterOneStep;
        self.refresh(index, state);
    }

    /// Brings the timers and the queue of one node in line with its state.
    pub(super) fn refresh(&mut self, index: NodeIndex, state: &NodeState) {
        self.clear_timers(index);
        match state {
            NodeState::Gated { gate: Gate::When | Gate::Configuration | Gate::Rules, .. } => {
                if self.slots[index.0].flight == Flight::Nothing {
                    self.enqueue(index);
                }
            }
            NodeState::Gated { gate: Gate::Asked { .. }, .. } => {
                let slot = &self.slots[index.0];
                if slot.flight == Flight::Nothing && slot.urge == Urge::Now {
                    self.enqueue(index);
                }
            }
            NodeState::Gated { gate: Gate::Frozen { .. } | Gate::Unmet { .. }, .. } => {
                self.set_wake(index);
            }
            NodeState::Pending { .. }
            | NodeState::Gated {
                gate: Gate::Target { .. } | Gate::Parallel | Gate::Paused { .. },
                ..
            }
            | NodeState::Held(_)
            | NodeState::Ended(_) => self.reset(index),
            NodeState::BackingOff(pause) => {
                self.reset(index);
                self.set(index, Moment::Elapsed(pause.retry_at), Timer::Retry);
            }
            NodeState::Running(attempt) => {
                self.set_deadline(index, attempt.clock);
                self.set_wake(index);
            }
            NodeState::Stopping { .. } => self.set_wake(index),
        }
        self.set_watch(index);
    }

    /// Forgets a node; the answer of an evaluation that is under way will be stale.
    fn reset(&mut self, index: NodeIndex) {
        let slot = std::mem::take(&mut self.slots[index.0]);
        if let Some(call) = slot.flight.call() {
            self.in_flight -= 1;
            self.trying.land(call);
        }
        // What stands in the queue stays there, and is skipped when its turn comes.
        self.slots[index.0].queued = slot.queued;
    }

    /// Nothing of the node is called, whatever it waits for.
    pub(super) fn rest(&mut self, index: NodeIndex) {
        self.clear_timers(index);
        self.reset(index);
        self.set_watch(index);
    }

    /// What was due is not called; see [`Agenda::rest`] and [`Agenda::resume`].
    pub(super) fn clear_queue(&mut self) {
        self.queue.clear();
        self.slots.iter_mut().for_each(|slot| slot.queued = false);
        self.trying = Trying::Due;
    }

    /// Whether all calls are back that were due when the run was driven after it stood still.
    pub(super) fn has_come_back(&self) -> bool {
        match &self.trying {
            Trying::Due => false,
            Trying::UnderWay(calls) => calls.is_empty(),
        }
    }

    /// A fresh attempt begins: nothing is left of the one before.
    pub(super) fn begin(&mut self, index: NodeIndex) {
        self.clear_timers(index);
        let queued = self.slots[index.0].queued;
        self.slots[index.0] = Slot { urge: Urge::Now, queued, ..Slot::default() };
    }

    /// Ends the wait of a node: an input came, or an object changed.
    pub(super) fn urge(&mut self, index: NodeIndex) {
        self.slots[index.0].urge = Urge::Now;
    }

    /// Whether the node was urged since its last call began.
    pub(super) fn is_urged(&self, index: NodeIndex) -> bool {
        self.slots[index.0].urge == Urge::Now
    }

    pub(super) fn wait(&mut self, index: NodeIndex, (wake, words): (Wake, String)) {
        let slot = &mut self.slots[index.0];
        (slot.wake, slot.words) = (wake, Some(words));
    }

    /// What the attempt said last that it waits for, if it said so to this process.
    pub(super) fn words(&self, index: NodeIndex) -> Option<&str> {
        self.slots[index.0].words.as_deref()
    }

    /// A failed abort is tried again after a pause.
    pub(super) fn pause(&mut self, index: NodeIndex, now: Now) {
        let at = Moment::Elapsed(now.elapsed.plus(ABORT_PAUSE));
        self.slots[index.0].wake = Wake { at: Some(at), objects: Vec::new() };
    }

    /// Takes the answer of a call off the books.
    pub(super) fn land(&mut self, call: Call) -> Landing {
        let Some(slot) = self.slots.get_mut(call.node.0) else { return Landing::Stale };
        if slot.flight.call() != Some(call) {
            return Landing::Stale;
        }
        slot.flight = Flight::Nothing;
        self.trying.land(call);
        slot.judgement = Judgement::Open;
        self.in_flight -= 1;
        Landing::Expected
    }

    /// The timers that ran out.
    pub(super) fn ring(&mut self, now: Now) -> Vec<(NodeIndex, Timer)> {
        let mut rung = Vec::new();
        while let Some((at, index, timer)) = self.elapsed.first().copied()
            && at <= now.elapsed
        {
            self.elapsed.pop_first();
            self.slots[index.0].set_elapsed.retain(|set| *set != (at, timer));
            rung.push((index, timer));
        }
        while let Some((at, index, timer)) = self.civil.first().copied()
            && at <= now.civil
        {
            self.civil.pop_first();
            self.slots[index.0].set_civil.retain(|set| *set != (at, timer));
            rung.push((index, timer));
        }
        rung
    }

    /// Sets the end of the run's own time.
    pub(super) fn limit(&mut self, clock: AttemptClock) {
        self.limit = match clock {
            AttemptClock::Until(at) => Some(at),
            AttemptClock::Never | AttemptClock::Stopped { .. } => None,
        };
    }

    /// Whether the run's own time is over.
    pub(super) fn is_over(&self, now: Now) -> bool {
        self.limit.is_some_and(|at| at <= now.elapsed)
    }

    /// Whether a deadline that rang may end the attempt now.
    pub(super) fn may_judge(&self, index: NodeIndex) -> bool {
        self.slots[index.0].judgement == Judgement::Open
    }

    pub(super) fn next(&self) -> Wakes {
        Wakes {
            elapsed: self.elapsed.first().map(|(at, ..)| *at).into_iter().chain(self.limit).min(),
            civil: self.civil.first().map(|(at, ..)| *at),
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.queue.is_empty() || self.in_flight > 0
    }

    /// The nodes that wait for objects, and which.
    pub(super) fn watched(&self) -> BTreeMap<NodeIndex, &[ObjectKey]> {
        let keys = |index: &NodeIndex| (*index, self.slots[index.0].wake.objects.as_slice());
        self.watching.iter().map(keys).collect()
    }

    fn set_watch(&mut self, index: NodeIndex) {
        let slot = &self.slots[index.0];
        if slot.flight == Flight::Nothing && !slot.wake.objects.is_empty() {
            self.watching.insert(index);
        } else {
            self.watching.remove(&index);
        }
    }

    /// Drains what became due since last asked.
    pub(super) fn drain(&mut self, nodes: &[NodeState]) -> Vec<Command> {
        let queue = std::mem::take(&mut self.queue);
        let commands = queue.into_iter().filter_map(|index| self.command(index, &nodes[index.0]));
        let commands: Vec<Command> = commands.collect();
        self.trying.begin(&commands);
        commands
    }

    fn command(&mut self, index: NodeIndex, state: &NodeState) -> Option<Command> {
        let slot = &mut self.slots[index.0];
        slot.queued = false;
        match (state, slot.flight) {
            (NodeState::Gated { gate, next, .. }, Flight::Nothing) => {
                self.question(index, (gate, next.attempt))
            }
            (NodeState::Running(attempt), Flight::Nothing) => {
                let call = self.call(index, attempt.number);
                self.slots[index.0].flight = Flight::Step { call, told_to_stop: false };
                Some(Command::Step { call })
            }
            (NodeState::Stopping { attempt, .. }, Flight::Nothing) => {
                let call = self.call(index, attempt.number);
                self.slots[index.0].flight = Flight::Abort { call };
                Some(Command::Abort { call })
            }
            (NodeState::Stopping { .. }, Flight::Step { call, told_to_stop: false }) => {
                slot.flight = Flight::Step { call, told_to_stop: true };
                Some(Command::Stop { call })
            }
            (
                NodeState::Running(_) | NodeState::Stopping { .. },
                Flight::Step { .. } | Flight::Abort { .. } | Flight::Evaluation { .. },
            )
            | (
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Ended(_),
                _,
            ) => None,
        }
    }

    /// What is asked at a gate, if it is one of those at which something is.
    fn question(&mut self, index: NodeIndex, (gate, attempt): (&Gate, u32)) -> Option<Command> {
        let command = match gate {
            Gate::When | Gate::Configuration => |call| Command::Evaluate { call },
            Gate::Rules | Gate::Asked { .. } | Gate::Frozen { .. } | Gate::Unmet { .. } => {
                |call| Command::Judge { call }
            }
            Gate::Target { .. } | Gate::Parallel | Gate::Paused { .. } => return None,
        };
        let call = self.call(index, attempt);
        self.slots[index.0].flight = Flight::Evaluation { call };
        Some(command(call))
    }

    fn call(&mut self, node: NodeIndex, attempt: u32) -> Call {
        let slot = &mut self.slots[node.0];
        slot.urge = Urge::Wakes;
        slot.wake = Wake::default();
        self.sequence += 1;
        self.in_flight += 1;
        self.watching.remove(&node);
        self.clear_wakes(node);
        Call { node, attempt, sequence: self.sequence }
    }

    fn set_deadline(&mut self, index: NodeIndex, clock: AttemptClock) {
        match clock {
            AttemptClock::Never | AttemptClock::Stopped { .. } => {}
            AttemptClock::Until(at) => self.set(index, Moment::Elapsed(at), Timer::Deadline),
        }
    }

    /// Puts the node into the queue, or sets the timer of its wake.
    fn set_wake(&mut self, index: NodeIndex) {
        let slot = &self.slots[index.0];
        match (slot.flight, slot.urge, slot.wake.at) {
            (Flight::Nothing, Urge::Now, _) => self.enqueue(index),
            (Flight::Nothing, Urge::Wakes, Some(at)) => self.set(index, at, Timer::Wake),
            (Flight::Nothing, Urge::Wakes, None)
            | (Flight::Abort { .. } | Flight::Evaluation { .. }, ..) => {}
            (Flight::Step { .. }, ..) => self.enqueue(index),
        }
    }

    fn enqueue(&mut self, index: NodeIndex) {
        let slot = &mut self.slots[index.0];
        if !slot.queued {
            slot.queued = true;
            self.queue.push_back(index);
        }
    }

    fn set(&mut self, index: NodeIndex, at: Moment, timer: Timer) {
        match at {
            Moment::Elapsed(at) => {
                self.elapsed.insert((at, index, timer));
                self.slots[index.0].set_elapsed.push((at, timer));
            }
            Moment::Civil(at) => {
                self.civil.insert((at, index, timer));
                self.slots[index.0].set_civil.push((at, timer));
            }
        }
    }

    fn clear_timers(&mut self, index: NodeIndex) {
        for (at, timer) in std::mem::take(&mut self.slots[index.0].set_elapsed) {
            self.elapsed.remove(&(at, index, timer));
        }
        for (at, timer) in std::mem::take(&mut self.slots[index.0].set_civil) {
            self.civil.remove(&(at, index, timer));
        }
    }

    fn clear_wakes(&mut self, index: NodeIndex) {
        let slot = &mut self.slots[index.0];
        let (elapsed, civil) = (&mut self.elapsed, &mut self.civil);
        slot.set_elapsed.retain(|(at, timer)| {
            *timer != Timer::Wake || !elapsed.remove(&(*at, index, Timer::Wake))
        });
        slot.set_civil.retain(|(at, timer)| {
            *timer != Timer::Wake || !civil.remove(&(*at, index, Timer::Wake))
        });
    }
}
