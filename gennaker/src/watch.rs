//! `--watch`: what happens to runs, as a live tree on a terminal, one line a change elsewhere.

mod lines;
pub(crate) mod tree;

use crate::{
    screen::{self, Live, Paint, Width},
    source::{Following, Source},
};
use engine_core::{
    event::Event,
    id::{Position, RunId},
    view::{RowView, RunView},
};
use jiff::Timestamp;
use lines::Lines;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tree::Look;

/// How often is looked at what the log does not tell: live text, and time that passes.
const BEAT: Duration = Duration::from_millis(250);
/// Of one sentence, so that the others stay in sight.
const MOST_LINES: usize = 5;

enum Shown {
    Lines(Lines),
    Tree(Live),
}

/// What is watched, and how far.
struct Watch<'a> {
    runs: &'a BTreeMap<RunId, String>,
    left: BTreeSet<RunId>,
    position: Option<Position>,
    shown: Shown,
}

/// Follows `runs` after `position` and shows them, until all have ended. Another engine, or the
/// store, is asked when the one that was asked has left.
pub(crate) async fn follow(
    mut source: Source,
    position: Option<Position>,
    runs: &BTreeMap<RunId, String>,
) -> anyhow::Result<()> {
    let shown = match screen::is_live() {
        true => Shown::Tree(Live::default()),
        false => Shown::Lines(Lines::default()),
    };
    let mut watch = Watch { runs, left: runs.keys().copied().collect(), position, shown };
    while !watch.left.is_empty() {
        if let Err(gone) = watch.until_gone(&source).await {
            source = source.again(gone).await?;
        }
    }
    match watch.shown {
        Shown::Tree(_) => watch.leave_the_last(&mut source).await,
        Shown::Lines(_) => Ok(()),
    }
}

impl Watch<'_> {
    async fn until_gone(&mut self, source: &Source) -> anyhow::Result<()> {
        let wanted = self.runs.keys().copied().collect();
        let mut following: Following = source.follow(wanted, self.position).await?;
        while !self.left.is_empty() {
            let Ok(rows) = tokio::time::timeout(BEAT, following.next()).await else {
                self.shown.look(&self.views(source).await?);
                continue;
            };
            rows?.iter().for_each(|row| self.row(row));
            match &mut self.shown {
                Shown::Tree(_) => self.shown.look(&self.views(source).await?),
                Shown::Lines(_) => {}
            }
        }
        Ok(())
    }

    /// The last frame shows how all has ended, also if the engine left with it.
    async fn leave_the_last(mut self, source: &mut Source) -> anyhow::Result<()> {
        let mut views = Vec::new();
        for run in self.runs.keys() {
            views.push(source.seen(&run.to_string()).await?);
        }
        self.shown.look(&views);
        match &mut self.shown {
            Shown::Tree(live) => live.end(),
            Shown::Lines(_) => {}
        }
        Ok(())
    }

    fn row(&mut self, row: &RowView) {
        self.position = Some(row.position);
        if let (Some(label), Shown::Lines(lines)) = (self.runs.get(&row.run), &mut self.shown) {
            lines.row(label, row);
        }
        if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
            self.left.remove(&row.run);
        }
    }

    async fn views(&self, source: &Source) -> anyhow::Result<Vec<RunView>> {
        let mut views = Vec::new();
        for run in self.runs.keys() {
            views.push(source.view(&run.to_string()).await?);
        }
        Ok(views)
    }
}

impl Shown {
    fn look(&mut self, views: &[RunView]) {
        let now = Timestamp::now();
        match self {
            Shown::Lines(lines) => lines.look(views, now),
            Shown::Tree(live) => {
                let stderr = std::io::stderr();
                let (paint, width) = (Paint::of(&stderr), Width::of(&stderr));
                let look = Look { now, paint, width, most: MOST_LINES };
                live.draw(views.iter().flat_map(|view| tree::lines(view, look)).collect());
            }
        }
    }
}
