//! One function per kind of input: what it states by itself.

use super::{
    Execution,
    agenda::{Landing, Timer},
    claims,
    decide::{Decided, Decision},
    group, pause, signals,
    state::{Attempt, Claim, NodeState, Waiting},
    trial,
};
use crate::{
    clock::Now,
    event::{
        Answer, Call, Evaluated, Event, Failure, Force, Gate, InputRow, Message, Progress,
        Rejected, RunAct, RunStop, StopCause,
    },
    plan::NodeIndex,
    retry::Cause,
    revision::Target,
    stage::{Outputs, Record, StageError, Step, WaitReason, Wake},
    status::WaitKind,
};

/// Outputs above this size, in bytes of JSON, fail their stage.
pub const OUTPUTS_LIMIT: usize = 32 * 1024;
/// Messages of failures are cut to this many bytes, so that an event stays small.
const MESSAGE_LIMIT: usize = 8 * 1024;

pub(super) fn stepped(
    execution: &mut Execution,
    (call, answer): (Call, Answer),
    now: Now,
) -> Decided {
    land(execution, call)?;
    let state = &execution.recorded.nodes[call.node.0];
    match state {
        NodeState::Running(_) => answered(execution, (call.node, answer), now),
        NodeState::Stopping { .. } => Ok(answered_late(execution, (call.node, answer), now)),
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Ended(_) => Err(stale(execution, call)),
    }
}

fn answered(execution: &mut Execution, (index, answer): (NodeIndex, Answer), now: Now) -> Decided {
    let mut decision = Decision::new(execution, now);
    match answer {
        Ok(Step::Wait { progress, wake, reason, records }) => {
            record(&mut decision, index, records);
            match reason.kind == WaitKind::Rules && decision.is_ruled(index) {
                true => decision.unmet(index, (wake, reason.detail)),
                false => wait(&mut decision, index, (progress, wake, reason)),
            }
        }
        Ok(Step::Done { outputs, records }) => {
            record(&mut decision, index, records);
            done(&mut decision, index, outputs);
        }
        Err(StageError::Halted(_)) => {
            // It was not told to by a decision of ours: it is simply due again.
            decision.execution.agenda.urge(index);
            decision.execution.refresh(index);
        }
        Err(StageError::Rejected(because)) => decision.reject(index, cut(because)),
        Err(StageError::Error(message)) => fail(&mut decision, index, (Cause::Error, message)),
        Err(StageError::Failure(message)) => fail(&mut decision, index, (Cause::Failure, message)),
        Err(StageError::Defect(message)) => fail(&mut decision, index, (Cause::Defect, message)),
    }
    Ok(decision.finish())
}

/// While a stage is being stopped, what its step remembers and recorded counts; its verdict does
/// not.
fn answered_late(
    execution: &mut Execution,
    (index, answer): (NodeIndex, Answer),
    now: Now,
) -> Vec<Event> {
    let mut decision = Decision::new(execution, now);
    match answer {
        Ok(Step::Wait { progress, records, .. }) => {
            record(&mut decision, index, records);
            if attempt(decision.state(index)).is_some_and(|attempt| attempt.progress != progress) {
                let stage = decision.id(index);
                decision.emit(Event::StageProgressed { stage, progress });
            }
        }
        Ok(Step::Done { records, .. }) => record(&mut decision, index, records),
        Err(
            StageError::Halted(_)
            | StageError::Rejected(_)
            | StageError::Error(_)
            | StageError::Failure(_)
            | StageError::Defect(_),
        ) => {}
    }
    decision.execution.agenda.urge(index);
    decision.execution.refresh(index);
    decision.finish()
}

/// A gate has its answer. A condition or a value that cannot be told fails the stage: neither is
/// ever taken for a no.
pub(super) fn evaluated(
    execution: &mut Execution,
    (call, answer): (Call, Evaluated),
    now: Now,
) -> Decided {
    land(execution, call)?;
    let index = call.node;
    let NodeState::Gated { gate, next, .. } = &execution.recorded.nodes[index.0] else {
        return Err(stale(execution, call));
    };
    let (gate, attempt) = (gate.clone(), next.attempt);
    let mut decision = Decision::new(execution, now);
    match (gate, answer) {
        (Gate::When, Evaluated::Holds) => decision.pass_when(index),
        (Gate::When, Evaluated::Skips { because }) => {
            let stage = decision.id(index);
            decision.end(index, Event::StageSkipped { stage, because: cut(because) });
        }
        (Gate::Configuration, Evaluated::Bound(config)) => {
            decision.start(index, (attempt, Some(config)));
        }
        (Gate::When | Gate::Configuration, Evaluated::Broken(message)) => {
            let failure = Failure { cause: Cause::Failure, message: cut(message) };
            decision.failed(index, failure);
        }
        (Gate::When, Evaluated::Bound(_))
        | (Gate::Configuration, Evaluated::Holds | Evaluated::Skips { .. })
        | (
            Gate::Rules
            | Gate::Asked { .. }
            | Gate::Frozen { .. }
            | Gate::Unmet { .. }
            | Gate::Target { .. }
            | Gate::Parallel
            | Gate::Paused { .. },
            _,
        ) => {
            return Err(stale(execution, call));
        }
    }
    Ok(decision.finish())
}

pub(super) fn objects_changed(execution: &mut Execution, index: NodeIndex) -> Decided {
    execution.agenda.urge(index);
    execution.refresh(index);
    Ok(Vec::new())
}

pub(super) fn tick(execution: &mut Execution, now: Now) -> Decided {
    let rung = execution.agenda.ring(now);
    let is_over = execution.agenda.is_over(now) && execution.recorded.stop.is_none();
    let mut decision = Decision::new(execution, now);
    if is_over {
        decision.stop_run(RunStop::Timeout);
    }
    for (index, timer) in rung {
        match (timer, decision.state(index)) {
            (Timer::Wake, _) => {
                decision.execution.agenda.urge(index);
                decision.execution.refresh(index);
            }
            (Timer::Retry, NodeState::BackingOff(_))
                if !decision.execution.recorded.is_paused() =>
            {
                decision.begin_attempt(index);
            }
            (Timer::Deadline, NodeState::Running(_)) => {
                if decision.execution.agenda.may_judge(index) {
                    decision.stop_stage(index, StopCause::Timeout);
                }
            }
            (
                Timer::Retry | Timer::Deadline,
                NodeState::Pending { .. }
                | NodeState::Gated { .. }
                | NodeState::Running(_)
                | NodeState::BackingOff(_)
                | NodeState::Held(_)
                | NodeState::Stopping { .. }
                | NodeState::Ended(_),
            ) => {}
        }
    }
    Ok(decision.finish())
}

pub(super) fn row(execution: &mut Execution, row: InputRow, now: Now) -> Decided {
    match row.message {
        Message::Cancel { actor, reason, force } => {
            let act = match force {
                Force::No => RunAct::Cancel,
                Force::Yes => RunAct::ForceCancel,
            };
            pause::act(execution, (act, actor, reason), now)
        }
        Message::Pause { actor, reason } => {
            pause::act(execution, (RunAct::Pause, actor, reason), now)
        }
        Message::Resume { actor, reason } => {
            pause::act(execution, (RunAct::Resume, actor, reason), now)
        }
        Message::Answer { reply, actor, reason } => {
            trial::answer(execution, (reply, actor, reason), now)
        }
        Message::TargetGranted { target } => granted(execution, target, now),
        Message::TargetRefused { target, ring } => claims::refused(execution, (target, ring), now),
        Message::Preempted { target, by } => claims::preempted(execution, (target, by), now),
        Message::TakesBack { target, from } => claims::takes_back(execution, (target, from), now),
        Message::SlotGranted { slot } => group::granted(execution, slot, now),
        Message::SlotRefused { slot, because } => group::refused(execution, (slot, because), now),
        Message::RoomGranted => group::let_in(execution, now),
        Message::RoomRefused { ring } => group::kept_out(execution, ring, now),
        Message::Superseded { by, urgency } => group::superseded(execution, (by, urgency), now),
        Message::Withdrawn { because } => group::withdrawn(execution, because, now),
        Message::ParentEnded { by } => group::orphaned(execution, by, now),
        Message::ChildEnded { stage } => child_ended(execution, &stage),
        Message::Signal { stage, signalled } => signals::take(execution, (&stage, signalled), now),
    }
}

fn granted(execution: &mut Execution, target: Target, now: Now) -> Decided {
    match execution.recorded.targets.get(&target.environment).map(|state| state.claim) {
        Some(Claim::Asked { .. }) => {
            let mut decision = Decision::new(execution, now);
            decision.granted(target);
            Ok(decision.finish())
        }
        Some(Claim::Unasked | Claim::Held | Claim::Released) | None => {
            Err(Rejected::NotAsked { environment: target.environment })
        }
    }
}

/// The stage looks at its child itself.
fn child_ended(execution: &mut Execution, stage: &str) -> Decided {
    let waits = |index: &NodeIndex| match execution.node_state(*index) {
        NodeState::Running(_) | NodeState::Stopping { .. } => true,
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Ended(_) => false,
    };
    match execution.plan.graph().index(stage).filter(waits) {
        None => Err(Rejected::NoChild { stage: stage.to_owned() }),
        Some(index) => objects_changed(execution, index),
    }
}

/// A wait whose progress and kind of reason did not change is not worth an event.
fn wait(
    decision: &mut Decision<'_>,
    index: NodeIndex,
    (progress, wake, reason): (Progress, Wake, WaitReason),
) {
    let is_news = attempt(decision.state(index)).is_some_and(|attempt| {
        let kind = match &attempt.waiting {
            Waiting::No => None,
            Waiting::For { reason, .. } => Some(reason.kind),
        };
        kind != Some(reason.kind) || attempt.progress != progress
    });
    let reason = WaitReason { kind: reason.kind, detail: cut(reason.detail) };
    decision.execution.agenda.wait(index, (wake.clone(), reason.detail.clone()));
    if is_news {
        let stage = decision.id(index);
        decision.emit(Event::StageWaiting { stage, progress, wake, reason });
    } else {
        decision.execution.refresh(index);
    }
}

fn done(decision: &mut Decision<'_>, index: NodeIndex, outputs: Outputs) {
    let size = serde_json::to_vec(&outputs).map_or(usize::MAX, |json| json.len());
    if size > OUTPUTS_LIMIT {
        let message = format!("its outputs are {size} bytes, at most {OUTPUTS_LIMIT} are kept");
        return fail(decision, index, (Cause::Failure, message));
    }
    match decision.state(index).undoes().cloned() {
        Some(failure) => decision.rolled_back(index, failure),
        None => {
            let stage = decision.id(index);
            decision.end(index, Event::StageSucceeded { stage, outputs });
        }
    }
}

fn fail(decision: &mut Decision<'_>, index: NodeIndex, (cause, message): (Cause, String)) {
    decision.attempt_failed(index, Failure { cause, message: cut(message) });
}

fn record(decision: &mut Decision<'_>, index: NodeIndex, records: Vec<Record>) {
    let target = decision.execution.plan.target(decision.node(index));
    for record in records {
        match (record, &target) {
            (Record::Revision(set), Some(target)) => {
                let (stage, target) = (decision.id(index), target.clone());
                decision.emit(Event::RevisionRecorded { stage, target, set });
            }
            (Record::Image { reference, resolved }, _) => {
                if !decision.execution.recorded.images.contains_key(&reference) {
                    decision.emit(Event::ImageResolved { reference, resolved });
                }
            }
            // Blobs are written beside the log by whoever hands in the answer.
            (Record::Blob { .. }, _) | (Record::Revision(_), None) => {}
        }
    }
}

fn attempt(state: &NodeState) -> Option<&Attempt> {
    match state {
        NodeState::Running(attempt) | NodeState::Stopping { attempt, .. } => Some(attempt),
        NodeState::Pending { .. }
        | NodeState::Gated { .. }
        | NodeState::BackingOff(_)
        | NodeState::Held(_)
        | NodeState::Ended(_) => None,
    }
}

pub(super) fn land(execution: &mut Execution, call: Call) -> Result<(), Rejected> {
    match execution.agenda.land(call) {
        Landing::Expected => Ok(()),
        Landing::Stale => Err(stale(execution, call)),
    }
}

pub(super) fn stale(execution: &Execution, call: Call) -> Rejected {
    let stage = execution.plan.nodes().get(call.node.0).map(|node| node.id.clone());
    Rejected::Stale { stage: stage.unwrap_or_default(), sequence: call.sequence }
}

pub(super) fn cut(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        let end = (0..=MESSAGE_LIMIT).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
        message.truncate(end);
        message.push('…');
    }
    message
}
