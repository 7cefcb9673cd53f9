//! Runs that have ended and are tried again, in a storm.

use super::{Storm, somebody};
use engine_core::{
    event::{Repeated, Trigger},
    id::RunId,
    status::RunStatus,
};
use engine_runtime::engine::NewRun;
use std::collections::BTreeSet;

impl Storm {
    /// Tries one of the runs again that ended without success.
    pub(super) async fn retry(&mut self) {
        let failed =
            self.runs().await.into_iter().filter(|summary| {
                summary.status.has_ended() && summary.status != RunStatus::Succeeded
            });
        let failed: Vec<RunId> = failed.map(|summary| summary.run).collect();
        if failed.is_empty() {
            return;
        }
        let earlier = self.chance.pick(&failed);
        let engine = self.engine.as_ref().unwrap();
        let execution = engine.reader().execution(earlier).await.unwrap();
        execution.may_be_retried().unwrap();
        let plan = execution.plan().clone();
        let of = Repeated { run: earlier, number: execution.recorded().number };
        let new = NewRun {
            offers: execution.offers(&plan, &BTreeSet::new()),
            plan,
            trigger: Trigger::Retry { of, confirmed: Vec::new() },
            actor: somebody(),
            ancestry: Vec::new(),
            parent: None,
            files: Vec::new(),
            key: None,
        };
        engine.start(new).await.unwrap();
    }
}
