//! A run as people and programs see it: words, sentences, instants.

mod catalogue;
mod delivery;
mod listed;
mod ordered;
mod stage;
mod trial;
mod usual;
mod why;

pub use catalogue::{CatalogueItem, CatalogueTrigger};
pub use delivery::{DeliveryView, OutcomeView, RefusalView};
pub use listed::{PipelineItem, RowView, RunItem, SystemView};
pub use trial::{question_words, turn_words};
pub use usual::Usual;

use crate::{
    Execution,
    admission::Limit,
    clock::Civil,
    event::{Failure, Gate, RunStop, Signal},
    execution::state::{Claim, End, NodeState, Phase, Work},
    happening::short,
    plan::{Broken, Cell, Node, NodeIndex, Origin},
    repeat::TriggerView,
    revision::{Slot, Target},
    status::{RunStatus, StageStatus, WaitKind},
    store::Detail,
    wording,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The JSON of a run. Its field names are an interface: they are only added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    #[schema(format = "uuid")]
    pub id: String,
    pub number: u64,
    pub application: String,
    pub pipeline: String,
    pub status: RunStatus,
    /// Failures that were tolerated.
    pub warnings: u32,
    /// What it does, by the digest of its plan: what an answer is bound to.
    #[serde(default)]
    pub plan: String,
    /// What started it, and who.
    pub trigger: TriggerView,
    /// RFC 3339, as are all instants here.
    pub started_at: String,
    pub ended_at: Option<String>,
    /// Why the run was stopped, is paused or is driven by itself, if it is.
    pub reason: Option<String>,
    /// What is wrong with the pipeline file of an invalid run, each fault with its line and column:
    /// `E001 3:1 unknown key …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// What the run as a whole waits for: its place in its group, its turn, an answer.
    #[serde(default)]
    pub waiting: Option<WaitView>,
    /// The run that started it by one of its stages: `checkout#12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// From whom it takes targets back, by environment, if it is a person's way back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taken_from: BTreeMap<String, Vec<String>>,
    /// What image references stand for in this run, by the reference as it was written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    /// By id, in the order of the plan.
    #[serde(with = "ordered")]
    #[schema(value_type = BTreeMap<String, StageView>)]
    pub stages: Vec<(String, StageView)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageView {
    pub name: String,
    #[serde(rename = "type")]
    pub stage_type: String,
    pub status: StageStatus,
    pub attempts: u32,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub waiting: Option<WaitView>,
    /// Why the stage ended as it did, or why it is tried again.
    pub reason: Option<String>,
    /// A failure that does not count against the run.
    pub tolerated: bool,
    /// Why it stands where it stands: the one sentence that every surface tells.
    #[serde(default)]
    pub why: Option<String>,
    /// How long it usually takes, while it has not ended.
    #[serde(default)]
    pub usual: Option<Usual>,
}

/// What a stage waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitView {
    pub kind: WaitKind,
    pub since: String,
    pub until: Option<String>,
    pub detail: String,
    pub blocked_by: Vec<String>,
    /// What people can say to it, where the kind alone does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes: Vec<Signal>,
}

/// What the log alone does not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Live text by stage.
    pub details: BTreeMap<String, Detail>,
    /// Who stands before this run, by environment.
    pub blocked_by: BTreeMap<String, Vec<String>>,
    /// How long stages took when they succeeded in earlier runs of the pipeline, in milliseconds.
    pub durations: BTreeMap<String, Vec<u64>>,
    /// Who stands before it at the door where it is queued.
    pub queued_after: Vec<String>,
    pub door: Door,
}

/// Where a queued run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    #[default]
    Group,
    /// It has a place in its group, and none among the runs of its application.
    Application,
}

impl Execution {
    pub fn label(&self) -> String {
        format!("{}#{}", self.plan().document().pipeline, self.recorded().number)
    }

    /// The targets for which the run waits.
    pub fn asked_targets(&self) -> impl Iterator<Item = &Target> {
        let waiting = self.recorded().targets.values().filter(|state| !state.gated.is_empty());
        waiting.map(|state| &state.target)
    }

    pub fn view(&self, surroundings: &Surroundings) -> RunView {
        let recorded = self.recorded();
        let document = self.plan().document();
        let warnings = match recorded.phase {
            Phase::Ended { warnings, .. } => warnings,
            Phase::Going | Phase::Paused(_) | Phase::Stopping => 0,
        };
        let nodes = self.plan().nodes().iter().zip(&recorded.nodes);
        RunView {
            id: recorded.id.to_string(),
            number: recorded.number,
            application: document.application.clone(),
            pipeline: document.pipeline.clone(),
            status: recorded.status(),
            warnings,
            plan: recorded.plan.to_string(),
            trigger: TriggerView::new(&recorded.trigger, &recorded.actor, &document.pipeline),
            started_at: instant(recorded.started_at.civil),
            ended_at: recorded.ended_at().map(|at| instant(at.civil)),
            reason: self.reason(),
            faults: document.broken.iter().flat_map(|it| it.faults.clone()).collect(),
            waiting: self.trial().or_else(|| self.queued(surroundings)),
            parent: recorded.parent.as_ref().map(|parent| parent.label.clone()),
            taken_from: self.taken_from(),
            images: recorded.images.clone(),
            stages: nodes
                .map(|(node, state)| {
                    let mut stage = stage::view(node, state, surroundings);
                    stage.waiting = stage.waiting.or_else(|| self.kept(node, state));
                    stage.reason = stage.reason.or_else(|| self.work_words(state));
                    stage.why = self.why(node, &stage);
                    self.rested(state, &mut stage);
                    if usual::tells(&stage) {
                        let took = surroundings.durations.get(&node.id);
                        stage.usual = Some(Usual::of(took.map_or(&[], Vec::as_slice)));
                    }
                    (node.id.clone(), stage)
                })
                .collect(),
        }
    }

    fn reason(&self) -> Option<String> {
        let own = self.broken_words().or_else(|| self.stop_reason());
        own.or_else(|| self.pause_words()).or_else(|| self.alone_words())
    }

    /// Which file is broken where, if that makes the run invalid.
    pub(crate) fn broken_words(&self) -> Option<String> {
        let document = self.plan().document();
        let Broken { path, since, .. } = document.broken.as_ref()?;
        let Some(Origin { commit, .. }) = &document.origin else {
            return Some(format!("{path} is broken"));
        };
        let at = format!("{path} is broken at commit {}", short(commit));
        Some(match since.as_ref().filter(|it| *it != commit) {
            Some(since) => format!("{at}, since {}", short(since)),
            None => at,
        })
    }

    /// The group before whose door the run stands.
    pub fn asked_slot(&self) -> Option<&Slot> {
        let state = self.recorded().slot.as_ref()?;
        matches!(state.claim, Claim::Asked { .. }).then_some(&state.slot)
    }

    fn queued(&self, surroundings: &Surroundings) -> Option<WaitView> {
        let (after, door) = (surroundings.queued_after.as_slice(), surroundings.door);
        let state = self.recorded().slot.as_ref()?;
        let Claim::Asked { since } = state.claim else { return None };
        let place = match (door, state.room) {
            (Door::Application, Limit::AtMost(most)) => format!(
                "while {} has as many runs under way as it may, {most},",
                state.slot.application
            ),
            (Door::Application, Limit::Unlimited) | (Door::Group, _) => {
                format!("in group {}", state.slot.group)
            }
        };
        let detail = match after {
            [] => format!("waits for its turn {place}").trim_end_matches(',').to_owned(),
            after => format!("waits for its turn {place} after {}", listed(after)),
        };
        Some(WaitView {
            kind: WaitKind::Concurrency,
            since: instant(since.civil),
            until: None,
            detail,
            blocked_by: after.to_vec(),
            takes: Vec::new(),
        })
    }

    /// Whose work a success was, unless the run's own.
    fn work_words(&self, state: &NodeState) -> Option<String> {
        let NodeState::Ended(ended) = state else { return None };
        let End::Succeeded { work: Work::TakenOver { from }, .. } = &ended.end else { return None };
        Some(format!("taken over from {}", from.label(&self.plan().document().pipeline)))
    }

    /// Who paused the run, if it is paused.
    pub fn pause_words(&self) -> Option<String> {
        match &self.recorded().phase {
            Phase::Paused(pause) => Some(by("paused", &pause.actor.name, &pause.reason)),
            Phase::Going | Phase::Stopping | Phase::Ended { .. } => None,
        }
    }

    /// What a stage waits for that its run keeps from starting.
    fn kept(&self, node: &Node, state: &NodeState) -> Option<WaitView> {
        let NodeState::Gated { gate, since, .. } = state else { return None };
        let (kind, detail, blocked_by) = match (gate, &node.matrix) {
            (Gate::Paused { .. }, _) => {
                let words = self.pause_words().unwrap_or_default();
                let detail = format!("waits until the run is resumed: {words}");
                (WaitKind::Paused, detail, Vec::new())
            }
            (Gate::Parallel, Some(cell)) => {
                let most = cell.max_parallel.unwrap_or(usize::MAX);
                let others = self.others_under_way(cell);
                let detail = format!(
                    "waits for its turn after {}: at most {most} of `{}` at once",
                    others.join(", "),
                    cell.stage
                );
                (WaitKind::Concurrency, detail, others)
            }
            (Gate::Parallel, None)
            | (
                Gate::When
                | Gate::Rules
                | Gate::Asked { .. }
                | Gate::Frozen { .. }
                | Gate::Unmet { .. }
                | Gate::Configuration
                | Gate::Target { .. },
                _,
            ) => {
                return None;
            }
        };
        let (since, takes) = (instant(since.civil), Vec::new());
        Some(WaitView { kind, since, until: None, detail, blocked_by, takes })
    }

    /// The nodes of a matrix that have begun and not ended.
    fn others_under_way(&self, cell: &Cell) -> Vec<String> {
        let cells = self.plan().graph().cells(&cell.stage).iter();
        let has_begun = |index: &&NodeIndex| match self.node_state(**index) {
            NodeState::Pending { .. } | NodeState::Ended(_) => false,
            NodeState::Gated { gate, .. } => *gate != Gate::Parallel,
            NodeState::Running(_)
            | NodeState::BackingOff(_)
            | NodeState::Held(_)
            | NodeState::Stopping { .. } => true,
        };
        cells.filter(has_begun).map(|index| self.plan().node(*index).id.clone()).collect()
    }

    fn taken_from(&self) -> BTreeMap<String, Vec<String>> {
        let targets = self.recorded().targets.iter();
        let taken = targets.filter(|(_, state)| !state.taken_from.is_empty());
        taken.map(|(name, state)| (name.clone(), state.taken_from.clone())).collect()
    }

    fn stop_reason(&self) -> Option<String> {
        let stop = self.recorded().stop.as_ref()?;
        Some(match stop {
            RunStop::Cancel { actor, reason, .. } => by("cancelled", &actor.name, reason),
            RunStop::Abort { by } => format!("aborted by the failure of `{by}`"),
            RunStop::Timeout => "stopped: the time of the whole run ran out".to_owned(),
            RunStop::Superseded { by } => format!("superseded by {by}"),
            RunStop::Withdrawn { because } => format!("cancelled: {because}"),
            RunStop::GroupFull { by } => wording::full_words(by),
            RunStop::Ring { because } => because.clone(),
            RunStop::Parent { by } => format!("{by}, which started it, needs it no more"),
            RunStop::Poison { unclean_ends, by, reason } => {
                let words = wording::poison_words(*unclean_ends, by);
                if reason.is_empty() { words } else { format!("{words}: {reason}") }
            }
        })
    }
}

/// More names than these make no sentence.
const NAMES: usize = 5;

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn by(done: &str, actor: &str, reason: &str) -> String {
    match reason {
        "" => format!("{done} by {actor}"),
        reason => format!("{done} by {actor}: {reason}"),
    }
}

/// What a held stage waits for.
pub fn held_words(failure: &Failure) -> String {
    format!("held for a person, who says retry, continue or abort: {}", failure.message)
}

fn instant(civil: Civil) -> String {
    wording::instant(civil)
}
