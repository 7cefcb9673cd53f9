//! What a stage of a simulated plan does, written into its configuration, and what people say to it.

use engine_core::{
    Execution,
    event::{Gate, Signal},
    execution::state::{Attempt as Tried, NodeState, Waiting},
    plan::Node,
    status::WaitKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One attempt after the other; the last is repeated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Script {
    pub(crate) attempts: Vec<Attempt>,
    /// What a person says each time that the stage is held; the last is no retry.
    #[serde(default)]
    pub(crate) held: Vec<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Decision {
    Retry,
    Continue,
    Abort,
    RollBack,
}

/// Whether the way back that is a node's attempt of this number leads anywhere.
pub(crate) fn returns(id: &str, attempt: u32) -> bool {
    let chance: u32 = id.bytes().map(u32::from).sum();
    !(chance + attempt).is_multiple_of(3)
}

impl Decision {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Decision::Retry => Signal::Retry,
            Decision::Continue => Signal::Continue,
            Decision::Abort => Signal::Abort,
            Decision::RollBack => Signal::RollBack,
        }
    }
}

impl Script {
    /// Whether it ever changes the target.
    pub(crate) fn writes(&self) -> bool {
        let mut acts = self.attempts.iter().flat_map(|attempt| &attempt.moves);
        acts.any(|act| matches!(act, Move::Effect | Move::Deploy { .. }))
    }
}

impl Attempt {
    /// What a person answers to what it always asks.
    pub(crate) fn asks(&self) -> Option<Signal> {
        let asking = self.moves.iter().filter(|act| !matches!(act, Move::Deploy { .. }));
        asking.copied().find_map(Move::answer)
    }
}

/// What a person is to say to a node as it stands, if it asks. `said` are the decisions after which
/// it went on.
pub(crate) fn answer(node: &Node, state: &NodeState, said: usize) -> Option<Signal> {
    let script = script(node);
    match state {
        NodeState::Held(_) => script.held.get(said).map(|decision| decision.signal()),
        NodeState::Running(attempt) if attempt.asks() => {
            let played = script.attempts.get(attempt.number as usize - 1);
            played.or(script.attempts.last()).unwrap().moves[asking(attempt)].answer()
        }
        NodeState::Gated { gate: Gate::Asked { .. }, .. } => Some(Signal::Approve),
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Stopping { .. }
        | NodeState::Ended(_) => None,
    }
}

/// The move that asks: the last word of what is waited for.
fn asking(attempt: &Tried) -> usize {
    let Waiting::For { reason, .. } = &attempt.waiting else { panic!("it waits for nothing") };
    reason.detail.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The same, of a run that may have lost its target meanwhile: then there is no way back.
pub(crate) fn takes(execution: &Execution, id: &str, signal: Signal) -> Signal {
    match (signal, execution.takes(id, signal)) {
        (Signal::RollBack, Err(_)) => Signal::Continue,
        (signal, _) => signal,
    }
}

/// Moves, and how the attempt ends after them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Attempt {
    pub(crate) moves: Vec<Move>,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Move {
    /// A declared duration.
    Timer { ms: u64 },
    /// Waits that change nothing, one after the other.
    Poll { times: u32 },
    /// Until the world changes an object.
    Object,
    /// Changes the target.
    Effect,
    /// Records a revision of the target; asks before, if a later run has recorded one.
    Deploy { yes: bool },
    /// Remembers more than fits into an event.
    Remember,
    /// Asks a person.
    Ask { yes: bool },
    /// Asks a person what happened: a no means a failure.
    Wonder { yes: bool },
}

impl Move {
    /// What a stage waits for that has asked.
    pub(crate) fn kind(self) -> WaitKind {
        match self {
            Move::Wonder { .. } | Move::Deploy { .. } => WaitKind::Question,
            Move::Ask { .. }
            | Move::Timer { .. }
            | Move::Poll { .. }
            | Move::Object
            | Move::Effect
            | Move::Remember => WaitKind::Approval,
        }
    }

    /// What a person answers, if it asks.
    fn answer(self) -> Option<Signal> {
        match self {
            Move::Ask { yes: true } => Some(Signal::Approve),
            Move::Ask { yes: false } => Some(Signal::Reject),
            Move::Wonder { yes: true } | Move::Deploy { yes: true } => Some(Signal::Yes),
            Move::Wonder { yes: false } | Move::Deploy { yes: false } => Some(Signal::No),
            Move::Timer { .. }
            | Move::Poll { .. }
            | Move::Object
            | Move::Effect
            | Move::Remember => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    Succeed,
    Error,
    Failure,
    Panic,
    /// Polls for ever; only its timeout ends it.
    Hang,
}

pub(crate) const HANG_TIMEOUT_MS: u64 = 60_000;

pub(crate) fn script(node: &Node) -> Script {
    serde_json::from_str(node.description.as_deref().unwrap()).unwrap()
}

/// Conditions, and what a stage makes of each.
pub(crate) const WHENS: [(&str, When); 4] = [
    ("parameters.yes", When::Holds),
    ("!parameters.yes", When::Skips),
    ("parameters.no.thing", When::Breaks),
    ("stages.n0.status == 'succeeded'", When::AfterTheFirst),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Holds,
    Skips,
    Breaks,
    /// Only if `n0` has succeeded.
    AfterTheFirst,
}
