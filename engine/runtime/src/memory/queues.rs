//! Who holds and who waits, in memory.

use super::{
    append::Writing,
    state::{InputCause, State, StoredInput},
};
use engine_core::{
    admission::{self, Claimant, TARGET_LIMIT},
    event::Message,
    id::{Resource, RunId},
    revision::Target,
};

impl State {
    /// Asking again keeps the place in the queue and renews what the waiter keeps.
    pub(super) fn ask(&mut self, run: RunId, resource: &Resource, keeps: Vec<Resource>) {
        let queue = self.queues.entry(resource.clone()).or_default();
        if queue.holders.iter().any(|holder| holder.run == run) {
            return;
        }
        self.keeps.insert((resource.clone(), run), keeps);
        if queue.waiters.iter().all(|waiter| waiter.run != run) {
            let ticket = self.ticket();
            let queue = self.queues.entry(resource.clone()).or_default();
            queue.waiters.push(Claimant { ticket, run });
        }
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
        resource: &Resource,
        target: &Target,
    ) {
        let Some(queue) = self.queues.get_mut(resource) else { return };
        let admitted = admission::admit(queue, TARGET_LIMIT);
        queue.waiters.retain(|waiter| !admitted.contains(waiter));
        queue.holders.extend(&admitted);
        if queue.holders.is_empty() {
            self.queues.remove(resource);
        }
        for Claimant { run, .. } in admitted {
            self.keeps.remove(&(resource.clone(), run));
            let message = Message::TargetGranted { target: target.clone() };
            self.input(run, StoredInput { message, cause: InputCause::Grant(resource.clone()) });
            if !writing.woken.contains(&run) {
                writing.woken.push(run);
            }
        }
    }
}
