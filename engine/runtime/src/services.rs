//! What the engine does for one call of a stage.

use crate::{evaluator::Evaluator, guard::Guard, seal::Sealer};
use engine_core::{
    BoxFuture,
    clock::Clock,
    event::Evaluated,
    execution::Evaluation,
    id::BlobName,
    revision::{Revision, Target},
    stage::{Halt, Printed, ServiceError, Services},
    store::{AttemptKey, Chunk, Extent, Line, LogAppend, LogAppended, Store, StoreError},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Shared by every call of one engine.
#[derive(Clone)]
pub(crate) struct Backing {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) leaving: Arc<AtomicBool>,
}

/// One call's view of it.
pub(crate) struct CallServices {
    pub(crate) backing: Backing,
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Whose log lines go to.
    pub(crate) key: AttemptKey,
}

impl Services for CallServices {
    fn may_act(&self) -> Result<(), Halt> {
        if self.stop.load(Ordering::Acquire) {
            return Err(Halt::Stopping);
        }
        if self.backing.leaving.load(Ordering::Acquire) {
            return Err(Halt::Leaving);
        }
        if !self.backing.guard.stands(&*self.backing.clock) {
            return Err(Halt::LeaseLost);
        }
        Ok(())
    }

    fn name(&self, content: &[u8]) -> BlobName {
        self.backing.sealer.name(content)
    }

    fn read(&self, name: &BlobName) -> BoxFuture<'_, Result<Vec<u8>, ServiceError>> {
        let name = name.clone();
        Box::pin(async move {
            let sealed = self.backing.store.blob(&name).await.map_err(unavailable)?;
            let sealed = sealed.ok_or_else(|| ServiceError::Missing(name.clone()))?;
            self.backing.sealer.open(&name, &sealed).map_err(|_| ServiceError::Sealed(name))
        })
    }

    fn log_extent(&self) -> BoxFuture<'_, Result<Extent, ServiceError>> {
        Box::pin(async move {
            self.backing.store.stage_log_extent(&self.key).await.map_err(unavailable)
        })
    }

    fn log(&self, log: Printed) -> BoxFuture<'_, Result<LogAppended, ServiceError>> {
        let lines = log.lines.into_iter().map(Line::bounded).collect();
        let chunk = Chunk { seq: log.chunk, lines };
        let append = LogAppend { key: self.key.clone(), chunk, cursor: log.cursor };
        let Backing { store, guard, .. } = &self.backing;
        Box::pin(
            async move { store.append_stage_log(guard.epoch, append).await.map_err(unavailable) },
        )
    }

    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'_, Evaluated> {
        self.evaluator.evaluate(evaluation)
    }

    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, ServiceError>> {
        let target = target.clone();
        Box::pin(async move { self.backing.store.revisions(&target).await.map_err(unavailable) })
    }
}

fn unavailable(error: StoreError) -> ServiceError {
    ServiceError::Unavailable(error.to_string())
}
