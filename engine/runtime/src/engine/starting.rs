//! Beginning runs: for whoever asks the engine, and for stages that start others.

use super::{Ids, NewRun, StartError, Started};
use crate::{
    driver::{Position, Shop},
    supervisor::{Order, Supervisor},
};
use engine_core::{
    BoxFuture, Execution, Plan, Start,
    admission::Limits,
    clock::Moment,
    event::{Actor, Message, Parent},
    id::{BlobName, PlanHash, RunId},
    latest::Latest,
    platform::{Leave, Platform, Right},
    store::{Admitted, Append, Appended, Beginning, Blob, Entry, Request, StoreError},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct Starting {
    pub(crate) shop: Shop,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) supervisor: Supervisor,
    pub(crate) platform: Latest<Platform>,
}

/// A run to begin, as it is stored.
#[derive(Clone)]
pub(crate) struct Written {
    pub(crate) new: NewRun,
    hash: PlanHash,
    stored_plan: String,
    blobs: Vec<Blob>,
}

/// What a run begins with: as one that waits for its place, and as one that has it at once.
pub(crate) struct First {
    pub(crate) append: Append,
    execution: Execution,
    admitted: Option<Execution>,
}

impl Starting {
    /// Begins a run: durable when this answers.
    pub(crate) async fn start(&self, new: NewRun) -> Result<Started, StartError> {
        if self.is_leaving() {
            return Err(StartError::Leaving);
        }
        let (document, backing) = (new.plan.document(), &self.shop.backing);
        let number = backing.store.number(&document.application, &document.pipeline).await?;
        let application = document.application.clone();
        let first = self.first(self.written(new)?, number);
        let run = first.append.run;
        match self.shop.committer.append(first.append.clone()).await? {
            Appended::Conflict => Err(StartError::IdTaken),
            Appended::Repeated { run } => Ok(Started::Before { run }),
            Appended::QueueFull { most } => Err(StartError::QueueFull { application, most }),
            Appended::Written { woken, entry, .. } => {
                self.begun(first, (entry, woken));
                Ok(Started::New { run, number })
            }
        }
    }

    /// Goes on with a run of which nobody can say whether it has begun, if it has.
    pub(crate) async fn look_for(&self, run: RunId) {
        let clock = &self.shop.backing.clock;
        while !self.is_leaving() {
            match self.found(run).await {
                Ok(()) => return,
                Err(StoreError::Unavailable(reason) | StoreError::Unknown(reason)) => {
                    tracing::warn!(%run, reason, "a run cannot be read; trying again");
                }
                Err(StoreError::LeaseLost { .. } | StoreError::Damaged(_)) => return,
            }
            clock.sleep_until(Moment::Elapsed(clock.now().elapsed.plus(LOOK_AGAIN))).await;
        }
    }

    async fn found(&self, run: RunId) -> Result<(), StoreError> {
        let store = &self.shop.backing.store;
        if let Some(gate) = store.gate(run).await? {
            let woken = store.runs_with_inputs().await?;
            self.supervisor.order(Order::Resume(Box::new(gate)));
            self.supervisor.order(Order::Wake(woken));
        }
        Ok(())
    }

    /// Draws the number of a run.
    pub(crate) fn number(
        &self,
        application: &str,
        pipeline: &str,
    ) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.shop.backing.store.number(application, pipeline)
    }

    /// Whether nothing more begins.
    pub(crate) fn is_leaving(&self) -> bool {
        self.shop.backing.leaving.load(Ordering::Acquire)
    }

    /// Ends a run of which nothing has begun. Said once: whether anything has is decided by the run, and
    /// stays so.
    pub(crate) async fn withdraw(&self, run: RunId, because: String) -> Result<(), StoreError> {
        let backing = &self.shop.backing;
        let (key, message) = (format!("withdrawn/{run}"), Message::Withdrawn { because });
        let request = Request { run, key, message, at: backing.clock.now() };
        backing.store.submit(request).await?;
        self.supervisor.order(Order::Wake(vec![run]));
        Ok(())
    }

    /// The same for a run that a stage starts: in the name of whoever started its parent, who must
    /// hold the right to in whatever this one names.
    pub(crate) async fn start_child(&self, new: NewRun) -> Result<Started, StartError> {
        self.may_run(&new.actor, &new.plan).map_err(StartError::NotAllowed)?;
        self.start(new).await
    }

    /// Whether somebody may start runs of a plan and say what is to become of them.
    pub(crate) fn may_run(&self, actor: &Actor, plan: &Plan) -> Result<(), String> {
        let document = plan.document();
        let environments: Vec<String> = document.environments.keys().cloned().collect();
        let (who, what) =
            ((actor.name.as_str(), Right::Run), (document.application.as_str(), &*environments));
        match self.platform.now().right(who, what) {
            Leave::Granted => Ok(()),
            Leave::Refused => Err(Platform::lacks(who, what)),
        }
    }

    /// What of a run takes work to write, before it has a number.
    pub(crate) fn written(&self, mut new: NewRun) -> Result<Written, StartError> {
        let (hash, stored_plan) = new.plan.store()?;
        let blobs = self.sealed(std::mem::take(&mut new.files));
        Ok(Written { new, hash, stored_plan, blobs })
    }

    /// A new run, and the append that makes it so.
    pub(crate) fn first(&self, written: Written, number: u64) -> First {
        let Written { new, hash, stored_plan, blobs } = written;
        let (now, files) = (self.shop.backing.clock.now(), new.plan.document().files());
        let limits = self.limits(new.parent.as_ref());
        let start = Start {
            id: self.ids.draw(now),
            number,
            plan: hash.clone(),
            trigger: new.trigger,
            actor: new.actor,
            ancestry: new.ancestry,
            parent: new.parent,
            offers: new.offers,
        };
        let run = start.id;
        let (execution, events) = Execution::start_within((new.plan, limits.running), start, now);
        let (admitted, at_once) = match execution.admitted(now) {
            Some((admitted, events)) => {
                let at_once = Admitted { events, summary: admitted.summary() };
                (Some(admitted), Some(Box::new(at_once)))
            }
            None => (None, None),
        };
        let append = Append {
            run,
            n: 0,
            now,
            events,
            summary: execution.summary(),
            inputs: Vec::new(),
            blobs,
            beginning: Beginning::Run {
                plan: hash,
                stored_plan,
                files,
                key: new.key,
                queue: limits.queued,
                admitted: at_once,
            },
        };
        First { append, execution, admitted }
    }

    /// A run that is waited for shares the place of who waits.
    fn limits(&self, parent: Option<&Parent>) -> Limits {
        match parent {
            Some(parent) if !parent.family.is_empty() => Limits::default(),
            Some(_) | None => self.platform.now().limits(),
        }
    }

    /// Drives a run that is written, and wakes those who make way for it.
    pub(crate) fn begun(&self, first: First, (entry, woken): (Entry, Vec<RunId>)) {
        let First { execution, admitted, .. } = first;
        let execution = match entry {
            Entry::AsAsked => execution,
            Entry::Admitted => admitted.unwrap_or(execution),
        };
        self.shop.witness.appended(&execution);
        let position = Position { execution, next: 1, unclean_ends: 0 };
        self.supervisor.order(Order::Adopt(Box::new(position)));
        self.supervisor.order(Order::Wake(woken));
    }

    fn sealed(&self, files: Vec<(BlobName, Arc<[u8]>)>) -> Vec<Blob> {
        let sealer = &self.shop.backing.sealer;
        let seal = |(name, content): (BlobName, Arc<[u8]>)| {
            let sealed = sealer.seal(&name, &content);
            Blob { name, sealed }
        };
        files.into_iter().map(seal).collect()
    }
}
