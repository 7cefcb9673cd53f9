//! One run of a plan, as a state machine.
//!
//! [`Execution::handle`] turns an input into events and folds them in, [`Execution::apply`] folds
//! one recorded event, [`Execution::due`] drains what should be done. A restart is no special
//! case: replay the log, then ask `due`.

mod agenda;
mod apply;
mod claims;
mod decide;
mod end;
mod evaluation;
mod freeze;
mod group;
mod inputs;
mod matrix;
mod needs;
mod pause;
mod rollback;
mod rules;
mod signals;
pub mod state;
mod stopping;
mod summary;
mod takeover;
mod tally;
mod target;
mod time;
mod timeouts;
mod trial;

pub use apply::Unknown;
pub use evaluation::{Evaluation, LastSucceeded, Wanted, Wants, World};
pub use inputs::OUTPUTS_LIMIT;
pub use rollback::{Operation, ROLLBACK};
pub use stopping::ABORT_LIMIT;

use crate::{
    admission::Limit,
    clock::Now,
    event::{Actor, Call, Command, Event, Input, Offer, Parent, Rejected, Trigger},
    id::{PlanHash, RunId},
    plan::{NodeIndex, Plan},
    stage::ObjectKey,
    store::Wakes,
};
use agenda::Agenda;
use apply::Touched;
use decide::Decision;
use state::{AttemptClock, Claim, NodeState, Phase, Recorded, Ruled, SlotState, Tally, Trial};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A recorded part, equal to its replay, and an agenda, which a replay rebuilds as "due now".
#[derive(Clone, Debug)]
pub struct Execution {
    plan: Arc<Plan>,
    recorded: Recorded,
    agenda: Agenda,
}

/// What a run begins with.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    pub id: RunId,
    pub number: u64,
    pub plan: PlanHash,
    pub trigger: Trigger,
    pub actor: Actor,
    /// The runs that led to this one, the first of them first.
    pub ancestry: Vec<RunId>,
    /// The run that started it by one of its stages.
    pub parent: Option<Parent>,
    /// What an earlier run has left, if this one retries it.
    pub offers: Vec<Offer>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("the log of run {run} does not begin with a start")]
    NoStart { run: RunId },
    #[error("the log of run {run} does not fit its plan: {unknown}")]
    Foreign { run: RunId, unknown: Unknown },
}

impl Execution {
    /// Starts a run: the state, and the events that must be recorded to make it so.
    pub fn start(plan: Arc<Plan>, start: Start, now: Now) -> (Execution, Vec<Event>) {
        Execution::start_within((plan, Limit::Unlimited), start, now)
    }

    /// The same for a run that may have to wait until fewer runs of its application are under way.
    pub fn start_within(
        (plan, room): (Arc<Plan>, Limit),
        start: Start,
        now: Now,
    ) -> (Execution, Vec<Event>) {
        let Start { id, number, plan: hash, trigger, actor, ancestry, parent, offers } = start;
        let started = Event::RunStarted {
            number,
            plan: hash.clone(),
            trigger: trigger.clone(),
            actor: actor.clone(),
            ancestry: ancestry.clone(),
            parent: parent.clone(),
        };
        let start =
            Start { id, number, plan: hash, trigger, actor, ancestry, parent, offers: Vec::new() };
        let mut execution = Execution::new(plan, start, now);
        let mut decision = Decision::new(&mut execution, now);
        for Offer { stage, from, left } in offers {
            decision.emit(Event::StageOffered { stage, from, left });
        }
        decision.enter(room);
        let mut events = decision.finish();
        events.insert(0, started);
        (execution, events)
    }

    /// What the run would be if the place that it asks for were its own now, and the events of that;
    /// nothing if it asks for none.
    pub fn admitted(&self, now: Now) -> Option<(Execution, Vec<Event>)> {
        let mut execution = self.clone();
        let events = group::let_in(&mut execution, now).ok()?;
        Some((execution, events))
    }

    /// Rebuilds a run from its log; every open attempt is due now.
    pub fn replay<'a>(
        plan: Arc<Plan>,
        run: RunId,
        log: impl IntoIterator<Item = (&'a Event, Now)>,
    ) -> Result<Execution, ReplayError> {
        let mut log = log.into_iter();
        let Some((Event::RunStarted { number, plan: hash, trigger, actor, ancestry, parent }, now)) =
            log.next()
        else {
            return Err(ReplayError::NoStart { run });
        };
        let start = Start {
            id: run,
            number: *number,
            plan: hash.clone(),
            trigger: trigger.clone(),
            actor: actor.clone(),
            ancestry: ancestry.clone(),
            parent: parent.clone(),
            offers: Vec::new(),
        };
        let mut execution = Execution::new(plan, start, now);
        for (event, now) in log {
            let folded = execution.recorded.fold(&execution.plan, event, now);
            folded.map_err(|unknown| ReplayError::Foreign { run, unknown })?;
        }
        execution.change_manner();
        execution.agenda.limit(execution.recorded.time_left());
        Ok(execution)
    }

    /// Decides what `input` means and folds it in. The caller records the events before anybody
    /// sees the result. A rejected input changes nothing.
    pub fn handle(&mut self, input: Input, now: Now) -> Result<Vec<Event>, Rejected> {
        if let Phase::Ended { status, .. } = self.recorded.phase {
            return Err(Rejected::Ended { status });
        }
        let mut events = self.decided(input, now)?;
        events.extend(self.cleared(now));
        Ok(events)
    }

    fn decided(&mut self, input: Input, now: Now) -> Result<Vec<Event>, Rejected> {
        match input {
            Input::Stepped { call, answer } => inputs::stepped(self, (call, answer), now),
            Input::Aborted { call, answer } => stopping::aborted(self, (call, answer), now),
            Input::Evaluated { call, answer } => inputs::evaluated(self, (call, answer), now),
            Input::Judged { call, verdict } => rules::judged(self, (call, verdict), now),
            Input::ObjectsChanged { node } => inputs::objects_changed(self, node),
            Input::Tick => inputs::tick(self, now),
            Input::Found { unclean_ends } => trial::found(self, unclean_ends, now),
            Input::Turn => trial::turn(self, now),
            Input::Row(row) => inputs::row(self, row, now),
        }
    }

    /// Folds one recorded fact into the state, and into the agenda what it makes due.
    pub fn apply(&mut self, event: &Event, now: Now) {
        let before = self.recorded.trial.manner();
        let folded = self.recorded.fold(&self.plan, event, now);
        if self.recorded.trial.manner() != before {
            self.change_manner();
        }
        self.agenda.limit(self.recorded.time_left());
        match folded.unwrap_or(Touched::Nothing) {
            Touched::Nothing => {}
            Touched::Node(index) => self.refresh(index),
            Touched::Begun(index) => {
                self.agenda.begin(index);
                self.refresh(index);
            }
            Touched::Stopped(index) => {
                self.agenda.urge(index);
                self.refresh(index);
            }
            Touched::Every => {
                (0..self.recorded.nodes.len()).for_each(|at| self.refresh(NodeIndex(at)));
            }
        }
    }

    /// Drains what became due since last asked.
    pub fn due(&mut self) -> Vec<Command> {
        self.agenda.drain(&self.recorded.nodes)
    }

    /// When a tick is wanted, if nothing else happens first.
    pub fn next_timer(&self) -> Wakes {
        self.agenda.next()
    }

    /// Whether a call is under way or about to be.
    pub fn is_busy(&self) -> bool {
        self.agenda.is_busy()
    }

    /// The nodes that wait for objects outside, and which.
    pub fn watched(&self) -> BTreeMap<NodeIndex, &[ObjectKey]> {
        self.agenda.watched()
    }

    pub fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub fn node_state(&self, index: NodeIndex) -> &NodeState {
        &self.recorded.nodes[index.0]
    }

    /// What a call is made with, as long as it is the one under way.
    pub fn attempt(&self, call: Call) -> Option<&state::Attempt> {
        match &self.recorded.nodes.get(call.node.0)? {
            NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => Some(attempt),
            NodeState::Pending { .. }
            | NodeState::Gated { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => None,
        }
    }

    fn refresh(&mut self, index: NodeIndex) {
        let state = &self.recorded.nodes[index.0];
        match self.recorded.trial.manner().calls(state) {
            true => self.agenda.refresh(index, state),
            false => self.agenda.rest(index),
        }
    }

    fn new(plan: Arc<Plan>, start: Start, now: Now) -> Execution {
        let nodes: Vec<NodeState> = plan
            .nodes()
            .iter()
            .map(|node| NodeState::Pending { unmet: node.needs.len() })
            .collect();
        let agenda = Agenda::new(nodes.len());
        let (targets, matrices) = (target::targets(&plan), matrix::matrices(&plan));
        let Start { id, number, plan: hash, trigger, actor, ancestry, parent, offers: _ } = start;
        let slot = plan.slot().map(|slot| SlotState {
            slot,
            claim: Claim::Unasked,
            room: Limit::Unlimited,
        });
        let (phase, tally) = (Phase::Going, Tally::default());
        let (images, clock) = (plan.images(), AttemptClock::of_run(plan.document().timeout));
        let recorded = Recorded {
            id,
            number,
            plan: hash,
            trigger,
            actor,
            ancestry,
            parent,
            started_at: now,
            phase,
            trial: Trial::None,
            stop: None,
            nodes,
            matrices,
            slot,
            successor: None,
            targets,
            images,
            ruled: Ruled::default(),
            offers: BTreeMap::new(),
            unchanged: BTreeSet::new(),
            tally,
            clock,
        };
        Execution { plan, recorded, agenda }
    }
}
