//! Who holds and who waits, in memory.

use super::{
    append::{Passage, Writing},
    state::{InputCause, State, StoredInput},
};
use engine_core::{
    admission::{self, Arrival, Claimant, Holding, Limit, Link, Outlook, Waiting, arrive, ring},
    event::Message,
    id::{Resource, RunId},
    store::{Append, Appended, Ask, Claimed, Entrance, Entry},
};

impl State {
    /// Asking again keeps the place in the queue and renews what the waiter keeps.
    pub(super) fn ask(&mut self, writing: &mut Writing<'_>, (run, ask): (RunId, &Ask<'_>)) {
        let queue = self.queues.entry(ask.resource.clone()).or_default().clone();
        if queue.holders.iter().any(|holder| holder.run == run) {
            return;
        }
        let is_new = queue.waiters.iter().all(|waiter| waiter.run != run);
        let newcomer = self.newcomer(run, ask);
        let queue = self.queues.entry(ask.resource.clone()).or_default().clone();
        self.keeps.insert((ask.resource.clone(), run), ask.keeps.clone());
        match arrive(&queue, &newcomer, ask.strategy) {
            Arrival::Admitted => self.admit(writing, (&ask.resource, ask.claimed)),
            Arrival::TurnedAway { holders } => {
                let by = holders.iter().map(|run| self.label(writing, *run)).collect();
                self.turn_away(writing, (run, ask), ask.claimed.full(by));
            }
            Arrival::Waits { told } => {
                let ring = self.closes(writing, (run, ask));
                if !ring.is_empty() {
                    return self.turn_away(writing, (run, ask), ask.claimed.refused(ring));
                }
                if is_new {
                    self.announce(writing, ask, told);
                }
            }
        }
    }

    /// Tells those who were there before that somebody has come, and the newcomer who makes way.
    fn announce(&mut self, writing: &mut Writing<'_>, ask: &Ask<'_>, told: Vec<RunId>) {
        let label = writing.item.summary.label();
        let from = told.iter().map(|run| self.label(writing, *run)).collect();
        for run in told {
            let message = ask.claimed.come(label.clone(), ask.strategy);
            self.tell_run(writing, (run, InputCause::Request), message);
        }
        if let Some(message) = ask.claimed.makes_way(from) {
            self.tell_run(writing, (writing.item.run, InputCause::Request), message);
        }
    }

    fn newcomer(&mut self, run: RunId, ask: &Ask<'_>) -> Claimant {
        let queue = self.queues.entry(ask.resource.clone()).or_default();
        if let Some(before) = queue.waiters.iter().find(|waiter| waiter.run == run) {
            return before.clone();
        }
        let ticket = self.ticket();
        let newcomer = Claimant { ticket, run, standing: ask.standing.clone() };
        let queue = self.queues.entry(ask.resource.clone()).or_default();
        queue.waiters.push(newcomer.clone());
        newcomer
    }

    fn turn_away(
        &mut self,
        writing: &mut Writing<'_>,
        (run, ask): (RunId, &Ask<'_>),
        message: Message,
    ) {
        self.keeps.remove(&(ask.resource.clone(), run));
        if let Some(queue) = self.queues.get_mut(&ask.resource) {
            queue.waiters.retain(|waiter| waiter.run != run);
        }
        self.tell_run(writing, (run, InputCause::Grant(ask.resource.clone())), message);
    }

    /// The ring that waiting would close. Whoever keeps nothing closes none.
    fn closes(&self, writing: &Writing<'_>, (run, ask): (RunId, &Ask<'_>)) -> Vec<Link<String>> {
        if ask.keeps.is_empty() {
            return Vec::new();
        }
        let all = self.queues.iter();
        let waiting = all.clone().flat_map(|(resource, queue)| {
            queue.waiters.iter().map(|waiter| Waiting {
                claimant: waiter.clone(),
                wanted: resource.clone(),
                keeps: self.keeps.get(&(resource.clone(), waiter.run)).cloned().unwrap_or_default(),
            })
        });
        let holding = all.flat_map(|(resource, queue)| {
            let holding = |holder: &Claimant| Holding {
                claimant: holder.clone(),
                resource: resource.clone(),
            };
            queue.holders.iter().map(holding).collect::<Vec<_>>()
        });
        let (waiting, holding): (Vec<_>, Vec<_>) = (waiting.collect(), holding.collect());
        let is_newcomer = |it: &&Waiting| it.claimant.run == run && it.wanted == ask.resource;
        let newcomer = waiting.iter().find(is_newcomer);
        let links = newcomer.map_or(Vec::new(), |newcomer| ring(newcomer, &waiting, &holding));
        let label =
            |Link { run, keeps, wanted }| Link { run: self.label(writing, run), keeps, wanted };
        links.into_iter().map(label).collect()
    }

    /// How people name a run: `checkout#12`.
    fn label(&self, writing: &Writing<'_>, run: RunId) -> String {
        if run == writing.item.run {
            return writing.item.summary.label();
        }
        self.runs.get(&run).map_or_else(|| run.to_string(), |gate| gate.summary.label())
    }

    pub(super) fn give_back(&mut self, run: RunId, resource: &Resource) {
        self.keeps.remove(&(resource.clone(), run));
        let grant = InputCause::Grant(resource.clone());
        self.inputs.retain(|(of, _), input| *of != run || input.cause != grant);
        if let Some(queue) = self.queues.get_mut(resource) {
            queue.holders.retain(|holder| holder.run != run);
            queue.waiters.retain(|waiter| waiter.run != run);
        }
    }

    pub(super) fn admit(
        &mut self,
        writing: &mut Writing<'_>,
        (resource, claimed): (&Resource, Claimed<'_>),
    ) {
        let Some(queue) = self.queues.get_mut(resource) else { return };
        let admitted = admission::admit(queue);
        queue.waiters.retain(|waiter| !admitted.contains(waiter));
        queue.holders.extend(admitted.iter().cloned());
        if queue.holders.is_empty() {
            self.queues.remove(resource);
        }
        for Claimant { run, standing, .. } in admitted {
            self.keeps.remove(&(resource.clone(), run));
            match claimed.behind(&standing) {
                Some(behind) => self.ask(writing, (run, &behind.ask())),
                None if writing.item.is_let_in(run) => writing.entry = Entry::Admitted,
                None => {
                    let cause = InputCause::Grant(resource.clone());
                    self.tell_run(writing, (run, cause), claimed.granted());
                }
            }
        }
    }

    /// Whether a run would be one too many of those of its application that wait.
    pub(super) fn judge(&self, item: &Append) -> Passage {
        let Some(entrance) = Entrance::of(item) else { return Passage::Free };
        let (room, groups) = (entrance.slot.room(), entrance.slot.groups());
        let is_theirs = |resource: &Resource| *resource == room || resource.0.starts_with(&groups);
        let queues = self.queues.iter().filter(|(resource, _)| is_theirs(resource));
        let waiting = queues.flat_map(|(_, queue)| &queue.waiters);
        let waiting = waiting.filter(|waiter| waiter.standing.room != Limit::Unlimited).count();
        let queue = |resource: &Resource| self.queues.get(resource).cloned().unwrap_or_default();
        let doors = (&queue(&entrance.slot.resource()), &queue(&room));
        match entrance.judge(item.run, waiting, doors) {
            Outlook::Passes => Passage::Free,
            Outlook::Waits => Passage::Refused(Appended::QueueFull { most: entrance.most }),
        }
    }

    /// Writes an input for a run that has not ended.
    pub(super) fn tell_run(
        &mut self,
        writing: &mut Writing<'_>,
        (run, cause): (RunId, InputCause),
        message: Message,
    ) {
        if self.runs.get(&run).is_none_or(|gate| gate.summary.status.has_ended()) {
            return;
        }
        self.input(run, StoredInput { message, cause });
        if !writing.woken.contains(&run) {
            writing.woken.push(run);
        }
    }
}
