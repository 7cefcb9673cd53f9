//! The task that owns the writing connection: it gathers what is asked of it into transactions, and
//! answers when they are durable. A caller that goes away leaves nothing half-done.

use super::{
    failure::{Aftermath, Failure},
    session::{Afterwards, Session, Turn},
};
use engine_core::{BoxFuture, id::Position, store::StoreError};
use std::mem;
use tokio::sync::{mpsc, oneshot, watch};

/// A unit that is written whole or not at all. It may be run again after a rollback.
pub(super) trait Work: Send + Sync + 'static {
    type Answer: Send + 'static;
    fn run<'a>(&'a self, session: &'a mut Session) -> BoxFuture<'a, Result<Self::Answer, Failure>>;
}

/// A unit and whoever waits for it.
struct Job<W: Work> {
    work: W,
    done: Option<W::Answer>,
    caller: oneshot::Sender<Result<W::Answer, StoreError>>,
}

trait AnyJob: Send {
    fn run<'a>(&'a mut self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

impl<W: Work> AnyJob for Job<W> {
    fn run<'a>(&'a mut self, session: &'a mut Session) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            self.done = Some(self.work.run(session).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (outcome, self.done) {
            (Ok(()), Some(done)) => Ok(done),
            (Ok(()), None) => Err(StoreError::Unavailable("it was never its turn".to_owned())),
            (Err(error), _) => Err(error),
        };
        // A caller that has gone away reads the store when it comes back.
        drop(self.caller.send(answer));
    }
}

/// The door to the task.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn AnyJob>>,
}

/// Units in one transaction, at most; and units that may stand in line.
const GROUP: usize = 128;

/// What the task is made of.
pub(super) struct Workshop {
    pub(super) session: Session,
    pub(super) head: watch::Sender<Position>,
    /// Counts transactions, for whoever keeps the log of writes short.
    pub(super) commits: watch::Sender<u64>,
}

impl Writer {
    /// Spawns the task on the runtime of the caller.
    pub(super) fn spawn(workshop: Workshop) -> Writer {
        let (jobs, line) = mpsc::channel(GROUP);
        tokio::spawn(serve(workshop, line));
        Writer { jobs }
    }

    pub(super) async fn ask<W: Work>(&self, work: W) -> Result<W::Answer, StoreError> {
        let (caller, answer) = oneshot::channel();
        let job = Box::new(Job { work, done: None, caller });
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        self.jobs.send(job).await.map_err(|_| closed())?;
        let ended = || StoreError::Unknown("the writing task has ended".to_owned());
        answer.await.map_err(|_| ended())?
    }
}

async fn serve(mut workshop: Workshop, mut line: mpsc::Receiver<Box<dyn AnyJob>>) {
    let mut jobs = Vec::new();
    while line.recv_many(&mut jobs, GROUP).await > 0 {
        if let Trust::Broken(reason) = workshop.together(&mut jobs).await {
            let reason = format!("a write failed ({reason}): end this engine and look at the disk");
            return refuse_all(line, jobs, &StoreError::Damaged(reason)).await;
        }
        match mem::replace(&mut workshop.session.afterwards, Afterwards::Nothing) {
            Afterwards::Nothing => {}
            Afterwards::CatchUp => warn(workshop.session.checkpoint(PASSIVE).await),
            Afterwards::Close => {
                line.close();
                let closed = StoreError::Unavailable("the store is closed".to_owned());
                refuse_all(line, jobs, &closed).await;
                break;
            }
        }
    }
    warn(workshop.session.checkpoint(TRUNCATE).await);
    warn(workshop.session.end().await);
}

pub(super) const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// A log that was not moved is read all the same; it is only longer than it need be.
fn warn(outcome: Result<(), Failure>) {
    if let Err(failure) = outcome {
        tracing::warn!(%failure, "the write-ahead log could not be moved");
    }
}

/// What the disk is worth after a transaction.
enum Trust {
    Kept,
    Broken(String),
}

/// After a failed write to disk nothing that is read back can be trusted to last; after the end
/// nothing is written.
async fn refuse_all(
    mut line: mpsc::Receiver<Box<dyn AnyJob>>,
    mut jobs: Vec<Box<dyn AnyJob>>,
    error: &StoreError,
) {
    loop {
        jobs.drain(..).for_each(|job| job.answer(Err(error.clone())));
        if line.recv_many(&mut jobs, GROUP).await == 0 {
            return;
        }
    }
}

impl Workshop {
    /// One transaction for all; if something in it fails, one for each, so that no unit fails
    /// because of another.
    async fn together(&mut self, jobs: &mut Vec<Box<dyn AnyJob>>) -> Trust {
        match self.transact(jobs).await {
            Ok(()) => self.settle(jobs.drain(..), &Ok(())),
            Err(failure) => match (self.aftermath(&failure).await, jobs.len()) {
                (Aftermath::Nothing, 1) => self.settle(jobs.drain(..), &Err(failure.refusal())),
                (Aftermath::Nothing, _) => return self.one_by_one(jobs).await,
                (Aftermath::Unknown, _) => return self.break_off(jobs.drain(..), &failure),
            },
        }
        Trust::Kept
    }

    async fn one_by_one(&mut self, jobs: &mut Vec<Box<dyn AnyJob>>) -> Trust {
        while !jobs.is_empty() {
            let outcome = self.transact(&mut jobs[..1]).await;
            let first = jobs.drain(..1);
            let Err(failure) = outcome else {
                self.settle(first, &Ok(()));
                continue;
            };
            match self.aftermath(&failure).await {
                Aftermath::Nothing => self.settle(first, &Err(failure.refusal())),
                Aftermath::Unknown => return self.break_off(first, &failure),
            }
        }
        Trust::Kept
    }

    async fn transact(&mut self, jobs: &mut [Box<dyn AnyJob>]) -> Result<(), Failure> {
        self.session.head = None;
        let mut left = jobs.len();
        for job in jobs {
            left -= 1;
            self.session.turn = if left == 0 { Turn::Last } else { Turn::MoreFollow };
            job.run(&mut self.session).await?;
        }
        self.session.commit().await
    }

    async fn aftermath(&mut self, failure: &Failure) -> Aftermath {
        match (failure.aftermath(), self.session.roll_back().await) {
            (Aftermath::Nothing, Ok(())) => Aftermath::Nothing,
            (Aftermath::Nothing | Aftermath::Unknown, _) => Aftermath::Unknown,
        }
    }

    fn settle(
        &self,
        jobs: impl Iterator<Item = Box<dyn AnyJob>>,
        outcome: &Result<(), StoreError>,
    ) {
        if let (Ok(()), Some(head)) = (outcome, self.session.head) {
            self.head.send_replace(head);
        }
        self.commits.send_modify(|commits| *commits += 1);
        for job in jobs {
            job.answer(outcome.clone());
        }
    }

    fn break_off(&self, jobs: impl Iterator<Item = Box<dyn AnyJob>>, failure: &Failure) -> Trust {
        let reason = format!("{failure}");
        for job in jobs {
            job.answer(Err(StoreError::Unknown(reason.clone())));
        }
        Trust::Broken(reason)
    }
}
