//! How a run must end if nobody interferes, by rules of its own: no machine, no events, no time.

use crate::{
    calls,
    families::{Called, Calls},
    matrix,
    plans::is_broken,
    script::{Decision, End, WHENS, When, returns, script},
};
use engine_core::{
    event::Signal,
    plan::{Accepts, Node, OnFailure, Plan},
    retry::Cause,
    status::{RunStatus, StageStatus},
};
use std::collections::{BTreeMap, BTreeSet};

/// The end of a stage, and whether its failure is tolerated.
pub(crate) type Ends = BTreeMap<String, (StageStatus, bool)>;

/// What depends on other runs, and so is read from the logs. Attempts are told by stage and number.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: Calls,
    pub(crate) timed_out: BTreeSet<(String, u32)>,
    /// Deploys that a person does not want any more.
    pub(crate) left_alone: BTreeSet<(String, u32)>,
    pub(crate) taken_over: BTreeSet<String>,
}

/// Nothing if a failure aborts the run or stops its neighbours: then the ends depend on who was
/// faster, but for the run's, which is `failed`.
pub(crate) fn calm(plan: &Plan, seen: &Seen) -> Option<(RunStatus, Ends)> {
    let mut ends = Ends::new();
    for node in plan.nodes() {
        let met = node.needs.iter().all(|need| match (&need.accepts, &ends[&need.stage]) {
            (Accepts::Statuses(words), (status, _)) => match &need.of {
                Some(stage) => words.contains(&matrix::worst(plan, stage, &ends)),
                None => words.contains(status),
            },
            (Accepts::Plain, (StageStatus::Succeeded | StageStatus::Skipped, _)) => true,
            (Accepts::Plain, (_, tolerated)) => *tolerated,
        });
        let (end, tolerated) = match met {
            true if seen.taken_over.contains(&node.id) => (StageStatus::Succeeded, false),
            true => ended(node, &ends, seen)?,
            false => (StageStatus::Omitted, false),
        };
        if end == StageStatus::Failed && !tolerated && matrix::stops_others(node) {
            return None;
        }
        ends.insert(node.id.clone(), (end, tolerated));
    }
    let status = verdict(&ends);
    Some((status, ends))
}

/// How a run ends that nobody stopped, by the ends of its stages.
pub(crate) fn verdict(ends: &Ends) -> RunStatus {
    let any = |wanted| ends.values().any(|(status, _)| *status == wanted);
    let table = [
        (ends.values().any(|end| *end == (StageStatus::Failed, false)), RunStatus::Failed),
        (any(StageStatus::Rejected), RunStatus::Rejected),
        (any(StageStatus::RolledBack), RunStatus::RolledBack),
        (any(StageStatus::Cancelled), RunStatus::Cancelled),
    ];
    let first = table.into_iter().find(|(holds, _)| *holds);
    first.map_or(RunStatus::Succeeded, |(_, status)| status)
}

/// How many attempts a node may have at most.
pub(crate) fn most_attempts(node: &Node) -> u32 {
    // A retry that fails may be followed by a way back, which is an attempt too.
    let by_people = match node.on_failure {
        OnFailure::Hold | OnFailure::Rollback => 1 + 2 * script(node).held.len(),
        OnFailure::Fail | OnFailure::Abort | OnFailure::Continue => 0,
    };
    node.retry.limit + 1 + u32::try_from(by_people).unwrap()
}

/// The end of a stage whose needs are met, after whatever people decide about it. Nothing if the
/// run is aborted by it.
fn ended(node: &Node, ends: &Ends, seen: &Seen) -> Option<(StageStatus, bool)> {
    let mut tried = Tried { attempts: 0, seen };
    let mut end = admitted(node, ends, &mut tried);
    if end != StageStatus::Failed {
        return Some((end, false));
    }
    let goes_back = match node.on_failure {
        OnFailure::Fail => return Some((end, false)),
        OnFailure::Continue => return Some((end, true)),
        OnFailure::Abort => return None,
        OnFailure::Hold => false,
        OnFailure::Rollback => true,
    };
    if goes_back && back(node, &mut tried) {
        return Some((StageStatus::RolledBack, false));
    }
    for decision in script(node).held {
        match decision {
            Decision::Continue => return Some((StageStatus::Failed, true)),
            Decision::Abort => return None,
            Decision::RollBack if back(node, &mut tried) => end = StageStatus::RolledBack,
            Decision::RollBack => {}
            // Without an attempt so far it stands before its gates again.
            Decision::Retry => {
                end = match tried.attempts {
                    0 => admitted(node, ends, &mut tried),
                    _ if is_broken(node) => StageStatus::Failed,
                    _ => once(node, &mut tried).0,
                };
                if end == StageStatus::Failed && goes_back && back(node, &mut tried) {
                    end = StageStatus::RolledBack;
                }
            }
        }
        if end != StageStatus::Failed {
            return Some((end, false));
        }
    }
    unreachable!("the last decision is no retry")
}

/// The way back, one more attempt: whether it leads anywhere.
fn back(node: &Node, tried: &mut Tried<'_>) -> bool {
    tried.attempts += 1;
    returns(&node.id, u32::try_from(tried.attempts).unwrap())
}

/// Attempts so far.
struct Tried<'a> {
    attempts: usize,
    seen: &'a Seen,
}

fn admitted(node: &Node, ends: &Ends, tried: &mut Tried<'_>) -> StageStatus {
    let when = WHENS.into_iter().find(|(source, _)| Some(*source) == node.when.as_deref());
    match when.map(|(_, when)| when) {
        Some(When::Skips) => return StageStatus::Skipped,
        Some(When::Breaks) => return StageStatus::Failed,
        Some(When::AfterTheFirst) if ends["n0"].0 != StageStatus::Succeeded => {
            return StageStatus::Skipped;
        }
        Some(When::Holds | When::AfterTheFirst) | None => {}
    }
    if is_broken(node) { StageStatus::Failed } else { until_over(node, tried) }
}

fn until_over(node: &Node, tried: &mut Tried<'_>) -> StageStatus {
    loop {
        let (end, cause) = once(node, tried);
        let is_over = match cause {
            Some(cause) => {
                !node.retry.causes.contains(&cause) || tried.attempts > node.retry.limit as usize
            }
            None => true,
        };
        if is_over {
            return end;
        }
    }
}

/// One attempt: its end, and the cause if another one may follow.
fn once(node: &Node, tried: &mut Tried<'_>) -> (StageStatus, Option<Cause>) {
    tried.attempts += 1;
    if node.stage_type == "vanished" {
        return (StageStatus::Failed, None);
    }
    let attempt = (node.id.clone(), u32::try_from(tried.attempts).unwrap());
    if node.stage_type == calls::TYPE {
        return called(&attempt, tried.seen);
    }
    if tried.seen.left_alone.contains(&attempt) {
        return (StageStatus::Rejected, None);
    }
    let script = script(node);
    let played = script.attempts.get(tried.attempts - 1).or(script.attempts.last()).unwrap();
    if played.asks() == Some(Signal::Reject) {
        return (StageStatus::Rejected, None);
    }
    if played.asks() == Some(Signal::No) {
        return (StageStatus::Failed, Some(Cause::Failure));
    }
    match played.end {
        End::Succeed => (StageStatus::Succeeded, None),
        End::Panic => (StageStatus::Failed, None),
        End::Error => (StageStatus::Failed, Some(Cause::Error)),
        End::Failure => (StageStatus::Failed, Some(Cause::Failure)),
        End::Hang => (StageStatus::Failed, Some(Cause::Timeout)),
    }
}

/// The end of an attempt that starts a pipeline.
fn called(attempt: &(String, u32), seen: &Seen) -> (StageStatus, Option<Cause>) {
    if seen.timed_out.contains(attempt) {
        return (StageStatus::Failed, Some(Cause::Timeout));
    }
    match seen.calls.get(attempt) {
        // A neighbour's failure has stopped it before; if there was none, no stage ends so.
        None => (StageStatus::Pending, None),
        Some(Called::Unattended | Called::Ended(RunStatus::Succeeded)) => {
            (StageStatus::Succeeded, None)
        }
        Some(Called::Ring | Called::Ended(_)) => (StageStatus::Failed, Some(Cause::Failure)),
    }
}
