//! A run with which the engine died: it is driven by itself, and if the engine dies again, a person
//! is asked.

use super::{
    Execution,
    decide::{Decided, Decision, Spare},
    state::{Activity, NodeState, Phase, Recorded},
    stopping,
};
use crate::{
    clock::Now,
    event::{Actor, Event, Gate, Rejected, Reply, RunStop, StopCause},
    plan::NodeIndex,
};

/// After as many unclean ends in a row a run is driven by itself.
const SUSPICIOUS: u32 = 2;
/// More stages than these are not named.
const NAMED: usize = 64;

/// What is thought of a run with which the engine died.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Trial {
    /// Nothing: it is driven as every other.
    #[default]
    None,
    /// It waits for its turn to be driven by itself.
    Suspected { unclean_ends: u32, since: Now },
    /// It is driven by itself, until the calls that were due then have come back.
    Alone { unclean_ends: u32 },
    /// The engine died while it was driven by itself: a person is asked.
    Asked(Question),
}

/// What a person is asked about a whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// How often the engine died with it, one time after the other.
    pub unclean_ends: u32,
    /// The stages that were driven at the last time.
    pub stages: Vec<String>,
    pub since: Now,
    pub stops: Stops,
}

/// Whether stages of a run that asks are stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// Nobody has said so since it asks.
    Unwanted,
    Wanted,
}

/// What of a run is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Driven,
    OnlyStopped,
    Still,
}

impl Trial {
    pub(super) fn manner(&self) -> Manner {
        match self {
            Trial::None | Trial::Alone { .. } => Manner::Driven,
            Trial::Suspected { .. } => Manner::Still,
            Trial::Asked(Question { stops: Stops::Unwanted, .. }) => Manner::Still,
            Trial::Asked(Question { stops: Stops::Wanted, .. }) => Manner::OnlyStopped,
        }
    }

    /// Whether it waits for its turn to be driven by itself.
    pub fn wants_turn(&self) -> bool {
        match self {
            Trial::Suspected { .. } => true,
            Trial::None | Trial::Alone { .. } | Trial::Asked(_) => false,
        }
    }

    pub fn is_alone(&self) -> bool {
        match self {
            Trial::Alone { .. } => true,
            Trial::None | Trial::Suspected { .. } | Trial::Asked(_) => false,
        }
    }
}

impl Manner {
    pub(super) fn calls(self, state: &NodeState) -> bool {
        match (self, state) {
            (Manner::Driven, _) | (Manner::OnlyStopped, NodeState::Stopping { .. }) => true,
            (
                Manner::OnlyStopped,
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::Running(_)
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Ended(_),
            )
            | (Manner::Still, _) => false,
        }
    }
}

impl Recorded {
    /// What a person is asked about the whole run, unless it is being stopped.
    pub fn question(&self) -> Option<&Question> {
        let Trial::Asked(question) = &self.trial else { return None };
        match question.stops {
            Stops::Wanted if self.is_stopping_any() => None,
            Stops::Wanted | Stops::Unwanted => Some(question),
        }
    }

    fn is_stopping_any(&self) -> bool {
        self.nodes.iter().any(|state| matches!(state, NodeState::Stopping { .. }))
    }

    /// Time that nothing is called in counts against nobody.
    pub(super) fn pace(&self) -> Activity {
        match self.trial.manner() {
            Manner::Driven => Activity::Running,
            Manner::OnlyStopped | Manner::Still => Activity::Quiet,
        }
    }

    pub(super) fn suspect(&mut self, unclean_ends: u32, now: Now) {
        self.trial = Trial::Suspected { unclean_ends, since: now };
        self.stand(now);
    }

    pub(super) fn question_asked(&mut self, (unclean_ends, stages): (u32, &[String]), now: Now) {
        let (stages, stops) = (stages.to_vec(), Stops::Unwanted);
        self.trial = Trial::Asked(Question { unclean_ends, stages, since: now, stops });
        self.stand(now);
    }

    /// From here on its clocks go again, unless a person has paused it.
    pub(super) fn tried_alone(&mut self, now: Now) {
        let Trial::Suspected { unclean_ends, .. } = self.trial else { return };
        self.trial = Trial::Alone { unclean_ends };
        if !self.is_paused() {
            self.clock = self.clock.running(self.activity(), now);
            self.resume_attempts(now);
        }
    }

    /// A yes counts anew.
    pub(super) fn answered(&mut self, reply: Reply, now: Now) {
        self.trial = match reply {
            Reply::Yes => Trial::Suspected { unclean_ends: 0, since: now },
            Reply::No => Trial::None,
        };
    }

    /// Somebody wants an end of something: a run that asks is stopped as any other.
    pub(super) fn stop_wanted(&mut self) {
        if let Trial::Asked(question) = &mut self.trial {
            question.stops = Stops::Wanted;
        }
    }

    fn stand(&mut self, now: Now) {
        self.clock = self.clock.running(Activity::Quiet, now);
        for node in &mut self.nodes {
            if let NodeState::Running(attempt) = node {
                attempt.clock = attempt.clock.running(Activity::Quiet, now);
            }
        }
    }
}

impl Execution {
    /// Whether the run is driven by itself, and all calls that were due then are back.
    pub fn has_come_back(&self) -> bool {
        self.recorded.trial.is_alone() && self.agenda.has_come_back()
    }

    pub(super) fn admits_reply(&self) -> Result<(), Rejected> {
        match (self.recorded.question(), &self.recorded.trial) {
            (Some(_), _) => Ok(()),
            (None, Trial::Asked(_)) => Err(Rejected::Stopping),
            (None, Trial::None | Trial::Suspected { .. } | Trial::Alone { .. }) => {
                Err(Rejected::NoQuestion)
            }
        }
    }

    /// Stages of which something is called as soon as the run is driven.
    fn driven(&self) -> Vec<String> {
        let is_driven = |state: &NodeState| match state {
            NodeState::Running(_) | NodeState::Stopping { .. } => true,
            NodeState::Gated { gate: Gate::When | Gate::Configuration | Gate::Rules, .. } => true,
            NodeState::Gated {
                gate:
                    Gate::Target { .. }
                    | Gate::Asked { .. }
                    | Gate::Frozen { .. }
                    | Gate::Unmet { .. }
                    | Gate::Parallel
                    | Gate::Paused { .. },
                ..
            }
            | NodeState::Pending { .. }
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Ended(_) => false,
        };
        let nodes = self.plan.nodes().iter().zip(&self.recorded.nodes);
        let driven = nodes.filter(|(_, state)| is_driven(state)).take(NAMED);
        driven.map(|(node, _)| node.id.clone()).collect()
    }

    /// What changes when another part of the run is called, or none: looks at every node, as few
    /// things do.
    pub(super) fn change_manner(&mut self) {
        let manner = self.recorded.trial.manner();
        self.agenda.clear_queue();
        for (position, state) in self.recorded.nodes.iter().enumerate() {
            match manner.calls(state) {
                true => self.agenda.resume(NodeIndex(position), state),
                false => self.agenda.rest(NodeIndex(position)),
            }
        }
    }

    /// The run lives: its calls are back.
    pub(super) fn cleared(&mut self, now: Now) -> Vec<Event> {
        if !self.has_come_back() {
            return Vec::new();
        }
        let mut decision = Decision::new(self, now);
        decision.emit(Event::RunCleared);
        decision.finish()
    }
}

/// The engine finds the run in its store, and how many unclean ends met it since its last append.
pub(super) fn found(execution: &mut Execution, unclean_ends: u32, now: Now) -> Decided {
    let trial = execution.recorded.trial.clone();
    let mut decision = Decision::new(execution, now);
    match (trial, unclean_ends) {
        (Trial::None | Trial::Asked(_), met) if met < SUSPICIOUS => {}
        (Trial::None, unclean_ends) => decision.emit(Event::RunSuspected { unclean_ends }),
        (Trial::Suspected { .. }, _) => {}
        // The engine that drove it by itself has left in peace: its turn comes again.
        (Trial::Alone { unclean_ends }, 0) => decision.emit(Event::RunSuspected { unclean_ends }),
        (Trial::Alone { unclean_ends: before }, met) => {
            let unclean_ends = before.saturating_add(met);
            let stages = decision.execution.driven();
            decision.emit(Event::RunQuestioned { unclean_ends, stages });
        }
        // Not even its end could be brought about.
        (Trial::Asked(_), _) => end_at_once(&mut decision),
    }
    Ok(decision.finish())
}

/// The run's turn has come to be driven by itself.
pub(super) fn turn(execution: &mut Execution, now: Now) -> Decided {
    let mut decision = Decision::new(execution, now);
    if decision.execution.recorded.trial.wants_turn() {
        decision.emit(Event::RunTriedAlone);
    }
    Ok(decision.finish())
}

/// What a person says to the question of a whole run.
pub(super) fn answer(
    execution: &mut Execution,
    (reply, actor, reason): (Reply, Actor, String),
    now: Now,
) -> Decided {
    execution.admits_reply()?;
    let unclean_ends = execution.recorded.question().map_or(0, |question| question.unclean_ends);
    let by = actor.name.clone();
    let mut decision = Decision::new(execution, now);
    decision.emit(Event::RunAnswered { reply, actor, reason: reason.clone() });
    match reply {
        Reply::Yes => {}
        Reply::No => {
            give_up(&mut decision, (unclean_ends, by, reason));
            end_at_once(&mut decision);
        }
    }
    Ok(decision.finish())
}

/// Stops whatever has not ended, way backs too.
fn give_up(decision: &mut Decision<'_>, (unclean_ends, by, reason): (u32, String, String)) {
    match decision.execution.recorded.phase {
        Phase::Going | Phase::Paused(_) => {
            decision.stop_run(RunStop::Poison { unclean_ends, by, reason });
        }
        Phase::Stopping | Phase::Ended { .. } => {
            for position in 0..decision.execution.plan.nodes().len() {
                let cause = StopCause::Poison { unclean_ends, by: by.clone() };
                decision.stop_node(NodeIndex(position), (cause, Spare::Nothing));
            }
        }
    }
}

/// What is being stopped ends without another call, and names what may be left.
fn end_at_once(decision: &mut Decision<'_>) {
    const LEFT: &str = "the engine died with it, so it was not called again";
    for position in 0..decision.execution.plan.nodes().len() {
        let index = NodeIndex(position);
        if let NodeState::Stopping { cause, .. } = decision.state(index) {
            let cause = cause.clone();
            stopping::stopped(decision, index, (cause, Some(LEFT.to_owned())));
        }
    }
}

#[cfg(test)]
mod tests;
