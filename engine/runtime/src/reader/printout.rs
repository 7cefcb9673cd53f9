//! What the programs of a run's stages print, each line once, as long as more may come.

use super::{ReadError, Reader};
use engine_core::{
    id::{Position, RunId},
    store::{AttemptKey, Extent, Line, LogReader, StoreError},
};
use std::{collections::BTreeMap, time::Duration};

/// The chunks that are read at once of one attempt.
const CHUNKS: u32 = 8;
/// Lines are no rows of the log, so that nobody says when there are more.
const LOOK: Duration = Duration::from_millis(250);
/// Whose lines the engine's own are.
const OURSELVES: &str = "gennaker";

/// A reader's place in what a run prints.
pub struct Printout {
    reader: Reader,
    run: RunId,
    of: Of,
    /// The next chunk of each attempt.
    places: BTreeMap<AttemptKey, u64>,
    /// The newest row of the log when it was last asked whether more may come.
    seen: Option<Position>,
    over: bool,
}

/// Whose lines are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    Run,
    /// One stage, or all nodes of its matrix.
    Stage(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintedLine {
    pub stage: String,
    pub attempt: u32,
    pub line: Line,
}

impl Reader {
    /// From the first line on.
    pub fn printout(&self, run: RunId, of: Of) -> Printout {
        Printout { reader: self.clone(), run, of, places: BTreeMap::new(), seen: None, over: false }
    }
}

impl Of {
    pub fn has(&self, node: &str) -> bool {
        match self {
            Of::Run => true,
            Of::Stage(stage) => {
                let rest = node.strip_prefix(stage.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            }
        }
    }
}

impl Printout {
    /// Some of the lines that were not handed out yet; none if there are no more now.
    pub async fn read(&mut self) -> Result<Vec<PrintedLine>, StoreError> {
        let mut lines = Vec::new();
        let log = self.reader.log.clone();
        for (key, extent) in log.stage_logs(self.run).await? {
            if self.of.has(&key.stage) {
                self.read_attempt(&*log, (key, extent), &mut lines).await?;
            }
        }
        Ok(lines)
    }

    /// The next lines, waiting for them; none once the stage, or the run, has ended.
    pub async fn next(&mut self) -> Result<Option<Vec<PrintedLine>>, ReadError> {
        loop {
            // Whether more may come is asked before reading: what was printed last is read too.
            let over = self.over().await?;
            let lines = self.read().await?;
            match (lines.is_empty(), over) {
                (false, _) => return Ok(Some(lines)),
                (true, true) => return Ok(None),
                (true, false) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    async fn read_attempt(
        &mut self,
        log: &dyn LogReader,
        (key, extent): (AttemptKey, Extent),
        lines: &mut Vec<PrintedLine>,
    ) -> Result<(), StoreError> {
        let place = self.places.entry(key.clone()).or_default();
        let printed = |line| PrintedLine { stage: key.stage.clone(), attempt: key.attempt, line };
        for chunk in log.stage_log(&key, *place, CHUNKS).await? {
            if let Some(first) = chunk.lines.first().filter(|_| chunk.seq > *place) {
                let (_, text) = extent.gap().unwrap_or_default();
                lines.push(printed(Line { at: first.at, source: OURSELVES.to_owned(), text }));
            }
            *place = chunk.seq + 1;
            lines.extend(chunk.lines.into_iter().map(printed));
        }
        Ok(())
    }

    async fn over(&mut self) -> Result<bool, ReadError> {
        let head = self.reader.log.head().await?;
        if self.over || self.seen == Some(head) {
            return Ok(self.over);
        }
        self.seen = Some(head);
        self.over = self.reader.summary(self.run).await?.status.has_ended()
            || (self.of != Of::Run && self.stages_ended().await?);
        Ok(self.over)
    }

    async fn stages_ended(&self) -> Result<bool, ReadError> {
        let view = self.reader.view(self.run).await?;
        let mut wanted = view.stages.iter().filter(|(id, _)| self.of.has(id));
        Ok(wanted.all(|(_, stage)| stage.status.has_ended()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        conformance::sample::{World, end, written},
        memory::Memory,
    };
    use engine_core::{
        clock::Civil,
        store::{Chunk, HEAD_BYTES, LogAppend, LogAppended, TAIL_BYTES},
    };
    use std::sync::Arc;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    async fn print(world: &World, run: RunId, (stage, seq): (&str, u64), text: &str) -> Tested {
        let key = AttemptKey { run, stage: stage.to_owned(), attempt: 1 };
        let line = Line { at: Civil(seq), source: "p/c".to_owned(), text: text.to_owned() };
        let chunk = Chunk { seq, lines: vec![line] };
        let append = LogAppend { key, chunk, cursor: String::new() };
        assert_eq!(world.print(append).await?, LogAppended::Written);
        Ok(())
    }

    fn texts(lines: Vec<PrintedLine>) -> Vec<String> {
        lines.into_iter().map(|printed| printed.line.text).collect()
    }

    #[tokio::test]
    async fn each_line_comes_once_and_the_end_comes_after_the_last() -> Tested {
        let memory = Memory::default();
        let world = World::on(Arc::new(memory.clone())).await?;
        let run = world.start(1).await?;
        let mut printout = Reader::new(Arc::new(memory)).printout(run, Of::Run);
        print(&world, run, ("a", 0), "one").await?;
        assert_eq!(printout.next().await?.map(texts), Some(vec!["one".to_owned()]));
        assert_eq!(printout.read().await?, []);
        print(&world, run, ("a", 1), "two").await?;
        print(&world, run, ("b[x]", 0), "three").await?;
        written(&world.append(end(run, 1)).await?);
        let last = vec!["two".to_owned(), "three".to_owned()];
        assert_eq!(printout.next().await?.map(texts), Some(last));
        assert_eq!(printout.next().await?, None);
        Ok(())
    }

    #[tokio::test]
    async fn what_was_cut_out_is_told_where_it_was() -> Tested {
        let memory = Memory::default();
        let world = World::on(Arc::new(memory.clone())).await?;
        let run = world.start(1).await?;
        let text = "x".repeat(1024 * 1024);
        for seq in 0..(HEAD_BYTES + TAIL_BYTES) / 1024 / 1024 + 4 {
            print(&world, run, ("a", seq), &text).await?;
        }
        let mut printout = Reader::new(Arc::new(memory)).printout(run, Of::Stage("a".to_owned()));
        let mut all = printout.read().await?;
        all.extend(printout.read().await?);
        let cut = all.iter().position(|printed| printed.line.text.starts_with('…'));
        assert_eq!(cut, Some(4));
        assert_eq!(all[4].line.text, "… 6 lines (6.0 MiB) were cut out here …");
        Ok(())
    }

    #[test]
    fn a_stage_means_all_nodes_of_its_matrix_and_no_other_stage() {
        let of = Of::Stage("prod".to_owned());
        assert!(of.has("prod") && of.has("prod[eu]"));
        assert!(!of.has("production") && !of.has("pro"));
    }
}
