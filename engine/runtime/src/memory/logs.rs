//! What stages' programs printed, in memory.

use super::state::State;
use engine_core::{
    id::{Epoch, RunId},
    store::{AttemptKey, Chunk, Excess, Extent, LogAppend, LogAppended, StoreError},
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct StageLog {
    extent: Extent,
    chunks: BTreeMap<u64, Chunk>,
}

impl State {
    pub(super) fn append_stage_log(
        &mut self,
        epoch: Epoch,
        append: LogAppend,
    ) -> Result<LogAppended, StoreError> {
        self.stands(epoch)?;
        let LogAppend { key, chunk, cursor } = append;
        let log = self.stage_logs.entry(key).or_default();
        if log.extent.next != chunk.seq {
            return Ok(LogAppended::Elsewhere { next: log.extent.next });
        }
        log.extent.add(chunk.size(), cursor);
        log.chunks.insert(chunk.seq, chunk);
        while let Excess::From(seq) = log.extent.excess() {
            let size = log.chunks.remove(&seq).map(|chunk| chunk.size()).unwrap_or_default();
            log.extent.dropped(seq, size);
        }
        Ok(LogAppended::Written)
    }

    pub(super) fn stage_logs_of(&self, run: RunId) -> Vec<(AttemptKey, Extent)> {
        let first = AttemptKey { run, stage: String::new(), attempt: 0 };
        let logs = self.stage_logs.range(first..).take_while(|(key, _)| key.run == run);
        logs.map(|(key, log)| (key.clone(), log.extent.clone())).collect()
    }

    pub(super) fn stage_log_extent(&self, key: &AttemptKey) -> Extent {
        self.stage_logs.get(key).map(|log| log.extent.clone()).unwrap_or_default()
    }

    pub(super) fn stage_log(&self, key: &AttemptKey, from: u64, limit: u32) -> Vec<Chunk> {
        let Some(log) = self.stage_logs.get(key) else { return Vec::new() };
        let chunks = log.chunks.range(from..).map(|(_, chunk)| chunk.clone());
        chunks.take(limit as usize).collect()
    }
}
