//! The stage's part in a storm: one move of its script for each step.

use super::Storm;
use crate::script::{self, End, HANG_TIMEOUT_MS, Move};
use engine_core::{
    clock::{Elapsed, Moment},
    event::{Answer, Call, Progress, Signal},
    execution::state::{Attempt, NodeState, Part},
    id::BlobName,
    plan::Effect,
    revision::{ComponentSet, Origin},
    stage::{Outputs, Record, StageError, Step, WaitReason, Wake},
    status::WaitKind,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Storm {
    pub(super) fn step(&mut self, call: Call) -> Answer {
        let node = self.plan.node(call.node);
        if let NodeState::Running(Attempt { part: Part::Rollback { .. }, .. })
        | NodeState::Stopping {
            attempt: Attempt { part: Part::Rollback { .. }, .. }, ..
        } = self.execution.node_state(call.node)
        {
            return match script::returns(&node.id, call.attempt) {
                true => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
                false => Err(StageError::Failure("no way back".to_owned())),
            };
        }
        if node.stage_type == "vanished" {
            return Err(StageError::Defect("gone".to_owned()));
        }
        let script = script::script(node);
        let played = script.attempts.get(call.attempt as usize - 1);
        let attempt = played.or(script.attempts.last()).unwrap().clone();
        let progress = self.execution.attempt(call).map(|attempt| attempt.progress.clone());
        let is_new = progress == Some(Progress::Inline(Value::Null));
        if is_new && node.effect == Effect::Writes && self.chance.one_in(8) {
            return Ok(self.finds_unmet());
        }
        let at = match progress {
            Some(Progress::Inline(Value::Null)) | None => 0,
            Some(Progress::Inline(value)) => value["at"].as_u64().unwrap(),
            Some(Progress::Blob(_)) => unreachable!("the machine makes no blobs"),
        };
        self.play(&attempt, (call, at))
    }

    fn play(&mut self, attempt: &script::Attempt, (call, at): (Call, u64)) -> Answer {
        let Some(act) = attempt.moves.get(usize::try_from(at).unwrap()) else {
            return self.end(attempt.end, at);
        };
        let mut records = Vec::new();
        let signals = self.execution.attempt(call).map(|attempt| attempt.signals.clone());
        let said = signals.unwrap_or_default().first().map(|signalled| signalled.signal);
        let (at, kind, wake) = match act {
            Move::Ask { .. } | Move::Wonder { .. } => match said {
                Some(Signal::No) => return Err(StageError::Failure("no".to_owned())),
                Some(Signal::Reject) => return Err(StageError::Rejected("no".to_owned())),
                Some(_) => (at + 1, WaitKind::Readiness, self.after(0)),
                None => (at, act.kind(), Wake::default()),
            },
            Move::Timer { ms } => (at + 1, WaitKind::Timer, self.after(*ms)),
            Move::Poll { .. } if self.chance.one_in(2) => (at, WaitKind::Readiness, self.after(50)),
            Move::Object if self.chance.one_in(2) => (at, WaitKind::Readiness, self.after(500)),
            Move::Deploy { .. } => {
                records.push(Record::Revision(set(call, at)));
                (at + 1, WaitKind::Readiness, self.after(0))
            }
            Move::Poll { .. } | Move::Object | Move::Effect | Move::Remember => {
                (at + 1, WaitKind::Readiness, self.after(0))
            }
        };
        let progress = Progress::Inline(json!({ "at": at }));
        let reason = WaitReason { kind, detail: format!("move {at}") };
        Ok(Step::Wait { progress, wake, reason, records })
    }

    /// What a rule wants is not there yet, and is there later.
    fn finds_unmet(&mut self) -> Step<Progress> {
        let wake = self.after(700);
        let reason = WaitReason { kind: WaitKind::Rules, detail: "not good yet".to_owned() };
        let progress = Progress::Inline(json!({ "at": 0 }));
        Step::Wait { progress, wake, reason, records: Vec::new() }
    }

    fn end(&mut self, end: End, at: u64) -> Answer {
        match end {
            End::Succeed => Ok(Step::Done { outputs: Outputs::new(), records: Vec::new() }),
            End::Error => Err(StageError::Error("as scripted".to_owned())),
            End::Failure => Err(StageError::Failure("as scripted".to_owned())),
            End::Panic => Err(StageError::Defect("as scripted".to_owned())),
            End::Hang => Ok(Step::Wait {
                progress: Progress::Inline(json!({ "at": at })),
                wake: self.after(HANG_TIMEOUT_MS / 4),
                reason: WaitReason {
                    kind: WaitKind::Readiness,
                    detail: format!("hangs in call {}", self.answered.len()),
                },
                records: Vec::new(),
            }),
        }
    }

    fn after(&self, ms: u64) -> Wake {
        let at = Moment::Elapsed(Elapsed(self.now.elapsed.0 + ms));
        Wake { at: Some(at), objects: Vec::new() }
    }
}

fn set(call: Call, at: u64) -> ComponentSet {
    ComponentSet {
        component: "main".to_owned(),
        content: BlobName(format!("{}-{at}", call.attempt)),
        images: BTreeMap::new(),
        further_images: BTreeSet::new(),
        readiness: engine_core::revision::Readiness::Awaited,
        origin: Origin::Deploy,
    }
}
