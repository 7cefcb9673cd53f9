//! Runs that have ended and are tried again, in a storm.

use super::{Storm, somebody};
use engine_core::{
    event::{Repeated, Trigger},
    id::RunId,
};
use engine_runtime::engine::{NewRun, Started};
use std::collections::BTreeSet;

impl Storm {
    /// Tries one of the runs again that ended without success.
    pub(super) async fn retry(&mut self) {
        let engine = self.engine.as_ref().unwrap();
        let mut failed = Vec::new();
        for run in self.plans.keys() {
            let execution = engine.reader().execution(*run).await.unwrap();
            if execution.may_be_retried().is_ok() {
                failed.push((*run, execution));
            }
        }
        let runs: Vec<RunId> = failed.iter().map(|(run, _)| *run).collect();
        if runs.is_empty() {
            return;
        }
        let chosen = self.chance.pick(&runs);
        let Some((earlier, execution)) = failed.into_iter().find(|(run, _)| *run == chosen) else {
            return;
        };
        let plan = execution.plan().clone();
        let of = Repeated { run: earlier, number: execution.recorded().number };
        let new = NewRun {
            offers: execution.offers(&plan, &BTreeSet::new()),
            plan: plan.clone(),
            trigger: Trigger::Retry { of, confirmed: Vec::new() },
            actor: somebody(),
            ancestry: Vec::new(),
            parent: None,
            files: Vec::new(),
            key: None,
        };
        if let Started::New { run, .. } = engine.start(new).await.unwrap() {
            self.plans.insert(run, plan);
            self.retried.insert(run, earlier);
        }
    }
}
