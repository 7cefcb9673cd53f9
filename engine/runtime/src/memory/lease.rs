//! Who may write, in memory.

use super::state::State;
use crate::lease::lost;
use engine_core::{
    clock::Now,
    id::{Epoch, RunId},
    status::WaitKind,
    store::{
        Candidate, Gate, LEASE, Lease, LeaseError, LeaseTerms, StoreError, Summary, Takeover, Wakes,
    },
};
use std::collections::BTreeSet;

/// How the lease before this one ended.
#[derive(Clone, Copy)]
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
        match last {
            LastEnd::Clean => {}
            LastEnd::Unclean => self.count_unclean_end(candidate.now),
        }
        self.take_over(epoch);
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

    fn take_over(&mut self, epoch: Epoch) {
        self.unfinished_mut().for_each(|gate| gate.epoch = epoch);
    }

    /// Counts the runs that are driven as soon as somebody drives any.
    fn count_unclean_end(&mut self, now: Now) {
        let told: BTreeSet<RunId> = self.inputs.keys().map(|(run, _)| *run).collect();
        for gate in self.unfinished_mut() {
            if is_due(&gate.summary, now) || told.contains(&gate.summary.run) {
                gate.unclean_ends += 1;
            }
        }
    }

    fn unfinished_mut(&mut self) -> impl Iterator<Item = &mut Gate> {
        self.runs.values_mut().filter(|gate| !gate.summary.status.has_ended())
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

/// What only waits for a person, for others or for a later moment is not driven.
fn is_due(summary: &Summary, now: Now) -> bool {
    let Wakes { elapsed, civil } = summary.wake;
    let has_come =
        elapsed.is_some_and(|at| at <= now.elapsed) || civil.is_some_and(|at| at <= now.civil);
    has_come
        || match summary.waiting {
            None | Some(WaitKind::Readiness | WaitKind::Cluster) => true,
            Some(
                WaitKind::Target
                | WaitKind::Timer
                | WaitKind::Retry
                | WaitKind::Approval
                | WaitKind::Hold
                | WaitKind::Paused
                | WaitKind::Concurrency
                | WaitKind::Question
                | WaitKind::Rules
                | WaitKind::Freeze
                | WaitKind::Child,
            ) => false,
        }
}
