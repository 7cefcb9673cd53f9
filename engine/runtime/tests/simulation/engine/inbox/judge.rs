//! What became of it all, read from the log: nothing that was acknowledged is lost, nothing is done
//! twice, and nothing happens without being told.

use super::{
    ASKER, Storm,
    places::{TAGS, id, is_broken},
};
use crate::story::Reached;
use engine_core::{
    delivery::{DeliveryFilter, Door, OutcomeEnd, State},
    event::{Event, Trigger},
    fact::Fact,
    id::{DeliveryId, Position},
    status::RunStatus,
    store::{FeedRow, InboxReader, LogReader, LogRow, Page},
};
use std::collections::BTreeMap;

/// A run, as it began.
struct Begun {
    delivery: DeliveryId,
    /// What it was started for.
    id: String,
    number: u64,
    by: String,
}

/// A file that is broken is told by one run, which is over as soon as it begins.
fn judge_ends(begun: &Begun, row: &LogRow) {
    let ended = Event::RunEnded { status: RunStatus::Invalid, warnings: 0 };
    let is_invalid = row.events.last() == Some(&ended);
    assert_eq!(is_invalid, is_broken(&begun.id), "{}: {:?}", begun.id, row.events);
}

impl Storm {
    pub(super) async fn judge(&self, reached: &mut Reached) {
        let rows = self.memory.after(Position(0), u32::MAX).await.unwrap();
        let Page::Rows(rows) = rows else { panic!("the log is whole") };
        let begun: Vec<Begun> = rows.iter().filter_map(begun).collect();
        let deliveries = self.memory.deliveries(DeliveryFilter::default()).await.unwrap();
        for delivery in &deliveries {
            assert!(matches!(delivery.state, State::Decided(_)), "{delivery:#?}");
            let is_replay = matches!(delivery.door, Door::Replay { .. });
            let asked_by = delivery.content.asked_by.as_ref().map(|actor| actor.name.as_str());
            assert_eq!(asked_by, is_replay.then_some(ASKER), "{delivery:#?}");
        }
        let ids: Vec<DeliveryId> = deliveries.iter().rev().map(|it| it.id).collect();
        let (arrived, decided) = told(&rows);
        assert_eq!(arrived, ids, "each that came is told once, in order");
        assert_eq!(
            {
                let mut it = decided;
                it.sort();
                it
            },
            ids,
            "and so is each decision"
        );
        self.judge_letters(&begun);
        self.judge_replays(&begun, reached).await;
        self.judge_images(&begun, reached);
    }

    /// One run for each that was acknowledged, at most one for each other, in their order.
    fn judge_letters(&self, begun: &[Begun]) {
        let own = |it: &&Begun| !self.replays.contains(&it.delivery) && it.by != ASKER;
        for (key, letter) in &self.letters {
            let runs: Vec<&Begun> = begun.iter().filter(own).filter(|it| it.id == *key).collect();
            match letter.acknowledged {
                Some(id) => {
                    let of: Vec<DeliveryId> = runs.iter().map(|run| run.delivery).collect();
                    assert_eq!(of, [id], "{key} was acknowledged");
                }
                None => assert!(runs.len() <= 1, "{key} has started {}", runs.len()),
            }
        }
        let mut last: BTreeMap<&str, (DeliveryId, u64)> = BTreeMap::new();
        let mut in_order: Vec<&Begun> = begun.iter().filter(own).collect();
        in_order.sort_by_key(|run| run.delivery);
        for run in in_order {
            let Some(letter) = self.letters.get(&run.id) else { continue };
            let now = (run.delivery, run.number);
            if let Some(before) = last.insert(letter.lane, now) {
                assert!(before.1 < now.1, "{}: {before:?} began after {now:?}", letter.lane);
            }
        }
    }

    /// Whoever has asked for it again is who the run is by. What is broken is told once.
    async fn judge_replays(&self, begun: &[Begun], reached: &mut Reached) {
        for replay in &self.replays {
            let delivery = self.memory.delivery(*replay).await.unwrap().unwrap();
            let State::Decided(decision) = &delivery.state else { panic!("{delivery:#?}") };
            if let [OutcomeEnd::Invalid { told, .. }] =
                &decision.outcomes.iter().map(|it| it.end.clone()).collect::<Vec<_>>()[..]
            {
                reached.count("a broken file is looked at again", 1);
                assert!(told.is_some(), "{delivery:#?}");
                assert!(begun.iter().all(|run| run.delivery != *replay), "{delivery:#?}");
                continue;
            }
            let by: Vec<&str> = begun
                .iter()
                .filter(|run| run.delivery == *replay)
                .map(|run| run.by.as_str())
                .collect();
            assert_eq!(by, [ASKER], "replay {replay}");
        }
    }

    /// A digest starts one run, however often it is told; the last one of each tag that was pushed has one.
    fn judge_images(&self, begun: &[Begun], reached: &mut Reached) {
        let mut runs: BTreeMap<&str, u32> = BTreeMap::new();
        for run in begun.iter().filter(|run| TAGS.iter().any(|tag| run.id.starts_with(tag))) {
            *runs.entry(&run.id).or_default() += 1;
        }
        assert!(runs.values().all(|times| *times == 1), "{runs:?}");
        for (tag, digest) in self.outside.pushed() {
            reached.count("a push is found", 1);
            assert!(runs.contains_key(format!("{tag}@{digest}").as_str()), "{tag}: {runs:?}");
        }
    }
}

fn begun(row: &FeedRow) -> Option<Begun> {
    let FeedRow::Run(row) = row else { return None };
    let Event::RunStarted { trigger, number, actor, .. } = row.events.first()? else {
        return None;
    };
    let Trigger::Event(fired) = trigger else { return None };
    let (id, by) = (id(trigger).to_owned(), actor.name.clone());
    let begun = Begun { delivery: fired.delivery, id, number: *number, by };
    judge_ends(&begun, row);
    Some(begun)
}

/// The deliveries that came, and those that were decided, as they were told.
fn told(rows: &[FeedRow]) -> (Vec<DeliveryId>, Vec<DeliveryId>) {
    let (mut arrived, mut decided) = (Vec::new(), Vec::new());
    for row in rows {
        let FeedRow::System(row) = row else { continue };
        for fact in &row.facts {
            match fact {
                Fact::DeliveryArrived { delivery, .. } => arrived.push(*delivery),
                Fact::DeliveryDecided { delivery, .. } => decided.push(*delivery),
                Fact::PostsRefused(_)
                | Fact::ConfigurationTaken { .. }
                | Fact::ConfigurationRefused { .. } => {}
            }
        }
    }
    (arrived, decided)
}
