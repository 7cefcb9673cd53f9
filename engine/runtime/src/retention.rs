//! Takes away runs that have ended long ago, and what they have left: in many short transactions with
//! pauses between them, so that nobody who appends waits for it.

use crate::inbox::following::CURSOR;
use engine_core::{
    clock::{Civil, Clock, Moment},
    delivery::Mark,
    id::{Epoch, Position, RunId},
    retention::{self, Aged, History, REQUEST_DAYS, Terms, Ties, Verdict},
    store::{AgedFilter, Cleared, RunFilter, Store, StoreError, Summary},
};
use std::{collections::BTreeSet, time::Duration};

/// Before which end runs were taken away: told to whoever asks for one that is not there.
pub(crate) const MARK: &str = "forgotten/runs";
/// Runs that are read at once.
const PAGE: u32 = 256;
/// Runs that go at once.
const BATCH: usize = 16;
/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(10);

/// One pass over a store, under the lease of an epoch.
pub struct Pass<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub epoch: Epoch,
}

impl Pass<'_> {
    /// Takes away what may go of what has ended more than `kept_ms` milliseconds ago; answers with how
    /// many runs went.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or the lease is lost: what is left is found by the next pass.
    pub async fn over(&self, kept_ms: u64) -> Result<u64, StoreError> {
        self.clear().await?;
        let gone = self.runs(kept_ms).await?;
        self.requests().await?;
        Ok(gone)
    }

    async fn runs(&self, kept_ms: u64) -> Result<u64, StoreError> {
        let ended_before = self.ago(kept_ms);
        let mut filter = AgedFilter { ended_before, after: None, limit: PAGE };
        let (mut page, mut gone) = (self.store.aged(filter).await?, 0);
        if page.is_empty() {
            return Ok(0);
        }
        let named = self.named().await?;
        while let Some(last) = page.last().map(|aged| aged.run) {
            gone += self.page(&page, (self.terms(ended_before).await?, &named)).await?;
            filter.after = Some(last);
            page = self.store.aged(filter).await?;
        }
        Ok(gone)
    }

    /// What was read of the feeds is told anew for each page: it only grows.
    async fn terms(&self, ended_before: Civil) -> Result<Terms, StoreError> {
        let store = self.store;
        let head = store.head().await?;
        let passed = match store.mark(CURSOR).await? {
            None => head,
            Some(cursor) => Position(cursor.parse().map_err(|_| {
                StoreError::Damaged(format!("the mark `{CURSOR}` is no position: {cursor}"))
            })?),
        };
        Ok(Terms { ended_before, passed, head })
    }

    async fn page(
        &self,
        page: &[Aged],
        (terms, named): (Terms, &BTreeSet<RunId>),
    ) -> Result<u64, StoreError> {
        let (mut go, mut gone) = (Vec::new(), 0);
        for aged in page {
            // Whether it stays hangs on whether its parent does.
            if go.len() == BATCH || aged.parent.is_some_and(|parent| go.contains(&parent)) {
                gone += self.forget(terms.ended_before, std::mem::take(&mut go)).await?;
            }
            let ties = self.ties(aged, named).await?;
            match terms.judge(aged, ties) {
                Verdict::Goes => go.push(aged.run),
                Verdict::Stays => {}
            }
        }
        Ok(gone + self.forget(terms.ended_before, go).await?)
    }

    async fn forget(&self, ended_before: Civil, runs: Vec<RunId>) -> Result<u64, StoreError> {
        if runs.is_empty() {
            return Ok(0);
        }
        self.tell(ended_before).await?;
        let gone = self.store.forget_runs(self.epoch, runs).await?.len() as u64;
        self.pause().await;
        self.clear().await?;
        Ok(gone)
    }

    async fn ties(&self, aged: &Aged, named: &BTreeSet<RunId>) -> Result<Ties, StoreError> {
        if named.contains(&aged.run) {
            return Ok(Ties::Named);
        }
        let parent = match aged.parent {
            Some(parent) => self.store.gate(parent).await?,
            None => None,
        };
        Ok(if parent.is_some() { Ties::Child } else { Ties::None })
    }

    /// The runs that something names which is kept.
    async fn named(&self) -> Result<BTreeSet<RunId>, StoreError> {
        let store = self.store;
        let (mut named, unfinished) = (BTreeSet::new(), store.unfinished().await?);
        for gate in &unfinished {
            let rows = store.log(gate.summary.run, 0).await?;
            named.extend(rows.first().into_iter().flat_map(|row| retention::named(&row.events)));
        }
        for target in store.targets().await? {
            named.extend(retention::behind(&store.revisions(&target).await?));
        }
        let mut history = History::beside(unfinished.iter().map(|gate| &gate.summary));
        let mut before = None;
        loop {
            let page = store.runs(RunFilter { limit: Some(PAGE), before }).await?;
            let Some(last) = page.last() else { return Ok(named) };
            before = Some(last.run);
            named.extend(page.iter().filter(|run| history.asks_for(run)).map(run_of));
            self.pause().await;
        }
    }

    async fn tell(&self, ended_before: Civil) -> Result<(), StoreError> {
        let (store, epoch) = (self.store, self.epoch);
        let value = ended_before.0.to_string();
        if store.mark(MARK).await?.as_ref() != Some(&value) {
            let mark = Mark { key: MARK.to_owned(), value };
            let _none = store.arrive(epoch, Vec::new(), vec![mark]).await?;
        }
        Ok(())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let (store, epoch) = (self.store, self.epoch);
        while store.clear(epoch).await? == Cleared::MayBeMore {
            self.pause().await;
        }
        Ok(())
    }

    async fn requests(&self) -> Result<(), StoreError> {
        let (store, epoch) = (self.store, self.epoch);
        let before = self.ago(u64::from(REQUEST_DAYS) * 86_400_000);
        let mut after = String::new();
        while let Some(last) = store.forget_requests(epoch, (after, before)).await? {
            after = last;
            self.pause().await;
        }
        Ok(())
    }

    fn ago(&self, milliseconds: u64) -> Civil {
        Civil(self.clock.now().civil.0.saturating_sub(milliseconds))
    }

    async fn pause(&self) {
        let until = self.clock.now().elapsed.plus(PAUSE);
        self.clock.sleep_until(Moment::Elapsed(until)).await;
    }
}

fn run_of(summary: &Summary) -> RunId {
    summary.run
}

#[cfg(test)]
mod tests;
