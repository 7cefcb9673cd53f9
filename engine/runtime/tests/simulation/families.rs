//! What must hold between runs and those that their stages start, read from the log of all of them.

use crate::{
    calls::{self, Callee},
    story::Reached,
};
use engine_core::{
    event::{Event, Parent, RunStop, StopCause, Trigger},
    id::RunId,
    plan::Plan,
    stage::Ending,
    status::RunStatus,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What an attempt of a stage that starts a pipeline came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Called {
    /// Its run is one that led to it.
    Ring,
    Unattended,
    Ended(RunStatus),
}

/// What the stages of one run started, by stage and attempt.
pub(crate) type Calls = BTreeMap<(String, u32), Called>;

/// An attempt that is under way.
struct Open {
    attempt: u32,
    child: Option<RunId>,
    stopping: bool,
}

pub(crate) struct Families<'a> {
    plans: &'a BTreeMap<RunId, Arc<Plan>>,
    parents: BTreeMap<RunId, Parent>,
    open: BTreeMap<(RunId, String), Open>,
    ended: BTreeMap<RunId, RunStatus>,
    stopped: BTreeSet<RunId>,
    told: BTreeSet<RunId>,
    calls: BTreeMap<RunId, Calls>,
    targets: BTreeMap<String, BTreeSet<RunId>>,
    groups: BTreeMap<String, Group>,
}

/// How many places each run asks for, and who has one.
#[derive(Default)]
struct Group {
    limits: BTreeMap<RunId, u32>,
    holders: BTreeSet<RunId>,
}

impl<'a> Families<'a> {
    pub(crate) fn new(plans: &'a BTreeMap<RunId, Arc<Plan>>) -> Families<'a> {
        Families {
            plans,
            parents: BTreeMap::new(),
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            stopped: BTreeSet::new(),
            told: BTreeSet::new(),
            calls: BTreeMap::new(),
            targets: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm an event")]
    pub(crate) fn read(&mut self, run: RunId, event: &Event, reached: &mut Reached) {
        match event {
            Event::RunStarted { parent: Some(parent), trigger, .. } => {
                assert_eq!(*trigger, Trigger::Pipeline);
                self.born(run, parent, reached);
            }
            Event::RunStarted { parent: None, trigger, .. } => {
                assert_ne!(*trigger, Trigger::Pipeline, "{run} is nobody's");
            }
            Event::AttemptStarted { stage, attempt, .. } if self.callee(run, stage).is_some() => {
                let open = Open { attempt: *attempt, child: None, stopping: false };
                self.open.insert((run, stage.clone()), open);
            }
            Event::StageStopping { stage, .. } => {
                if let Some(open) = self.open.get_mut(&(run, stage.clone())) {
                    open.stopping = true;
                }
            }
            Event::StageSucceeded { stage, outputs } => {
                if let Some(open) = self.over(run, (stage, ""), reached) {
                    let child = open.child.expect("who succeeds has started a run");
                    assert_eq!(outputs["run"], child.to_string(), "{run} {stage}");
                }
            }
            Event::AttemptFailed { stage, failure, .. }
            | Event::StageHeld { stage, failure }
            | Event::StageFailed { stage, failure, .. } => {
                self.over(run, (stage, &failure.message), reached);
            }
            Event::StageCancelled { stage, left, cause } => {
                let left = left.as_ref().map(|_| "it could not be stopped");
                if let Some(open) = self.over(run, (stage, left.unwrap_or("")), reached)
                    && open.child.is_some()
                    && *cause == StopCause::Cancel
                {
                    reached.count("run cancelled while its stage had started another", 1);
                }
            }
            Event::StageRejected { stage, .. } => {
                assert!(self.callee(run, stage).is_none(), "{run} {stage} asks nobody");
            }
            Event::RunStopping { cause } => {
                self.stopped.insert(run);
                if let RunStop::Parent { .. } = cause {
                    self.orphaned(run, reached);
                }
            }
            Event::ParentTold { .. } => {
                self.told.insert(run);
            }
            Event::RunEnded { status, .. } => {
                let is_told = self.told.contains(&run);
                assert_eq!(is_told, self.awaiting(run).is_some(), "{run} tells whoever waits");
                self.ended.insert(run, *status);
            }
            Event::TargetGranted { target } => {
                let holders = self.targets.entry(target.environment.clone()).or_default();
                holders.insert(run);
                if holders.len() > 1 {
                    reached.count("target shared in a family", 1);
                }
                let holders = holders.clone();
                let families: BTreeSet<RunId> = holders.iter().map(|it| self.eldest(*it)).collect();
                assert_eq!(families.len(), 1, "{} has holders {holders:?}", target.environment);
            }
            Event::TargetYielded { target } | Event::TargetReleased { target, .. } => {
                self.targets.entry(target.environment.clone()).or_default().remove(&run);
            }
            Event::SlotAsked { slot, standing, .. } => {
                let group = self.groups.entry(slot.group.clone()).or_default();
                group.limits.insert(run, standing.limit);
            }
            Event::SlotGranted { slot } => self.placed(run, &slot.group, reached),
            Event::SlotReleased { slot, .. } => {
                let group = self.groups.entry(slot.group.clone()).or_default();
                group.limits.remove(&run);
                group.holders.remove(&run);
            }
            _ => {}
        }
    }

    /// What every run's stages have started. Nothing is held, and nothing is under way.
    pub(crate) fn close(self) -> BTreeMap<RunId, Calls> {
        let held: Vec<_> = self.targets.iter().filter(|(_, it)| !it.is_empty()).collect();
        assert_eq!(held, [], "targets are held after the end");
        assert!(self.groups.values().all(|group| group.limits.is_empty()));
        assert!(self.open.is_empty(), "attempts are under way after the end");
        self.calls
    }

    fn callee(&self, run: RunId, stage: &str) -> Option<Callee> {
        let plan = &self.plans[&run];
        calls::callee(plan.node(plan.graph().index(stage).unwrap()))
    }

    fn pipeline(&self, run: RunId) -> &str {
        &self.plans[&run].document().pipeline
    }

    /// Whoever waits for a run.
    fn awaiting(&self, run: RunId) -> Option<&Parent> {
        let parent = self.parents.get(&run)?;
        let callee = self.callee(parent.run, &parent.stage)?;
        (callee.ending == Ending::Awaited).then_some(parent)
    }

    /// Whether two runs may write to one target at once: somebody waits for both.
    pub(crate) fn are_kin(&self, one: RunId, other: RunId) -> bool {
        self.eldest(one) == self.eldest(other)
    }

    fn eldest(&self, run: RunId) -> RunId {
        self.awaiting(run).map_or(run, |parent| self.eldest(parent.run))
    }

    /// The runs that wait for a run, the eldest first.
    fn elders(&self, run: RunId) -> Vec<RunId> {
        let Some(parent) = self.awaiting(run) else { return Vec::new() };
        let mut elders = self.elders(parent.run);
        elders.push(parent.run);
        elders
    }

    fn led_by(&self, run: RunId, pipeline: &str) -> bool {
        let parent = self.parents.get(&run);
        self.pipeline(run) == pipeline || parent.is_some_and(|it| self.led_by(it.run, pipeline))
    }

    fn born(&mut self, run: RunId, parent: &Parent, reached: &mut Reached) {
        let stage = (parent.run, parent.stage.clone());
        let open = self.open.get_mut(&stage);
        let open =
            open.unwrap_or_else(|| panic!("{run} is started and {stage:?} is not under way"));
        assert_eq!(open.child, None, "{stage:?} starts {run} too");
        open.child = Some(run);
        if open.attempt > 1 {
            reached.count("run started by a later attempt", 1);
        }
        let callee = self.callee(parent.run, &parent.stage).expect("it starts pipelines");
        assert_eq!(self.pipeline(run), callee.pipeline);
        assert!(!self.led_by(parent.run, &callee.pipeline), "{run} closes a ring");
        reached.count("run started by a stage", 1);
        if self.parents.contains_key(&parent.run) {
            reached.count("run started by a run that was started", 1);
        }
        self.parents.insert(run, parent.clone());
        assert_eq!(parent.family, self.elders(run), "{run} belongs to another family");
    }

    /// An attempt has come to its end: so has the run that it waited for, unless it is named.
    fn over(
        &mut self,
        run: RunId,
        (stage, left): (&str, &str),
        reached: &mut Reached,
    ) -> Option<Open> {
        let open = self.open.remove(&(run, stage.to_owned()))?;
        let callee = self.callee(run, stage)?;
        let called = match (open.child, callee.ending) {
            (None, _) if open.stopping => return Some(open),
            (None, _) => {
                assert!(
                    self.led_by(run, &callee.pipeline),
                    "{run} {stage} has started nothing: {left}"
                );
                reached.count("ring of pipelines refused", 1);
                Called::Ring
            }
            (Some(_), Ending::Unattended) => {
                reached.count("run that nobody waits for", 1);
                Called::Unattended
            }
            (Some(child), Ending::Awaited) => match self.ended.get(&child) {
                Some(status) => Called::Ended(*status),
                None => {
                    assert!(
                        left.contains("could not be stopped") && self.stopped.contains(&child),
                        "{run} {stage} has left {child}"
                    );
                    reached.count("run that could not be stopped", 1);
                    return Some(open);
                }
            },
        };
        if let Called::Ended(status) = called {
            reached.count(ends(status), 1);
        }
        let calls = self.calls.entry(run).or_default();
        calls.insert((stage.to_owned(), open.attempt), called);
        Some(open)
    }

    /// A run is stopped for its parent: only if whoever waits for it is being stopped.
    fn orphaned(&self, run: RunId, reached: &mut Reached) {
        let parent = self.awaiting(run).expect("somebody waits for it");
        let open = self.open.get(&(parent.run, parent.stage.clone()));
        let is_stopping = open.is_some_and(|open| open.stopping && open.child == Some(run));
        assert!(is_stopping, "{run} is stopped and its parent goes on");
        reached.count("stopped with its parent", 1);
    }

    fn placed(&mut self, run: RunId, group: &str, reached: &mut Reached) {
        let group_of = self.groups.entry(group.to_owned()).or_default();
        group_of.holders.insert(run);
        let most = group_of.limits.values().max().copied().unwrap_or(0) as usize;
        let holders = group_of.holders.clone();
        let families: BTreeSet<RunId> = holders.iter().map(|it| self.eldest(*it)).collect();
        assert!(families.len() <= most, "{group} has holders {holders:?}, at most {most}");
        if families.len() < holders.len() {
            reached.count("place shared in a family", 1);
        }
    }
}

fn ends(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "started run succeeded",
        RunStatus::Failed => "started run failed",
        RunStatus::RolledBack => "started run rolled back",
        RunStatus::Cancelled => "started run cancelled",
        RunStatus::Rejected => "started run rejected",
        RunStatus::Queued
        | RunStatus::Waiting
        | RunStatus::Running
        | RunStatus::Paused
        | RunStatus::RollingBack
        | RunStatus::Invalid => panic!("{status} is no end of a run that ran"),
    }
}
