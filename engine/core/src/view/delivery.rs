//! A delivery as people and programs see it: what came, and what became of it, or why nothing.

use crate::{
    delivery::{Decision, Delivery, Outcome, OutcomeEnd, State, Told},
    fact::{Refusal, RefusalReason},
    wording::{count, instant},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    pub id: u64,
    /// The way by which it came: `receiver github`, `poll git:…`.
    pub door: String,
    /// The sender's own name for it.
    pub key: String,
    pub at: String,
    /// What the sender calls it.
    pub event: Option<String>,
    /// What it says has happened.
    pub happenings: Vec<String>,
    /// `pending` or `decided`.
    pub state: String,
    /// What a pending one waits for.
    pub waits_for: Option<String>,
    pub decided_at: Option<String>,
    /// For each trigger to which it might have meant something.
    pub outcomes: Vec<OutcomeView>,
    /// Why it could mean nothing to any, and what else stood in it.
    pub notes: Vec<String>,
    /// Who has had it looked at again.
    pub asked_by: Option<String>,
    /// All of it in one sentence.
    pub why: String,
}

/// Posts by one door that were refused for one reason, and left no delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalView {
    /// `receiver github`.
    pub door: String,
    pub reason: RefusalReason,
    /// So many since `first`; after a day without any they are counted anew.
    pub count: u64,
    pub first: String,
    pub last: String,
    /// All of it in one sentence.
    pub why: String,
}

impl From<&Refusal> for RefusalView {
    fn from(refusal: &Refusal) -> RefusalView {
        RefusalView {
            door: refusal.door.to_string(),
            reason: refusal.reason,
            count: refusal.count,
            first: instant(refusal.first),
            last: instant(refusal.last),
            why: refusal.to_string(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeView {
    /// `shop/checkout`.
    pub pipeline: String,
    /// The trigger's place in its file, from 1, and its type: `1 (git)`.
    pub trigger: String,
    /// `started`, `filtered`, `known`, `invalid` or `refused`.
    pub end: String,
    /// The run that was started, `checkout#12`, and its id.
    pub run: Option<String>,
    pub run_id: Option<String>,
    /// What said no, in a sentence.
    pub why: String,
}

impl DeliveryView {
    pub fn new(delivery: &Delivery) -> DeliveryView {
        let (decision, waits_for) = match &delivery.state {
            State::Decided(decision) => (Some(decision), None),
            State::Pending { waits_for } => (None, waits_for.clone()),
        };
        let content = &delivery.content;
        let outcomes = decision.into_iter().flat_map(|it| &it.outcomes);
        let notes = decision.map_or(&content.notes, |decision| &decision.notes);
        DeliveryView {
            id: delivery.id.0,
            door: delivery.door.to_string(),
            key: delivery.key.clone(),
            at: instant(delivery.at.civil),
            event: content.event.clone(),
            happenings: content.happenings.iter().map(|it| it.words()).collect(),
            state: if decision.is_some() { "decided" } else { "pending" }.to_owned(),
            decided_at: decision.map(|decision| instant(decision.at.civil)),
            outcomes: outcomes.map(OutcomeView::new).collect(),
            notes: notes.clone(),
            asked_by: content.asked_by.as_ref().map(|actor| actor.name.clone()),
            why: match (decision, &waits_for) {
                (Some(decision), _) => summary(decision),
                (None, Some(reason)) => format!("waits: {reason}"),
                (None, None) => "not looked at yet".to_owned(),
            },
            waits_for,
        }
    }
}

impl OutcomeView {
    fn new(outcome: &Outcome) -> OutcomeView {
        let (end, why) = words(&outcome.end);
        let (run, run_id) = match &outcome.end {
            OutcomeEnd::Started { run, label }
            | OutcomeEnd::Invalid { told: Some(Told { run, label }), .. } => {
                (Some(label.clone()), Some(run.to_string()))
            }
            OutcomeEnd::Filtered { .. }
            | OutcomeEnd::Known { .. }
            | OutcomeEnd::Invalid { told: None, .. }
            | OutcomeEnd::Refused { .. } => (None, None),
        };
        OutcomeView {
            pipeline: format!("{}/{}", outcome.application, outcome.pipeline),
            trigger: format!("{} ({})", outcome.trigger + 1, outcome.trigger_type),
            end: end.to_owned(),
            run,
            run_id,
            why,
        }
    }
}

fn words(end: &OutcomeEnd) -> (&'static str, String) {
    match end {
        OutcomeEnd::Started { label, .. } => ("started", format!("started {label}")),
        OutcomeEnd::Filtered { filter, value } => {
            ("filtered", format!("`{filter}` said no to {value}"))
        }
        OutcomeEnd::Known { subject, value } => {
            ("known", format!("{value} of {subject} was accepted before"))
        }
        OutcomeEnd::Invalid { faults, told: None } => {
            ("invalid", format!("the file is broken: {}", faults.join("; ")))
        }
        OutcomeEnd::Invalid { faults, told: Some(Told { label, .. }) } => {
            ("invalid", format!("{label} is invalid, the file is broken: {}", faults.join("; ")))
        }
        OutcomeEnd::Refused { reason } => ("refused", reason.clone()),
    }
}

/// The runs that were started, else the one thing that said no, else how many did.
fn summary(decision: &Decision) -> String {
    let started = decision.outcomes.iter().filter_map(|outcome| match &outcome.end {
        OutcomeEnd::Started { label, .. } => Some(label.clone()),
        OutcomeEnd::Invalid { told: Some(Told { label, .. }), .. } => {
            Some(format!("{label} (invalid)"))
        }
        OutcomeEnd::Filtered { .. }
        | OutcomeEnd::Known { .. }
        | OutcomeEnd::Invalid { told: None, .. }
        | OutcomeEnd::Refused { .. } => None,
    });
    let started: Vec<String> = started.collect();
    match (started.as_slice(), decision.outcomes.as_slice(), decision.notes.as_slice()) {
        ([], [], []) => "nothing in it starts anything".to_owned(),
        ([], [], [note, ..]) => note.clone(),
        (_, [one], _) => words(&one.end).1,
        ([], several, _) => {
            format!("none of {} triggers said yes", count(several.len()))
        }
        (started, ..) => format!("started {}", started.join(", ")),
    }
}
