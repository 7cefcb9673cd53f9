//! What is shown of one stage.

use super::{StageView, Surroundings, WaitView, held_words, instant};
use crate::{
    clock::{Civil, Now},
    event::{Gate, Signal, StopCause},
    execution::state::{BackingOff, End, NodeState, Waiting},
    plan::Node,
    status::WaitKind,
    wording,
};

pub(super) fn view(node: &Node, state: &NodeState, surroundings: &Surroundings) -> StageView {
    let end = match state {
        NodeState::Ended(ended) => Some(ended),
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::Running(_)
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Stopping { .. } => None,
    };
    let tolerated = end.is_some_and(|ended| ended.end.is_tolerated());
    StageView {
        name: node.name.clone(),
        stage_type: node.stage_type.clone(),
        status: state.status(),
        attempts: state.attempts(),
        started_at: state.started_at().map(|at| instant(at.civil)),
        ended_at: end.map(|ended| instant(ended.ended_at.civil)),
        waiting: waiting(node, state, surroundings),
        reason: reason(state),
        tolerated,
        why: None,
        usual: None,
    }
}

fn waiting(node: &Node, state: &NodeState, surroundings: &Surroundings) -> Option<WaitView> {
    match state {
        NodeState::Gated { since, gate: Gate::Target { .. }, .. } => {
            Some(gated(node, *since, surroundings))
        }
        NodeState::Gated { since, gate: Gate::Asked { detail }, .. } => Some(asked(*since, detail)),
        NodeState::Gated { since, gate: Gate::Frozen { detail, opens }, .. } => {
            Some(frozen(*since, detail, *opens))
        }
        NodeState::Gated { since, gate: Gate::Unmet { detail }, .. } => Some(unmet(*since, detail)),
        NodeState::Gated {
            gate:
                Gate::When | Gate::Rules | Gate::Configuration | Gate::Parallel | Gate::Paused { .. },
            ..
        } => None,
        NodeState::BackingOff(pause) => Some(backing_off(pause)),
        NodeState::Held(held) => Some(WaitView {
            kind: WaitKind::Hold,
            since: instant(held.since.civil),
            until: None,
            detail: held_words(&held.failure),
            blocked_by: Vec::new(),
            takes: Vec::new(),
        }),
        NodeState::Running(attempt) => match &attempt.waiting {
            Waiting::No => None,
            Waiting::For { wake, reason, since, said_at } => {
                let live = surroundings.details.get(&node.id);
                // An older one belongs to what was waited for before.
                let live = live.filter(|live| live.at.elapsed >= said_at.elapsed);
                Some(WaitView {
                    kind: reason.kind,
                    since: instant(since.civil),
                    until: until(reason.kind, wake.at, *since),
                    detail: live.map_or(&reason.detail, |live| &live.text).clone(),
                    blocked_by: Vec::new(),
                    takes: Vec::new(),
                })
            }
        },
        NodeState::Pending { .. } | NodeState::Stopping { .. } | NodeState::Ended(_) => None,
    }
}

/// People are asked by a rule.
fn asked(since: Now, detail: &str) -> WaitView {
    WaitView {
        kind: WaitKind::Rules,
        since: instant(since.civil),
        until: None,
        detail: detail.to_owned(),
        blocked_by: Vec::new(),
        takes: vec![Signal::Approve, Signal::Reject],
    }
}

fn frozen(since: Now, detail: &str, opens: Option<Civil>) -> WaitView {
    WaitView {
        kind: WaitKind::Freeze,
        since: instant(since.civil),
        until: opens.map(instant),
        detail: detail.to_owned(),
        blocked_by: Vec::new(),
        takes: Vec::new(),
    }
}

fn unmet(since: Now, detail: &str) -> WaitView {
    WaitView { takes: Vec::new(), ..asked(since, detail) }
}

fn backing_off(pause: &BackingOff) -> WaitView {
    let left = pause.retry_at.since(pause.since.elapsed);
    let until = Civil(pause.since.civil.0 + crate::clock::milliseconds(left));
    WaitView {
        kind: WaitKind::Retry,
        since: instant(pause.since.civil),
        until: Some(instant(until)),
        detail: format!("tried again after: {}", pause.failure.message),
        blocked_by: Vec::new(),
        takes: Vec::new(),
    }
}

fn gated(node: &Node, since: Now, surroundings: &Surroundings) -> WaitView {
    let environment = node.environment.clone().unwrap_or_default();
    let blocked_by = surroundings.blocked_by.get(&environment).cloned().unwrap_or_default();
    let detail = if blocked_by.is_empty() {
        format!("waits for its turn in {environment}")
    } else {
        format!("waits for its turn in {environment} after {}", blocked_by.join(", "))
    };
    let since = instant(since.civil);
    WaitView { kind: WaitKind::Target, since, until: None, detail, blocked_by, takes: Vec::new() }
}

/// Only a declared time has an end that can be told.
fn until(kind: WaitKind, at: Option<crate::clock::Moment>, since: Now) -> Option<String> {
    match (kind, at) {
        (WaitKind::Timer, Some(crate::clock::Moment::Civil(at))) => Some(instant(at)),
        (WaitKind::Timer, Some(crate::clock::Moment::Elapsed(at))) => {
            let left = crate::clock::milliseconds(at.since(since.elapsed));
            Some(instant(Civil(since.civil.0 + left)))
        }
        (WaitKind::Timer, None)
        | (
            WaitKind::Target
            | WaitKind::Readiness
            | WaitKind::Cluster
            | WaitKind::Retry
            | WaitKind::Approval
            | WaitKind::Rules
            | WaitKind::Freeze
            | WaitKind::Hold
            | WaitKind::Paused
            | WaitKind::Concurrency
            | WaitKind::Question
            | WaitKind::Child,
            _,
        ) => None,
    }
}

fn reason(state: &NodeState) -> Option<String> {
    match state {
        NodeState::Running(_) => {
            state.undoes().map(|failure| format!("goes back after: {}", failure.message))
        }
        NodeState::Pending { .. } | NodeState::Gated { .. } => None,
        NodeState::BackingOff(pause) => Some(pause.failure.message.clone()),
        NodeState::Held(held) => Some(held.failure.message.clone()),
        NodeState::Stopping { cause, .. } => Some(stop(cause)),
        NodeState::Ended(ended) => match &ended.end {
            End::Succeeded { .. } => None,
            End::Failed { failure, .. } => Some(failure.message.clone()),
            End::RolledBack { failure } => Some(format!("taken back after: {}", failure.message)),
            End::Omitted { because } | End::Skipped { because } | End::Rejected { because } => {
                Some(because.clone())
            }
            End::Cancelled { cause, left: None } => Some(stop(cause)),
            End::Cancelled { cause, left: Some(left) } => {
                Some(format!("{}; it could not be stopped: {left}", stop(cause)))
            }
        },
    }
}

fn stop(cause: &StopCause) -> String {
    match cause {
        StopCause::Cancel => "the run was cancelled".to_owned(),
        StopCause::Timeout => "its time ran out".to_owned(),
        StopCause::RunTimeout => "the time of the whole run ran out".to_owned(),
        StopCause::Abort { by } => format!("`{by}` failed and aborted the run"),
        StopCause::Superseded { by } => format!("the run was superseded by {by}"),
        StopCause::Preempted { by } => format!("{by} takes its target back"),
        StopCause::NotAdmitted { because } | StopCause::Withdrawn { because } => because.clone(),
        StopCause::Parent { by } => format!("{by}, which started the run, needs it no more"),
        StopCause::Poison { unclean_ends, by } => wording::poison_words(*unclean_ends, by),
        StopCause::FailFast { by } => format!("`{by}` failed, and its matrix fails fast"),
    }
}
