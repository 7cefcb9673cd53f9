//! Who may write, in memory.

use super::state::State;
use crate::lease::lost;
use engine_core::{
    id::{Epoch, RunId},
    store::{Candidate, Gate, LEASE, Lease, LeaseError, LeaseTerms, StoreError, Summary, Takeover},
};

/// How the lease before this one ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastEnd {
    Clean,
    Unclean,
}

impl State {
    pub(super) fn acquire(
        &mut self,
        candidate: Candidate,
        takeover: &Takeover,
    ) -> Result<Lease, LeaseError> {
        let last = self.may_acquire(takeover)?;
        self.epochs += 1;
        let epoch = Epoch(self.epochs);
        self.take_over(epoch, last);
        self.forget_inputs_of_ended_runs();
        let terms = LeaseTerms { length: LEASE };
        let lease = Lease { epoch, owner: candidate, renewals: 0, terms };
        self.lease = Some(lease.clone());
        Ok(lease)
    }

    fn may_acquire(&self, takeover: &Takeover) -> Result<LastEnd, LeaseError> {
        match (&self.lease, takeover) {
            (None, _) => Ok(LastEnd::Clean),
            (Some(lease), Takeover::Of(seen)) if **seen == *lease => Ok(LastEnd::Unclean),
            (Some(lease), _) => Err(LeaseError::Held { holder: Box::new(lease.owner.clone()) }),
        }
    }

    fn take_over(&mut self, epoch: Epoch, last: LastEnd) {
        let unfinished = |gate: &&mut Gate| !gate.summary.status.has_ended();
        for gate in self.runs.values_mut().filter(unfinished) {
            gate.epoch = epoch;
            if last == LastEnd::Unclean && had_step_due(&gate.summary) {
                gate.unclean_ends += 1;
            }
        }
    }

    /// An input that met the end of its run can no longer be decided by anybody.
    fn forget_inputs_of_ended_runs(&mut self) {
        let runs = &self.runs;
        let lives =
            |run: &RunId| runs.get(run).is_some_and(|gate| !gate.summary.status.has_ended());
        self.inputs.retain(|(run, _), _| lives(run));
    }

    pub(super) fn renew(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        match &mut self.lease {
            Some(lease) if lease.epoch == epoch => {
                lease.renewals += 1;
                Ok(())
            }
            other => Err(lost(other.as_ref().map(|lease| lease.owner.process_id))),
        }
    }

    pub(super) fn release(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        self.stands(epoch)?;
        self.lease = None;
        Ok(())
    }

    pub(super) fn stands(&self, epoch: Epoch) -> Result<(), StoreError> {
        match &self.lease {
            Some(lease) if lease.epoch == epoch => Ok(()),
            other => Err(lost(other.as_ref().map(|lease| lease.owner.process_id))),
        }
    }
}

/// A run that waits for something has no step under way.
fn had_step_due(summary: &Summary) -> bool {
    summary.waiting.is_none()
}
