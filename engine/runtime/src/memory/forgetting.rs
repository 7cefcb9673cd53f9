//! Takes away what is kept no longer, in memory: all of it at once.

use super::state::{State, User};
use engine_core::{
    clock::Civil,
    id::{Epoch, PlanHash, RunId},
    retention::Aged,
    store::{AgedFilter, Gate, StoreError},
};
use std::collections::BTreeSet;

impl State {
    pub(super) fn aged(&self, filter: AgedFilter) -> Vec<Aged> {
        let begins = std::ops::Bound::Unbounded;
        let begins = filter.after.map_or(begins, std::ops::Bound::Excluded);
        let aged = |(run, gate): (&RunId, &Gate)| {
            let ended_at = gate.summary.ended_at?.civil;
            let rows = self.logs.get(run)?;
            let is_old = gate.summary.status.has_ended() && ended_at < filter.ended_before;
            let (first, last) = (rows.first()?, rows.last()?);
            is_old.then(|| Aged::of((*run, ended_at), last.position, &first.events))
        };
        let runs = self.runs.range((begins, std::ops::Bound::Unbounded));
        runs.filter_map(aged).take(filter.limit as usize).collect()
    }

    pub(super) fn forget_runs(
        &mut self,
        epoch: Epoch,
        runs: Vec<RunId>,
    ) -> Result<Vec<RunId>, StoreError> {
        self.stands(epoch)?;
        let gone: Vec<RunId> = runs.into_iter().filter(|run| self.may_go(*run)).collect();
        let plans: Vec<PlanHash> =
            gone.iter().filter_map(|run| Some(self.runs.get(run)?.summary.plan.clone())).collect();
        for run in &gone {
            self.runs.remove(run);
            self.logs.remove(run);
        }
        let is_gone = |run: &RunId| gone.contains(run);
        for all in self.revisions.values_mut() {
            all.retain(|revision| !is_gone(&revision.run));
        }
        self.revisions.retain(|_, all| !all.is_empty());
        self.inputs.retain(|(run, _), _| !is_gone(run));
        self.details.retain(|(run, _), _| !is_gone(run));
        self.stage_logs.retain(|key, _| !is_gone(&key.run));
        self.forget_blobs((&gone, plans));
        Ok(gone)
    }

    /// Whoever holds a target may choose among all that was ever recorded there.
    fn may_go(&self, run: RunId) -> bool {
        let has_ended = self.runs.get(&run).is_some_and(|it| it.summary.status.has_ended());
        let mut targets =
            self.revisions.iter().filter(|(_, all)| all.iter().any(|it| it.run == run));
        let is_asked_for = targets.any(|(target, _)| {
            let queue = self.queues.get(&target.resource());
            queue.is_some_and(|it| !it.holders.is_empty() || !it.waiters.is_empty())
        });
        has_ended && !is_asked_for
    }

    fn forget_blobs(&mut self, (runs, plans): (&[RunId], Vec<PlanHash>)) {
        let used: BTreeSet<&PlanHash> = self.runs.values().map(|it| &it.summary.plan).collect();
        let dead: Vec<PlanHash> = plans.into_iter().filter(|it| !used.contains(it)).collect();
        self.plans.retain(|hash, _| !dead.contains(hash));
        self.blob_uses.retain(|(_, user)| match user {
            User::Run(run) => !runs.contains(run),
            User::Plan(plan) => !dead.contains(plan),
        });
        let recorded = self.revisions.values().flatten().map(|it| &it.set.content);
        let named: BTreeSet<_> =
            self.blob_uses.iter().map(|(name, _)| name).chain(recorded).collect();
        self.blobs.retain(|name, _| named.contains(name));
    }

    pub(super) fn forget_requests(
        &mut self,
        epoch: Epoch,
        before: Civil,
    ) -> Result<Option<String>, StoreError> {
        self.stands(epoch)?;
        let runs = &self.runs;
        let stays = |(run, at): (&RunId, &Civil)| *at >= before || runs.contains_key(run);
        self.starts.retain(|_, (run, at)| stays((run, at)));
        self.requests.retain(|(run, _), (_, at)| stays((run, at)));
        Ok(None)
    }
}
