//! What the engine does for one call of a stage.

use crate::{
    children::{self, Caller},
    evaluator::Evaluator,
    guard::Guard,
    provings::Provings,
    seal::Sealer,
    secrets::{Secrets, Wanted},
};
use engine_core::{
    BoxFuture, Plan,
    clock::Clock,
    event::Evaluated,
    execution::Evaluation,
    id::{BlobName, RunId},
    plan::{NodeIndex, Origin},
    revision::{Maker, Overtaken, Revision, Target, overtaking},
    stage::{
        Child, ChildError, ChildRequest, Halt, ObjectKey, Printed, Secret, SecretError,
        ServiceError, Services,
    },
    store::{AttemptKey, Chunk, Extent, Gate, Line, LogAppend, LogAppended, Store, StoreError},
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
    pub(crate) secrets: Secrets,
    pub(crate) provings: Provings,
}

impl Backing {
    async fn overtaken(
        &self,
        target: &Target,
        run: RunId,
    ) -> Result<Option<Overtaken>, StoreError> {
        let Some(ours) = self.store.gate(run).await? else { return Ok(None) };
        let (began, ours) = (ours.summary.started_at, maker(&ours));
        let revisions = self.store.revisions(target).await?;
        for revision in overtaking(&revisions, (run, began)) {
            let by = self.store.gate(revision.run).await?.as_ref().map(maker);
            if let Some(by) = by.filter(|by| by.is_later_than(&ours)) {
                return Ok(Some(Overtaken { revision: revision.number, by }));
            }
        }
        Ok(None)
    }
}

fn maker(gate: &Gate) -> Maker {
    Maker { pipeline: gate.summary.pipeline.clone(), number: gate.summary.number }
}

/// One call's view of it.
pub(crate) struct CallServices {
    pub(crate) backing: Backing,
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Whose log lines go to.
    pub(crate) key: AttemptKey,
    pub(crate) user: SecretUser,
    pub(crate) caller: Caller,
    /// Where in which plan the call's stage stands.
    pub(crate) standing: (Arc<Plan>, NodeIndex),
}

/// On whose behalf a call uses secrets.
#[derive(Clone)]
pub(crate) struct SecretUser {
    pub(crate) application: String,
    pub(crate) environment: Option<String>,
}

impl SecretUser {
    pub(crate) fn wants(&self, name: &str) -> Wanted {
        let SecretUser { application, environment } = self.clone();
        Wanted { name: name.to_owned(), application, environment }
    }
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
        let Backing { store, guard, secrets, .. } = &self.backing;
        Box::pin(async move {
            let masked = secrets.mask.clone().lines(log.lines).await?;
            let lines = masked.into_iter().map(Line::bounded).collect();
            let chunk = Chunk { seq: log.chunk, lines };
            let append = LogAppend { key: self.key.clone(), chunk, cursor: log.cursor };
            store.append_stage_log(guard.epoch, append).await.map_err(unavailable)
        })
    }

    fn evaluate(&self, evaluation: Evaluation) -> BoxFuture<'_, Evaluated> {
        self.evaluator.evaluate(evaluation)
    }

    fn revisions(&self, target: &Target) -> BoxFuture<'_, Result<Vec<Revision>, ServiceError>> {
        let target = target.clone();
        Box::pin(async move { self.backing.store.revisions(&target).await.map_err(unavailable) })
    }

    fn targets(&self, environment: &str) -> BoxFuture<'_, Result<Vec<Target>, ServiceError>> {
        let (application, environment) = (&self.user.application, environment.to_owned());
        Box::pin(async move {
            let mut targets = self.backing.store.targets().await.map_err(unavailable)?;
            targets.retain(|it| it.application == *application && it.environment == environment);
            Ok(targets)
        })
    }

    fn proving(&self, environment: &str) -> ObjectKey {
        self.backing.provings.key(&self.user.application, environment)
    }

    fn origin(&self, run: RunId) -> BoxFuture<'_, Result<Option<Origin>, ServiceError>> {
        Box::pin(async move {
            let store = &self.backing.store;
            let Some(gate) = store.gate(run).await.map_err(unavailable)? else { return Ok(None) };
            let stored = store.plan(&gate.summary.plan).await.map_err(unavailable)?;
            let plan = stored.and_then(|stored| Plan::restore(&stored).ok());
            Ok(plan.and_then(|plan| plan.document().origin.clone()))
        })
    }

    fn overtaken(&self, target: &Target) -> BoxFuture<'_, Result<Option<Overtaken>, ServiceError>> {
        let target = target.clone();
        Box::pin(
            async move { self.backing.overtaken(&target, self.key.run).await.map_err(unavailable) },
        )
    }

    fn environments(&self) -> Vec<String> {
        let (plan, node) = &self.standing;
        plan.environments_downstream(*node).into_iter().collect()
    }

    fn secret(&self, name: &str) -> BoxFuture<'_, Result<Secret, SecretError>> {
        let (wanted, secrets) = (self.user.wants(name), self.backing.secrets.clone());
        Box::pin(async move {
            let name = wanted.name.clone();
            let found = tokio::task::spawn_blocking(move || secrets.find(&wanted)).await;
            found.unwrap_or_else(|error| {
                let why = error.to_string();
                Err(SecretError::Unreadable { name, why })
            })
        })
    }

    fn start_child(&self, request: ChildRequest) -> BoxFuture<'_, Result<Child, ChildError>> {
        Box::pin(self.caller.start((&self.backing, self), request))
    }

    fn started_child(&self) -> BoxFuture<'_, Result<Option<RunId>, ChildError>> {
        let key = self.caller.key();
        Box::pin(
            async move { self.backing.store.started(&key).await.map_err(children::unavailable) },
        )
    }

    fn child(&self, run: RunId) -> BoxFuture<'_, Result<Child, ChildError>> {
        Box::pin(children::child(&self.backing, run))
    }

    fn cancel_child(&self, run: RunId) -> BoxFuture<'_, Result<Child, ChildError>> {
        Box::pin(self.caller.cancel(&self.backing, run))
    }

    fn masked(&self, text: &str) -> String {
        self.backing.secrets.mask.text(text)
    }
}

fn unavailable(error: StoreError) -> ServiceError {
    ServiceError::Unavailable(error.to_string())
}
