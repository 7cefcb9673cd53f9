//! How a run must end if nobody interferes, by rules of its own: no machine, no events, no time.

use crate::script::{End, WHENS, When, is_broken, script};
use engine_core::{
    plan::{Accepts, Node, OnFailure, Plan},
    retry::Cause,
    status::{RunStatus, StageStatus},
};
use std::collections::BTreeMap;

/// The end of a stage, and whether its failure is tolerated.
pub(crate) type Ends = BTreeMap<String, (StageStatus, bool)>;

/// Nothing if a failure aborts the run: then the ends depend on who was faster.
pub(crate) fn calm(plan: &Plan) -> Option<(RunStatus, Ends)> {
    let mut ends = Ends::new();
    for node in plan.nodes() {
        let met = node.needs.iter().all(|need| match (&need.accepts, &ends[&need.stage]) {
            (Accepts::Statuses(words), (status, _)) => words.contains(status),
            (Accepts::Plain, (StageStatus::Succeeded | StageStatus::Skipped, _)) => true,
            (Accepts::Plain, (_, tolerated)) => *tolerated,
        });
        let end = if met { admitted(node, &ends) } else { StageStatus::Omitted };
        if end == StageStatus::Failed && node.on_failure == OnFailure::Abort {
            return None;
        }
        let tolerated = end == StageStatus::Failed && node.on_failure == OnFailure::Continue;
        ends.insert(node.id.clone(), (end, tolerated));
    }
    let counts =
        |(status, tolerated): &(StageStatus, bool)| *status == StageStatus::Failed && !tolerated;
    let failed = ends.values().any(counts);
    Some((if failed { RunStatus::Failed } else { RunStatus::Succeeded }, ends))
}

/// How many attempts a node may have at most.
pub(crate) fn most_attempts(node: &Node) -> u32 {
    node.retry.limit + 1
}

fn admitted(node: &Node, ends: &Ends) -> StageStatus {
    let when = WHENS.into_iter().find(|(source, _)| Some(*source) == node.when.as_deref());
    match when.map(|(_, when)| when) {
        Some(When::Skips) => return StageStatus::Skipped,
        Some(When::Breaks) => return StageStatus::Failed,
        Some(When::AfterTheFirst) if ends["n0"].0 != StageStatus::Succeeded => {
            return StageStatus::Skipped;
        }
        Some(When::Holds | When::AfterTheFirst) | None => {}
    }
    if is_broken(node) { StageStatus::Failed } else { tried(node) }
}

fn tried(node: &Node) -> StageStatus {
    if node.stage_type == "vanished" {
        return StageStatus::Failed;
    }
    let script = script(node);
    for attempt in 1.. {
        let played = script.attempts.get(attempt - 1).or(script.attempts.last()).unwrap();
        let cause = match played.end {
            End::Succeed => return StageStatus::Succeeded,
            End::Panic => return StageStatus::Failed,
            End::Error => Cause::Error,
            End::Failure => Cause::Failure,
            End::Hang => Cause::Timeout,
        };
        if !node.retry.causes.contains(&cause) || attempt >= most_attempts(node) as usize {
            return StageStatus::Failed;
        }
    }
    unreachable!("the attempts are limited")
}
