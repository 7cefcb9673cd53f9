//! What the log of all runs of a storm must be like in the end.

use super::{Storm, guard};
use crate::{
    facts::{self, Facts, Known},
    families::Families,
    giving_way::GivingWay,
    oracle::Ends,
    outdated::Outdated,
    story::Reached,
};
use engine_core::{
    Plan,
    event::{Event, Trigger},
    id::RunId,
    store::{FeedRow, LogReader, LogRow, Page},
};
use engine_runtime::{memory::Memory, reader::Reader};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

impl Storm {
    async fn plans(&self) -> BTreeMap<RunId, Arc<Plan>> {
        let mut plans = BTreeMap::new();
        for summary in self.runs().await {
            let stored = self.memory.plan(&summary.plan).await.unwrap().unwrap();
            plans.insert(summary.run, Arc::new(Plan::restore(&stored).unwrap()));
        }
        plans
    }

    pub(super) async fn judge(&self, reached: &mut Reached) {
        let plans = self.plans().await;
        let rows = self.memory.after(Default::default(), u32::MAX).await.unwrap();
        let Page::Rows(rows) = rows else { panic!("the log is whole") };
        let (mut families, mut outdated) = (Families::new(&plans), Outdated::new(&plans));
        let mut giving_way = GivingWay::default();
        let rows: Vec<LogRow> = rows.into_iter().filter_map(FeedRow::of_run).collect();
        for row in &rows {
            for event in &row.events {
                show(row, event);
                reached.read(event);
                families.read(row.run, event, reached);
                giving_way.read(&plans[&row.run], (row.run, event));
                outdated.read(
                    (row.run, row.n, event),
                    |one, other| families.are_kin(one, other),
                    reached,
                );
            }
        }
        giving_way.close(reached);
        let mut calls = families.close();
        let mut ends: BTreeMap<RunId, Ends> = BTreeMap::new();
        for (run, plan) in &plans {
            let facts = facts_of(&self.memory, *run).await;
            // Ids count up, so that what is retried was judged before.
            let earlier = retried(&facts).map(|earlier| ends[&earlier].clone());
            let known = Known { earlier, calls: calls.remove(run).unwrap_or_default() };
            guard::keeps(&self.platform.now(), plan, &facts, reached);
            ends.insert(*run, facts::check(plan, (*run, known), &facts).1);
        }
        let (begun, over) = (&self.looks.begun, &self.looks.over);
        assert_eq!(begun.load(Ordering::Relaxed), over.load(Ordering::Relaxed), "a replay differs");
        reached.count("effect", self.world.effects() as u64);
        for (situation, times) in &*self.faults.lock().unwrap() {
            reached.count(situation, *times);
        }
        let reader: Reader = self.engine.as_ref().unwrap().reader();
        assert_eq!(reader.unfinished().await.unwrap(), []);
    }
}

/// Whoever asks for one seed wants to see what happened.
fn show(row: &LogRow, event: &Event) {
    if std::env::var("GENNAKER_SEED").is_ok() {
        println!("{} {} {}: {event:?}", row.now.elapsed.0, row.run, row.n);
    }
}

/// Which run a run tries again.
fn retried(facts: &Facts) -> Option<RunId> {
    match &facts[0].0 {
        Event::RunStarted { trigger: Trigger::Retry { of, .. }, .. } => Some(of.run),
        _ => None,
    }
}

pub(super) async fn facts_of(memory: &Memory, run: RunId) -> Facts {
    let rows = memory.log(run, 0).await.unwrap();
    rows.into_iter()
        .flat_map(|row| row.events.into_iter().map(move |event| (event, row.now)))
        .collect()
}
