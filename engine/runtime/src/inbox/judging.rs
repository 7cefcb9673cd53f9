//! What a delivery comes to: confirmed, shown to the triggers that look there, and started or not.

mod broken;

use super::{Confirmed, Later, Own, Settling, Shared, Unprepared, Wanted};
use crate::{
    children::{Lineage, lineage},
    engine::{NewRun, StartError, Started},
};
use engine_core::{
    catalogue::{Answer, Entry, Firing, Holding, Listening, Sorted, Standing},
    delivery::{ACCEPTED, Decided, Decision, Delivery, Door, Mark, Outcome, OutcomeEnd},
    event::{Fired, Trigger},
    happening::Happening,
    id::{DeliveryId, RunId},
    person::{Actor, Way},
    store::StoreError,
    trigger::{Because, IndexKey, Meaning, PollError},
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    /// Sources of which only an engine before this one has seen anything.
    stale: BTreeSet<Arc<str>>,
    begins: Begins,
}

/// When a run that a delivery starts begins.
enum Begins {
    Now,
    /// With the delivery itself, which is not kept yet: one at most, and of which nothing need be
    /// remembered.
    WithIt(Option<Box<NewRun>>),
}

/// A decision before its delivery is kept, and the run that is to begin with it: it is the one of which
/// the decision tells.
pub(super) struct Ahead {
    pub(super) decision: Decision,
    pub(super) new: Option<Box<NewRun>>,
}

/// What is looked at.
struct Happened<'a> {
    happening: &'a Happening,
    own: &'a Own,
    /// Its place in the delivery.
    number: usize,
}

/// The decision, and what is to be remembered with it. May be asked again: what it has started
/// before it starts no second time.
pub(super) async fn judge(shared: &Shared, delivery: &Delivery) -> Result<Decided, Later> {
    let Judging { decision, accepted, .. } = judged(shared, (delivery, Begins::Now)).await?;
    let marks = accepted.into_iter().map(|(key, value)| Mark { key, value });
    Ok(Decided { id: delivery.id, decision, marks: marks.collect() })
}

/// The same of a delivery that has no number yet; nothing begins by it. What cannot be told at once is
/// told later.
pub(super) async fn judge_ahead(shared: &Shared, delivery: &Delivery) -> Result<Ahead, Later> {
    let begins = Begins::WithIt(None);
    let Judging { decision, begins, .. } = judged(shared, (delivery, begins)).await?;
    let new = match begins {
        Begins::Now => None,
        Begins::WithIt(new) => new,
    };
    Ok(Ahead { decision, new })
}

async fn judged<'a>(
    shared: &'a Shared,
    (delivery, begins): (&'a Delivery, Begins),
) -> Result<Judging<'a>, Later> {
    let notes = delivery.content.notes.clone();
    let decision = Decision { at: shared.backing.clock.now(), outcomes: Vec::new(), notes };
    let mut judging = Judging {
        shared,
        delivery,
        decision,
        accepted: BTreeMap::new(),
        waits: None,
        stale: BTreeSet::new(),
        begins,
    };
    for (number, happening) in delivery.content.happenings.iter().enumerate() {
        judging.happening(number, happening).await?;
    }
    if let Some(later) = judging.waits.take() {
        return Err(later);
    }
    shorten(&mut judging.decision);
    judging.decision.at = shared.backing.clock.now();
    Ok(judging)
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
        let settling = self.shared.grounds.settling();
        let happened = Happened { happening: &happening, own: &own, number };
        let from = self.decision.outcomes.len();
        self.ask_all(&happened, from).await;
        if settling == Settling::UnderWay {
            // What is known starts at once. What nobody has read yet may look at it, too.
            let unseen = self.shared.grounds.settled().await;
            self.ask_all(&happened, from).await;
            let told = |it: &Arc<str>| format!("{it} was not read since the engine has started");
            self.decision.notes.extend(unseen.iter().take(REASONS).map(told));
        }
        if self.decision.outcomes.len() == from && self.waits.is_none() {
            let note = format!("{}: no trigger looks at it", IndexKey::of(&happening));
            self.decision.notes.push(note);
        }
        Ok(())
    }

    /// Asks every trigger that looks at it and has not answered in the outcomes `from` there on.
    async fn ask_all(&mut self, happened: &Happened<'_>, from: usize) {
        let Happened { happening, own, number } = happened;
        let keys = IndexKey::all_of(happening);
        self.refresh(&keys, own).await;
        let sorted: Vec<(Arc<Holding>, Sorted)> = self
            .looking(&keys, own)
            .into_values()
            .map(|holding| (holding.clone(), holding.sorted(&keys, happening)))
            .collect();
        let answered = self.decision.outcomes.get(from..).unwrap_or_default().iter();
        let answered: BTreeSet<_> = answered.map(answerer).collect();
        let is_new = |(entry, listening): &(&Entry, &Arc<Listening>)| {
            let home = |application: &str, pipeline: &str| {
                (application.to_owned(), pipeline.to_owned(), listening.home.trigger)
            };
            answered.is_empty() || !answered.contains(&home(entry.application(), entry.pipeline()))
        };
        for (holding, sorted) in &sorted {
            let open = sorted.open.iter().filter_map(|place| holding.at(*place)).filter(is_new);
            for (entry, listening) in open {
                match self.outcome(happening, (entry, listening), *number).await {
                    Ok(end) => self.decision.outcomes.push(told((entry, listening), end)),
                    // The others do not wait for it: all are asked again, and what was started stays so.
                    Err(later) => drop(self.waits.get_or_insert(later)),
                }
            }
        }
        let refused = sorted.iter().flat_map(|(holding, sorted)| {
            sorted.refused.iter().flat_map(move |(because, places)| {
                let at = places.iter().filter_map(|place| holding.at(*place));
                at.map(move |asked| (asked, because))
            })
        });
        let refused = refused.filter(|(asked, _)| is_new(asked));
        let refused = refused.map(|(asked, because)| told(asked, filtered(because.clone())));
        self.decision.outcomes.extend(refused);
    }

    /// The sources that look at it: that of the commit which it speaks of as it is there, of others
    /// what is in force.
    fn looking(&self, keys: &[IndexKey], own: &Own) -> BTreeMap<Arc<str>, Arc<Holding>> {
        let mut looking = self.shared.shelf.read().looking(keys);
        looking.retain(|source, _| !self.stale.contains(source));
        if let Own::Of { source, holding } = own {
            looking.insert(source.clone(), holding.clone());
        }
        looking
    }

    /// Sees to it that nothing starts by what an engine before this one has seen: of whom nothing newer
    /// can be learned is not asked.
    async fn refresh(&mut self, keys: &[IndexKey], own: &Own) {
        for source in self.looking(keys, own).into_keys() {
            if matches!(own, Own::Of { source: of, .. } if *of == source) {
                continue;
            }
            let reason = match self.shared.grounds.refresh(&source).await {
                Ok(()) => continue,
                Err(PollError::Later { reason, after }) => {
                    let reason = format!("{source}: {reason}");
                    self.waits.get_or_insert(Later { reason, after });
                    String::new()
                }
                Err(PollError::Refused { reason }) => reason,
            };
            if !reason.is_empty() {
                let note = format!("nothing of {source} is asked: {reason}");
                self.decision.notes.push(note);
            }
            self.stale.insert(source);
        }
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
        if let Some(end) = self.runless(entry) {
            return Ok(end);
        }
        if let Standing::Broken { .. } = entry.standing {
            // Nothing of it is accepted: its run is known again by its commit.
            return self.start((entry, listening), (happening, firing), number).await;
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
        if let Begins::WithIt(_) = self.begins {
            return Err(not_ahead("what its trigger accepts is to be remembered"));
        }
        let (application, pipeline) = (entry.application(), entry.pipeline());
        let kind = &listening.outline.trigger_type;
        let key = format!("{ACCEPTED}{application}/{pipeline}/{kind}/{subject}");
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
        &mut self,
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
        let name = self.who(kind, firing.event.actor.as_deref());
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
            Err(Unprepared::Invalid { faults }) => {
                return Ok(OutcomeEnd::Invalid { faults, told: None });
            }
            Err(Unprepared::Refused { reason }) => return Ok(OutcomeEnd::Refused { reason }),
            Err(Unprepared::Later(later)) => return Err(later),
        };
        match new.plan.document().broken.clone() {
            Some(broken) => self.tell(entry.pipeline(), new, broken).await,
            None => self.begin(entry.pipeline(), new).await,
        }
    }

    async fn begin(&mut self, pipeline: &str, new: NewRun) -> Result<OutcomeEnd, Later> {
        match &mut self.begins {
            Begins::Now => self.begun(pipeline, self.shared.starting.start(new).await).await,
            Begins::WithIt(Some(_)) => Err(not_ahead("more than one run begins by it")),
            Begins::WithIt(none) => {
                *none = Some(Box::new(new));
                // Which one it is, and under what number, is known when it begins.
                let (run, label) = (RunId(uuid::Uuid::nil()), String::new());
                Ok(OutcomeEnd::Started { run, label })
            }
        }
    }

    /// Who asked for it: whoever had it looked at again, else who is told to have caused it.
    fn who(&self, kind: String, actor: Option<&str>) -> String {
        match (&self.delivery.content.asked_by, actor) {
            (Some(asked), _) => asked.name.clone(),
            (None, Some(actor)) => format!("{kind}:{actor}"),
            (None, None) => kind,
        }
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
    let of = key_of(delivery);
    let key = format!("{of}{number}/{application}/{pipeline}/{position}");
    match meaning {
        Meaning::Once => key,
        Meaning::Of { value, .. } => format!("{key}/{value}"),
    }
}

/// With what the keys of its runs begin.
pub(super) fn key_of(delivery: DeliveryId) -> String {
    format!("delivery:{delivery}/")
}

enum Accepting {
    Known {
        subject: String,
        value: String,
    },
    /// What is to be remembered if it starts.
    New(Option<Mark>),
}

fn answerer(outcome: &Outcome) -> (String, String, u32) {
    (outcome.application.clone(), outcome.pipeline.clone(), outcome.trigger)
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
    let happening = match entry.standing {
        Standing::Good | Standing::Superseded { .. } | Standing::Refused { .. } => {
            Cow::Borrowed(happening)
        }
        // That its own file has changed is enough: until it is whole, no other change starts anything.
        Standing::Broken { .. } => Cow::Owned(happening.of_everything()),
    };
    if outline.when.is_none() && outline.parameters.is_empty() {
        return listening.ask(&happening, &entry.outline);
    }
    let (happening, outline) = (happening.into_owned(), entry.outline.clone());
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
        Standing::Refused { faults } | Standing::Broken { faults } if entry.triggers.is_empty() => {
            Some(format!("{}: {}", entry.path, faults.join("; ")))
        }
        Standing::Refused { .. }
        | Standing::Broken { .. }
        | Standing::Superseded { .. }
        | Standing::Good => None,
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

/// Why something is to be decided once it is kept.
fn not_ahead(reason: &str) -> Later {
    Later { reason: reason.to_owned(), after: None }
}

fn later(error: &StoreError) -> Later {
    Later { reason: error.to_string(), after: None }
}
