//! What must hold of any log, read as a list of facts.

use crate::{
    actors::OUT_OF_DATE,
    families::Calls,
    matrix,
    oracle::{self, Ends, Seen},
    repeat::Repeat,
};
use engine_core::{
    Execution,
    clock::Now,
    event::{Event, Force, Gate, RunStop, Signal, StopCause},
    id::RunId,
    plan::{Accepts, Cell, Node, Plan},
    status::{RunStatus, StageStatus},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(crate) type Facts = Vec<(Event, Now)>;

/// The present state is the replay of the log.
pub(crate) fn replays(execution: &Execution, facts: &[(Event, Now)]) {
    let log = facts.iter().map(|(event, now)| (event, *now));
    let run = execution.recorded().id;
    let replayed = Execution::replay(execution.plan().clone(), run, log).unwrap();
    assert_eq!(
        replayed.recorded(),
        execution.recorded(),
        "replay differs after {:?}",
        facts.last()
    );
    let (mut now, mut then) = (execution.summary(), replayed.summary());
    now.wake = Default::default();
    then.wake = Default::default();
    assert_eq!(now, then, "the summary of a replay differs");
}

/// Reads a log from its beginning and keeps to no more than the rules of the language.
#[derive(Default)]
struct Ledger {
    ended: BTreeMap<String, (StageStatus, bool)>,
    attempts: BTreeMap<String, u32>,
    retry_at: BTreeMap<String, u64>,
    open: BTreeMap<String, u32>,
    recorded: BTreeMap<(String, String), Vec<String>>,
    /// What image references stand for.
    images: BTreeMap<String, String>,
    stop: Option<RunStop>,
    paused: bool,
    /// Nothing of it is called, because the engine died with it.
    stands: bool,
    /// Its place in its group is asked for, and not granted.
    queued: bool,
    /// Another run's way back, or a ring, ended stages here.
    disturbed: bool,
    preempted: BTreeSet<String>,
    /// Stages that take their environment back.
    going_back: BTreeSet<String>,
    status: Option<RunStatus>,
    /// Whether an attempt of any stage was ever started.
    begun: bool,
    repeat: Repeat,
    /// Stages that a rule keeps.
    asked: BTreeSet<String>,
    /// Stages whose newest question is whether they are out of date.
    outdated: BTreeSet<String>,
    seen: Seen,
}

/// What else is known of a run.
#[derive(Default)]
pub(crate) struct Known {
    /// The ends of the run that it retries.
    pub(crate) earlier: Option<Ends>,
    pub(crate) calls: Calls,
}

/// Checks a whole log; answers how the run ended, and its stages.
pub(crate) fn check(
    plan: &Arc<Plan>,
    (run, known): (RunId, Known),
    facts: &[(Event, Now)],
) -> (RunStatus, Ends) {
    let seen = Seen { calls: known.calls, ..Seen::default() };
    let mut ledger = Ledger { repeat: Repeat::of(known.earlier), seen, ..Ledger::default() };
    for (event, now) in facts {
        assert_eq!(ledger.status, None, "{run}: {event:?} after the end");
        ledger.read(plan, event, *now);
    }
    let status = ledger.status.unwrap_or_else(|| panic!("{run} has not ended: {:?}", facts.last()));
    assert_eq!(ledger.ended.len(), plan.nodes().len(), "{run} ended before its stages");
    match &ledger.stop {
        Some(
            RunStop::Cancel { .. }
            | RunStop::Superseded { .. }
            | RunStop::Withdrawn { .. }
            | RunStop::GroupFull { .. }
            | RunStop::Parent { .. },
        ) => assert_eq!(status, RunStatus::Cancelled),
        Some(
            RunStop::Abort { .. }
            | RunStop::Timeout
            | RunStop::Ring { .. }
            | RunStop::Poison { .. },
        ) => assert_eq!(status, RunStatus::Failed),
        None if ledger.disturbed => {
            assert_eq!(status, oracle::verdict(&ledger.ended), "{run}: {:?}", ledger.ended);
        }
        None => match oracle::calm(plan, &ledger.seen) {
            Some((expected, ends)) => {
                assert_eq!((status, &ledger.ended), (expected, &ends), "{run} ended otherwise");
            }
            None => assert_eq!(status, RunStatus::Failed, "{run}"),
        },
    }
    (status, ledger.ended)
}

impl Ledger {
    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    fn read(&mut self, plan: &Plan, event: &Event, now: Now) {
        match event {
            Event::AttemptStarted { stage, attempt, .. } => {
                self.begun = true;
                self.started(plan, (stage, *attempt), now)
            }
            Event::RollbackStarted { stage, attempt, .. } => {
                assert_eq!(self.stop, None, "{stage} goes back after the run was stopped");
                self.open.remove(stage);
                self.going_back.insert(stage.clone());
                self.counted(node(plan, stage), *attempt);
            }
            Event::AttemptFailed { stage, retry_at, .. } => {
                assert!(!self.stands, "{stage} is called while its run stands still");
                self.open.remove(stage).expect("an attempt that fails was open");
                self.retry_at.insert(stage.clone(), retry_at.0);
            }
            Event::StageRolledBack { stage, .. } => {
                self.ends(stage, StageStatus::RolledBack, false);
            }
            Event::StageSucceeded { stage, .. } => {
                assert!(!self.stands, "{stage} is called while its run stands still");
                self.repeat.succeeded(node(plan, stage));
                self.ends(stage, StageStatus::Succeeded, false);
            }
            Event::StageTakenOver { stage, .. } => {
                let node = node(plan, stage);
                self.needs_are_met(plan, node);
                assert!(!self.paused && self.stop.is_none(), "{stage} is taken over out of turn");
                assert_eq!(self.attempts.get(stage), None, "{stage} is taken over after it ran");
                self.repeat.taken_over(plan, node);
                self.seen.taken_over.insert(stage.clone());
                self.ends(stage, StageStatus::Succeeded, false);
            }
            Event::StageFailed { stage, tolerance, .. } => {
                let tolerated = *tolerance == engine_core::event::Tolerance::Tolerated;
                self.ends(stage, StageStatus::Failed, tolerated);
            }
            Event::StageHeld { stage, .. } => {
                self.going_back.remove(stage);
                self.open.remove(stage);
            }
            Event::StageRejected { stage, .. } => {
                self.disturbed |= self.asked.contains(stage);
                self.ends(stage, StageStatus::Rejected, false);
            }
            Event::StageSkipped { stage, .. } => {
                self.repeat.skipped(node(plan, stage));
                self.ends(stage, StageStatus::Skipped, false);
            }
            Event::StageOmitted { stage, .. } => self.ends(stage, StageStatus::Omitted, false),
            Event::StageCancelled { stage, cause: StopCause::FailFast { by }, .. } => {
                assert_eq!(self.ended.get(by), Some(&(StageStatus::Failed, false)), "{by}");
                let (node, other) = (node(plan, stage), node(plan, by));
                assert!(matrix::stops_others(node), "{stage} is cancelled for {by}");
                let of = |node: &Node| node.matrix.as_ref().map(|cell| cell.stage.clone());
                assert_eq!(of(node), of(other));
                self.ends(stage, StageStatus::Cancelled, false);
            }
            Event::StageCancelled { stage, cause: StopCause::Preempted { .. }, .. } => {
                let environment = node(plan, stage).environment.clone().unwrap_or_default();
                assert!(self.preempted.contains(&environment), "{stage} gives way to nobody");
                self.ends(stage, StageStatus::Cancelled, false);
            }
            Event::StageStopping { stage, cause } if self.going_back.contains(stage) => {
                let insists = matches!(self.stop, Some(RunStop::Cancel { force: Force::Yes, .. }));
                assert!(
                    insists || matches!(cause, StopCause::Timeout | StopCause::Poison { .. }),
                    "{stage} is left half-way: {cause:?}"
                );
            }
            Event::StageStopping { stage, cause: StopCause::Timeout } => {
                self.seen.timed_out.insert(self.attempt(stage));
            }
            Event::StageStopping { .. } => {}
            Event::SlotAsked { .. } => self.queued = true,
            Event::SlotGranted { .. } => self.queued = false,
            Event::TargetRefused { .. } => self.disturbed = true,
            Event::TargetPreempted { target, .. } => {
                self.disturbed = true;
                self.preempted.insert(target.environment.clone());
            }
            Event::StageCancelled { stage, .. } => {
                assert!(self.stop.is_some(), "{stage} is cancelled and nobody stopped the run");
                self.ends(stage, StageStatus::Cancelled, false);
            }
            Event::ImageResolved { reference, resolved } => {
                let before = self.images.insert(reference.clone(), resolved.clone());
                assert_eq!(before, None, "{reference} stands for two images in one run");
            }
            Event::RevisionRecorded { stage, set, .. } => {
                let key = (stage.clone(), set.component.clone());
                let contents = self.recorded.entry(key).or_default();
                assert!(!contents.contains(&set.content.0), "{stage} recorded a set twice");
                contents.push(set.content.0.clone());
            }
            Event::StageWaiting { stage, reason, .. } => {
                assert!(!self.stands, "{stage} is called while its run stands still");
                match reason.detail.starts_with(OUT_OF_DATE) {
                    true => self.outdated.insert(stage.clone()),
                    false => self.outdated.remove(stage),
                };
            }
            Event::StageSignalled { stage, signal: Signal::No, .. }
                if self.outdated.contains(stage) =>
            {
                self.seen.left_alone.insert(self.attempt(stage));
            }
            Event::StageSignalled { .. } => {}
            Event::RunPaused { .. } => self.paused = true,
            Event::RunResumed { .. } => self.paused = false,
            Event::RunSuspected { .. } | Event::RunQuestioned { .. } => self.stands = true,
            Event::RunTriedAlone => self.stands = false,
            Event::RunAnswered { .. } => assert!(self.stands, "an answer to nothing"),
            Event::RunCleared => assert!(!self.stands, "it was not driven"),
            Event::RunStopping { cause } => {
                let is_withdrawn = matches!(cause, RunStop::Withdrawn { .. });
                assert!(!(is_withdrawn && self.begun), "what has begun is not withdrawn");
                self.stop = Some(cause.clone());
            }
            Event::RunEnded { status, .. } => self.status = Some(*status),
            Event::RunStarted { .. }
            | Event::SlotReleased { .. }
            | Event::SuccessorCame { .. }
            | Event::ParentTold { .. }
            | Event::StageOffered { .. }
            | Event::TargetAsked { .. }
            | Event::TargetTakenBack { .. }
            | Event::TargetGranted { .. }
            | Event::TargetYielded { .. }
            | Event::TargetReleased { .. }
            | Event::RulesMet { .. }
            | Event::StageProgressed { .. } => {}
            Event::StageGated { stage, gate: Gate::Asked { .. } } => {
                self.asked.insert(stage.clone());
            }
            Event::StageGated { stage, gate } => {
                self.asked.remove(stage);
                if let Gate::Unmet { .. } = gate {
                    self.unbegun(stage);
                }
            }
        }
    }

    fn attempt(&self, stage: &str) -> (String, u32) {
        (stage.to_owned(), self.attempts[stage])
    }

    fn started(&mut self, plan: &Plan, (stage, attempt): (&String, u32), now: Now) {
        assert!(!self.paused, "{stage} starts while the run is paused");
        assert!(!self.queued, "{stage} starts before its run has a place in its group");
        if let Some(environment) = &node(plan, stage).environment {
            assert!(!self.preempted.contains(environment), "{stage} starts on a target given up");
        }
        assert_eq!(self.stop, None, "{stage} starts after the run was stopped");
        assert!(!self.ended.contains_key(stage), "{stage} starts after its end");
        let node = node(plan, stage);
        if let Some(Cell { stage, max_parallel: Some(most), .. }) = &node.matrix {
            let cells = plan.graph().cells(stage).iter();
            let open = cells.filter(|index| self.open.contains_key(&plan.node(**index).id));
            assert!(open.count() < *most, "more than {most} of {stage} run at once");
        }
        self.needs_are_met(plan, node);
        self.repeat.starts(plan, node);
        let due = self.retry_at.remove(stage).unwrap_or(0);
        assert!(now.elapsed.0 >= due, "{stage} is tried before its pause is over");
        self.counted(node, attempt);
    }

    fn needs_are_met(&self, plan: &Plan, node: &Node) {
        let stage = &node.id;
        for need in &node.needs {
            let end = self.ended.get(&need.stage).expect("a needed stage has ended");
            let end = match (&need.of, &need.accepts) {
                (Some(stage), Accepts::Statuses(_)) => {
                    &(matrix::worst(plan, stage, &self.ended), false)
                }
                (Some(_) | None, _) => end,
            };
            assert!(
                accepted(&need.accepts, *end),
                "{stage} starts although {need:?} ended {end:?}"
            );
        }
    }

    fn counted(&mut self, node: &Node, attempt: u32) {
        let stage = &node.id;
        let before = self.attempts.insert(stage.clone(), attempt).unwrap_or(0);
        assert_eq!(attempt, before + 1, "{stage} counts its attempts");
        assert!(attempt <= oracle::most_attempts(node), "{stage} is tried too often");
        assert_eq!(self.open.insert(stage.clone(), attempt), None, "{stage} is open twice");
    }

    /// The attempt has done nothing, and begins anew.
    fn unbegun(&mut self, stage: &str) {
        let attempt = self.open.remove(stage).expect("an attempt that finds a rule unmet was open");
        self.attempts.insert(stage.to_owned(), attempt - 1);
        self.begun = self.attempts.values().any(|attempts| *attempts > 0);
    }

    fn ends(&mut self, stage: &str, status: StageStatus, tolerated: bool) {
        self.going_back.remove(stage);
        let before = self.ended.insert(stage.to_owned(), (status, tolerated));
        assert_eq!(before, None, "{stage} ends twice");
        self.open.remove(stage);
    }
}

fn node<'a>(plan: &'a Plan, stage: &str) -> &'a Node {
    &plan.nodes()[plan.graph().index(stage).unwrap().0]
}

fn accepted(accepts: &Accepts, (status, tolerated): (StageStatus, bool)) -> bool {
    match accepts {
        Accepts::Plain => {
            matches!(status, StageStatus::Succeeded | StageStatus::Skipped) || tolerated
        }
        Accepts::Statuses(words) => words.contains(&status),
    }
}
