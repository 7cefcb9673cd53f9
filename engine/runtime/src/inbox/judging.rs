//! What a delivery comes to: confirmed, shown to the triggers that look there, and started or not.

use super::{Confirmed, Later, Own, Shared, Unprepared, Wanted};
use crate::{
    children::{Lineage, lineage},
    engine::{StartError, Started},
};
use engine_core::{
    catalogue::{Answer, Entry, Firing, Holding, Listening, Sorted, Standing},
    delivery::{Decided, Decision, Delivery, Door, Mark, Outcome, OutcomeEnd},
    event::{Fired, Trigger},
    happening::Happening,
    id::{DeliveryId, RunId},
    person::{Actor, Way},
    store::StoreError,
    trigger::{Because, IndexKey, Meaning},
};
use std::{collections::BTreeMap, sync::Arc};

/// Outcomes of one delivery that are kept.
const OUTCOMES: usize = 1_000;
/// Reasons that are told of those which are not.
const REASONS: usize = 20;
/// What is posted is seen by the trigger alone.
const PAYLOAD: &str = "payload";

/// A delivery while it is looked at.
struct Judging<'a> {
    shared: &'a Shared,
    delivery: &'a Delivery,
    decision: Decision,
    /// What triggers have accepted, by key.
    accepted: BTreeMap<String, String>,
    /// The first place that did not answer.
    waits: Option<Later>,
}

/// The decision, and what is to be remembered with it. May be asked again: what it has started
/// before it starts no second time.
pub(super) async fn judge(shared: &Shared, delivery: &Delivery) -> Result<Decided, Later> {
    let notes = delivery.content.notes.clone();
    let decision = Decision { at: shared.backing.clock.now(), outcomes: Vec::new(), notes };
    let mut judging =
        Judging { shared, delivery, decision, accepted: BTreeMap::new(), waits: None };
    for (number, happening) in delivery.content.happenings.iter().enumerate() {
        judging.happening(number, happening).await?;
    }
    let Judging { mut decision, accepted, waits, .. } = judging;
    if let Some(later) = waits {
        return Err(later);
    }
    shorten(&mut decision);
    decision.at = shared.backing.clock.now();
    let marks = accepted.into_iter().map(|(key, value)| Mark { key, value });
    Ok(Decided { id: delivery.id, decision, marks: marks.collect() })
}

/// Keeps what can be kept: what was started goes before who says no, and of those that find no place
/// each reason is told once.
fn shorten(decision: &mut Decision) {
    if decision.outcomes.len() <= OUTCOMES {
        return;
    }
    decision.outcomes.sort_by_key(|it| matches!(it.end, OutcomeEnd::Filtered { .. }));
    let rest = decision.outcomes.split_off(OUTCOMES);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in &rest {
        let reason = match &outcome.end {
            OutcomeEnd::Filtered { filter, value } => format!(" said no by {filter}: {value}"),
            OutcomeEnd::Started { .. } => " have started runs".to_owned(),
            OutcomeEnd::Invalid { .. } | OutcomeEnd::Known { .. } | OutcomeEnd::Refused { .. } => {
                " started nothing".to_owned()
            }
        };
        *reasons.entry(reason).or_default() += 1;
    }
    let told = reasons.into_iter().take(REASONS);
    let told = told.map(|(reason, count)| format!("{count} more triggers, not listed,{reason}"));
    decision.notes.extend(told);
}

impl Judging<'_> {
    async fn happening(&mut self, number: usize, happening: &Happening) -> Result<(), Later> {
        let (happening, own) = match self.shared.grounds.confirm(happening).await? {
            Confirmed::Yes { happening, own } => (*happening, own),
            Confirmed::No { reason } => {
                self.decision.notes.push(format!("{}: {reason}", IndexKey::of(happening)));
                return Ok(());
            }
        };
        self.decision.notes.extend(unreadable(&own));
        let keys = IndexKey::all_of(&happening);
        let asked = self.asked(&keys, own);
        let sorted: Vec<(Arc<Holding>, Sorted)> = asked
            .into_iter()
            .map(|holding| (holding.clone(), holding.sorted(&keys, &happening)))
            .collect();
        if sorted.iter().all(|(_, it)| it.open.is_empty() && it.refused.is_empty()) {
            let note = format!("{}: no trigger looks at it", IndexKey::of(&happening));
            self.decision.notes.push(note);
        }
        for (holding, sorted) in &sorted {
            for (entry, listening) in sorted.open.iter().filter_map(|place| holding.at(*place)) {
                match self.outcome(&happening, (entry, listening), number).await {
                    Ok(end) => self.decision.outcomes.push(told((entry, listening), end)),
                    // The others do not wait for it: all are asked again, and what was started stays so.
                    Err(later) => drop(self.waits.get_or_insert(later)),
                }
            }
        }
        let refused = sorted.iter().flat_map(|(holding, sorted)| {
            sorted.refused.iter().flat_map(move |(because, places)| {
                let at = places.iter().filter_map(|place| holding.at(*place));
                at.map(move |asked| told(asked, filtered(because.clone())))
            })
        });
        self.decision.outcomes.extend(refused);
        Ok(())
    }

    /// The sources that look at it: that of the commit which it speaks of as it is there, of others
    /// what is in force.
    fn asked(&self, keys: &[IndexKey], own: Own) -> Vec<Arc<Holding>> {
        let mut looking = self.shared.shelf.read().looking(keys);
        if let Own::Of { source, holding } = own {
            looking.remove(&source);
            return looking.into_values().chain([holding]).collect();
        }
        looking.into_values().collect()
    }

    async fn outcome(
        &mut self,
        happening: &Happening,
        (entry, listening): (&Entry, &Arc<Listening>),
        number: usize,
    ) -> Result<OutcomeEnd, Later> {
        let firing = match ask(happening, entry, listening).await {
            Answer::Fires(firing) => *firing,
            Answer::No(because) => return Ok(filtered(because)),
        };
        if let Standing::Refused { faults } = &entry.standing {
            return Ok(OutcomeEnd::Invalid { faults: faults.clone() });
        }
        let accepting = match self.meaning(entry, listening, &firing).await? {
            Accepting::Known { subject, value } => {
                return Ok(OutcomeEnd::Known { subject, value });
            }
            Accepting::New(mark) => mark,
        };
        let end = self.start((entry, listening), (happening, firing), number).await?;
        match (&end, accepting) {
            (
                OutcomeEnd::Started { .. } | OutcomeEnd::Invalid { .. },
                Some(Mark { key, value }),
            ) => {
                self.accepted.insert(key, value);
            }
            (
                OutcomeEnd::Started { .. }
                | OutcomeEnd::Invalid { .. }
                | OutcomeEnd::Filtered { .. }
                | OutcomeEnd::Known { .. }
                | OutcomeEnd::Refused { .. },
                _,
            ) => {}
        }
        Ok(end)
    }

    /// Whether it is what the trigger has last accepted. Whoever asks for it again means it.
    async fn meaning(
        &self,
        entry: &Entry,
        listening: &Listening,
        firing: &Firing,
    ) -> Result<Accepting, Later> {
        let Meaning::Of { subject, value } = &firing.event.meaning else {
            return Ok(Accepting::New(None));
        };
        let (application, pipeline) = (entry.application(), entry.pipeline());
        let kind = &listening.outline.trigger_type;
        let key = format!("accepted/{application}/{pipeline}/{kind}/{subject}");
        let last = match self.accepted.get(&key) {
            Some(last) => Some(last.clone()),
            None => self.shared.backing.store.mark(&key).await.map_err(|it| later(&it))?,
        };
        let is_replay = matches!(self.delivery.door, Door::Replay { .. });
        match last {
            Some(last) if last == *value && !is_replay => {
                Ok(Accepting::Known { subject: subject.clone(), value: last })
            }
            Some(_) | None => Ok(Accepting::New(Some(Mark { key, value: value.clone() }))),
        }
    }

    async fn start(
        &self,
        (entry, listening): (&Entry, &Listening),
        (happening, firing): (&Happening, Firing),
        number: usize,
    ) -> Result<OutcomeEnd, Later> {
        let kind = listening.outline.trigger_type.clone();
        let (delivery, position) = (self.delivery.id, listening.home.trigger);
        let meaning = firing.event.meaning;
        let mut fields = firing.event.fields;
        fields.remove(PAYLOAD);
        let fired = Fired { trigger_type: kind.clone(), number: position, delivery, fields };
        let name = match (&self.delivery.content.asked_by, &firing.event.actor) {
            (Some(asked), _) => asked.name.clone(),
            (None, Some(actor)) => format!("{kind}:{actor}"),
            (None, None) => kind,
        };
        let (application, pipeline) = (entry.application(), entry.pipeline());
        let wanted = Wanted {
            entry: entry.clone(),
            commit: firing.event.commit,
            parameters: firing.parameters,
            trigger: Trigger::Event(fired),
            actor: Actor { name, way: Way::Event },
            key: key((delivery, number), (application, pipeline, position), &meaning),
            ancestry: ancestry(happening),
        };
        let name = format!("{application}/{pipeline}");
        let store = &*self.shared.backing.store;
        match lineage(store, &wanted.ancestry, &name).await.map_err(|it| later(&it))? {
            Lineage::Open => {}
            Lineage::Closed(reason) => return Ok(OutcomeEnd::Refused { reason }),
        }
        let new = match self.shared.grounds.prepare(wanted).await {
            Ok(new) => new,
            Err(Unprepared::Invalid { faults }) => return Ok(OutcomeEnd::Invalid { faults }),
            Err(Unprepared::Refused { reason }) => return Ok(OutcomeEnd::Refused { reason }),
            Err(Unprepared::Later(later)) => return Err(later),
        };
        self.begun(entry.pipeline(), self.shared.starting.start(new).await).await
    }

    async fn begun(
        &self,
        pipeline: &str,
        started: Result<Started, StartError>,
    ) -> Result<OutcomeEnd, Later> {
        match started {
            Ok(Started::New { run, number }) => {
                Ok(OutcomeEnd::Started { run, label: format!("{pipeline}#{number}") })
            }
            Ok(Started::Before { run }) => {
                let gate = self.shared.backing.store.gate(run).await.map_err(|it| later(&it))?;
                let label = gate.map_or_else(|| run.to_string(), |gate| gate.summary.label());
                Ok(OutcomeEnd::Started { run, label })
            }
            Err(error @ (StartError::QueueFull { .. } | StartError::NotAllowed(_))) => {
                Ok(OutcomeEnd::Refused { reason: error.to_string() })
            }
            Err(
                error @ (StartError::Plan(_)
                | StartError::Store(_)
                | StartError::IdTaken
                | StartError::Leaving),
            ) => Err(Later { reason: error.to_string(), after: None }),
        }
    }
}

/// What it has started is known again by, should it be decided once more. If the place says something
/// else by then, that is something else: a tag has moved on, and what is accepted is where it is now.
fn key(
    (delivery, number): (DeliveryId, usize),
    (application, pipeline, position): (&str, &str, u32),
    meaning: &Meaning,
) -> String {
    let key = format!("delivery:{delivery}/{number}/{application}/{pipeline}/{position}");
    match meaning {
        Meaning::Once => key,
        Meaning::Of { value, .. } => format!("{key}/{value}"),
    }
}

enum Accepting {
    Known {
        subject: String,
        value: String,
    },
    /// What is to be remembered if it starts.
    New(Option<Mark>),
}

fn filtered(Because { filter, value }: Because) -> OutcomeEnd {
    OutcomeEnd::Filtered { filter, value }
}

fn told((entry, listening): (&Entry, &Arc<Listening>), end: OutcomeEnd) -> Outcome {
    Outcome {
        application: entry.application().to_owned(),
        pipeline: entry.pipeline().to_owned(),
        trigger: listening.home.trigger,
        trigger_type: listening.outline.trigger_type.clone(),
        end,
    }
}

/// Expressions run on a thread of their own; all else takes microseconds.
async fn ask(happening: &Happening, entry: &Entry, listening: &Arc<Listening>) -> Answer {
    let outline = &listening.outline;
    if outline.when.is_none() && outline.parameters.is_empty() {
        return listening.ask(happening, &entry.outline);
    }
    let (happening, outline) = (happening.clone(), entry.outline.clone());
    let listening = listening.clone();
    let asked = tokio::task::spawn_blocking(move || listening.ask(&happening, &outline)).await;
    asked.unwrap_or_else(|error| {
        let (filter, value) = ("when".to_owned(), format!("its evaluation broke: {error}"));
        Answer::No(Because { filter, value })
    })
}

/// Of the files at a commit, those that are so broken that no trigger can be read in them.
fn unreadable(own: &Own) -> Vec<String> {
    let Own::Of { holding, .. } = own else { return Vec::new() };
    let told = |entry: &Entry| match &entry.standing {
        Standing::Refused { faults } if entry.triggers.is_empty() => {
            Some(format!("{}: {}", entry.path, faults.join("; ")))
        }
        Standing::Refused { .. } | Standing::Superseded { .. } | Standing::Good => None,
    };
    holding.entries().iter().filter_map(told).take(OUTCOMES).collect()
}

fn ancestry(happening: &Happening) -> Vec<RunId> {
    match happening {
        Happening::Ended(ended) => ended.ancestry.clone(),
        Happening::Git(_)
        | Happening::Image(_)
        | Happening::Chart(_)
        | Happening::Hook(_)
        | Happening::Time(_) => Vec::new(),
    }
}

fn later(error: &StoreError) -> Later {
    Later { reason: error.to_string(), after: None }
}
