//! `--watch`: what happens to runs, as a live tree on a terminal, one line a change elsewhere.

mod lines;
pub(crate) mod tree;

use crate::screen::{self, Live, Paint};
use engine_core::{
    event::Event,
    id::{Position, RunId},
    view::RunView,
};
use engine_runtime::reader::Reader;
use jiff::Timestamp;
use lines::Lines;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How often is looked at what the log does not tell: live text, and time that passes.
const BEAT: Duration = Duration::from_millis(250);

enum Shown {
    Lines(Lines),
    Tree(Live),
}

/// Follows the feed from `position` and shows `runs`, until all have ended.
pub(crate) async fn follow(
    reader: &Reader,
    mut position: Position,
    runs: &BTreeMap<RunId, String>,
) -> anyhow::Result<()> {
    let mut left: BTreeSet<RunId> = runs.keys().copied().collect();
    let mut shown = match screen::is_live() {
        true => Shown::Tree(Live::default()),
        false => Shown::Lines(Lines::default()),
    };
    while !left.is_empty() {
        let Ok(rows) = tokio::time::timeout(BEAT, reader.follow(position)).await else {
            shown.look(&views(reader, runs).await?);
            continue;
        };
        for row in rows? {
            position = row.position;
            if let (Some(label), Shown::Lines(lines)) = (runs.get(&row.run), &mut shown) {
                lines.row(label, &row);
            }
            if row.events.iter().any(|event| matches!(event, Event::RunEnded { .. })) {
                left.remove(&row.run);
            }
        }
        match &mut shown {
            Shown::Tree(_) => shown.look(&views(reader, runs).await?),
            Shown::Lines(_) => {}
        }
    }
    match &mut shown {
        Shown::Tree(live) => live.end(),
        Shown::Lines(_) => {}
    }
    Ok(())
}

impl Shown {
    fn look(&mut self, views: &[RunView]) {
        let now = Timestamp::now();
        match self {
            Shown::Lines(lines) => lines.look(views, now),
            Shown::Tree(live) => {
                let paint = Paint::of(&std::io::stderr());
                live.draw(views.iter().flat_map(|view| tree::lines(view, now, paint)).collect());
            }
        }
    }
}

async fn views(reader: &Reader, runs: &BTreeMap<RunId, String>) -> anyhow::Result<Vec<RunView>> {
    let mut views = Vec::new();
    for run in runs.keys() {
        views.push(reader.view(*run).await?);
    }
    Ok(views)
}
