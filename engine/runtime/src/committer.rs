//! Gathers the appends of all runs into group commits; every item gets its own answer.

use crate::guard::Guard;
use engine_core::{
    clock::{Clock, Moment},
    id::{Position, RunId},
    store::{Append, Appended, Entry, Store, StoreError},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// The most appends in one transaction: enough to share a sync, few enough to keep it short.
const BATCH: usize = 256;
/// Appends that wait for a place in the next batch.
const QUEUE: usize = 4096;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One way to the store for everything that is appended.
#[derive(Clone)]
pub(crate) struct Committer {
    sender: mpsc::Sender<Job>,
}

struct Job {
    append: Append,
    answer: oneshot::Sender<Result<Appended, StoreError>>,
}

/// The half that writes; it ends when every [`Committer`] is gone or the lease is lost.
pub(crate) struct Writer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) guard: Arc<Guard>,
    receiver: mpsc::Receiver<Job>,
}

impl Committer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        guard: Arc<Guard>,
    ) -> (Committer, Writer) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Committer { sender }, Writer { store, clock, guard, receiver })
    }

    /// Answers when the append is durable, or surely never will be.
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the engine is leaving".to_owned());
        self.sender.send(Job { append, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Writer {
    pub(crate) async fn run(mut self) -> Result<(), StoreError> {
        let mut jobs = Vec::with_capacity(BATCH);
        while self.receiver.recv_many(&mut jobs, BATCH).await > 0 {
            self.commit(&mut jobs).await?;
        }
        Ok(())
    }

    /// Writes one batch, however often it takes; an error ends the engine.
    async fn commit(&self, jobs: &mut Vec<Job>) -> Result<(), StoreError> {
        let mut pause = FIRST_PAUSE;
        while !jobs.is_empty() {
            let items = jobs.iter().map(|job| job.append.clone()).collect();
            match self.store.append(self.guard.epoch, items).await {
                Ok(answers) => {
                    for (job, answer) in jobs.drain(..).zip(answers) {
                        reply(job, Ok(answer));
                    }
                }
                Err(StoreError::Unavailable(reason)) => {
                    tracing::warn!(%reason, "nothing was written; trying again");
                    self.rest(&mut pause).await;
                }
                Err(StoreError::Unknown(reason)) => {
                    tracing::warn!(%reason, "reading back what was written");
                    self.rest(&mut pause).await;
                    self.settle(jobs).await;
                }
                Err(error @ (StoreError::LeaseLost { .. } | StoreError::Damaged(_))) => {
                    jobs.drain(..).for_each(|job| reply(job, Err(error.clone())));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn rest(&self, pause: &mut Duration) {
        let until = self.clock.now().elapsed.plus(*pause);
        self.clock.sleep_until(Moment::Elapsed(until)).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
    }

    /// After an unknown outcome: answers the appends that are found written. The rest was surely
    /// not written, as this is the only writer of its epoch, and goes into the next try.
    async fn settle(&self, jobs: &mut Vec<Job>) {
        let mut open = Vec::new();
        for job in jobs.drain(..) {
            match self.found(&job.append).await {
                Ok(Some((position, entry))) => {
                    let woken = self.store.runs_with_inputs().await.unwrap_or_default();
                    reply(job, Ok(Appended::Written { position, woken, entry }));
                }
                Ok(None) | Err(_) => open.push(job),
            }
        }
        *jobs = open;
    }

    async fn found(&self, append: &Append) -> Result<Option<(Position, Entry)>, StoreError> {
        if append.events.is_empty() {
            return Ok(None);
        }
        let rows = self.store.log(append.run, append.n).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let is_admitted = |admitted: Append| admitted.events == row.events;
        Ok(match append.of_admitted().is_some_and(is_admitted) {
            true => Some((row.position, Entry::Admitted)),
            false if row.events == append.events => Some((row.position, Entry::AsAsked)),
            false => None,
        })
    }
}

fn reply(job: Job, answer: Result<Appended, StoreError>) {
    // Whoever asked may be gone: the append stands all the same.
    drop(job.answer.send(answer));
}

/// The runs that a written append woke.
pub(crate) fn woken(answer: &Appended) -> &[RunId] {
    match answer {
        Appended::Written { woken, .. } => woken,
        Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. } => &[],
    }
}
