//! What happens, in the order in which it happened: the log of all runs and of what is about none, or
//! of some runs, by cursor.

use super::Reader;
use engine_core::{
    id::{Position, RunId},
    store::{FeedRow, Page, StoreError},
};
use std::collections::BTreeSet;

/// The most rows that are read at once.
const PAGE: u32 = 64;

/// Whose rows are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// And of what is about no run.
    All,
    /// Few: what is there already is read run by run.
    Runs(BTreeSet<RunId>),
}

/// What a feed tells next.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Rows(Vec<FeedRow>),
    /// The cursor means nothing here: it is older than what is kept, or of another log. The feed
    /// goes on after `from`; read again whatever was made of it.
    Reset {
        from: Position,
    },
}

/// A reader's place in the log.
pub struct Feed {
    reader: Reader,
    wanted: Wanted,
    cursor: Position,
    backlog: Backlog,
    /// Up to here it was said already that something is missing.
    reset: Position,
}

enum Backlog {
    Unread,
    Read,
}

impl Reader {
    /// What comes after `cursor`; without one, what comes from now on.
    pub async fn feed(&self, wanted: Wanted, cursor: Option<Position>) -> Result<Feed, StoreError> {
        let (cursor, backlog) = match cursor {
            Some(cursor) => (cursor, Backlog::Unread),
            None => (self.log.head().await?, Backlog::Read),
        };
        let reset = Position(0);
        Ok(Feed { reader: self.clone(), wanted, cursor, backlog, reset })
    }
}

impl Feed {
    /// The next rows, at least one; waits until there are some. May be dropped while it waits.
    pub async fn next(&mut self) -> Result<News, StoreError> {
        match self.backlog {
            Backlog::Read => {}
            Backlog::Unread => {
                if let Some(news) = self.backlog().await? {
                    return Ok(news);
                }
            }
        }
        loop {
            let rows = match self.reader.log.after(self.cursor, PAGE).await? {
                Page::Reset { first } => {
                    self.cursor = Position(first.0.saturating_sub(1));
                    if self.is_news(first).await? {
                        return Ok(News::Reset { from: self.cursor });
                    }
                    continue;
                }
                Page::Rows(rows) => rows,
            };
            let Some(last) = rows.last() else {
                self.reader.log.written_after(self.cursor).await;
                continue;
            };
            self.cursor = last.position();
            let rows: Vec<FeedRow> = rows.into_iter().filter(|row| self.wants(row)).collect();
            if !rows.is_empty() {
                return Ok(News::Rows(rows));
            }
        }
    }

    /// What was there when the feed began; of a few runs, without reading those of all others.
    async fn backlog(&mut self) -> Result<Option<News>, StoreError> {
        let log = &self.reader.log;
        let head = log.head().await?;
        if self.cursor > head {
            (self.cursor, self.backlog) = (head, Backlog::Read);
            return Ok(Some(News::Reset { from: head }));
        }
        let Wanted::Runs(runs) = &self.wanted else {
            self.backlog = Backlog::Read;
            return Ok(None);
        };
        let mut rows = Vec::new();
        for run in runs {
            rows.extend(log.log(*run, 0).await?.into_iter().map(FeedRow::Run));
        }
        let is_due = |row: &FeedRow| row.position() > self.cursor && row.position() <= head;
        rows.retain(is_due);
        rows.sort_by_key(FeedRow::position);
        (self.cursor, self.backlog) = (head, Backlog::Read);
        Ok((!rows.is_empty()).then_some(News::Rows(rows)))
    }

    /// Whether it is to be told that something before `first` is missing. One hole seldom comes alone:
    /// all that were there when the first was found are told by it, and whoever reads runs misses
    /// nothing of them.
    async fn is_news(&mut self, first: Position) -> Result<bool, StoreError> {
        if self.wanted != Wanted::All || first <= self.reset {
            return Ok(false);
        }
        self.reset = self.reader.log.head().await?;
        Ok(true)
    }

    fn wants(&self, row: &FeedRow) -> bool {
        match (&self.wanted, row) {
            (Wanted::All, _) => true,
            (Wanted::Runs(runs), FeedRow::Run(row)) => runs.contains(&row.run),
            (Wanted::Runs(_), FeedRow::System(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conformance::sample::World, memory::Memory};
    use engine_core::{
        clock::{Civil, Elapsed, Now},
        delivery::Door,
        fact::{Fact, Refusal, RefusalReason},
    };
    use std::sync::Arc;

    /// Rows about no run between those of runs, of which all but the newest were taken away.
    async fn full_of_holes() -> Reader {
        let world = World::on(Arc::new(Memory::default())).await.unwrap();
        for number in 1..=8 {
            let civil = Civil(u64::try_from(number).unwrap());
            let door = Door::Receiver { name: "github".to_owned() };
            let refused = Refusal::one(door, RefusalReason::Stale, civil);
            let now = Now { elapsed: Elapsed(civil.0), civil };
            let facts = vec![Fact::PostsRefused(refused)];
            world.store.record(world.epoch, now, facts).await.unwrap();
            // So many that a page ends there.
            for seed in 0..u128::from(PAGE) {
                world.start(number * 1_000 + seed).await.unwrap();
            }
        }
        world.store.forget_deliveries(world.epoch, Civil(100)).await.unwrap();
        Reader::new(world.store.clone())
    }

    async fn resets(wanted: Wanted, cursor: Position) -> usize {
        let reader = full_of_holes().await;
        let head = reader.log.head().await.unwrap();
        let mut feed = reader.feed(wanted, Some(cursor)).await.unwrap();
        let mut resets = 0;
        while feed.cursor < head {
            match feed.next().await.unwrap() {
                News::Reset { .. } => resets += 1,
                News::Rows(_) => {}
            }
        }
        resets
    }

    #[tokio::test]
    async fn that_old_rows_are_gone_is_told_once() {
        assert_eq!(resets(Wanted::All, Position(0)).await, 1);
    }
}
