//! The task that owns the writing connection: it gathers what is asked of it into transactions, and
//! answers when they are durable. A caller that goes away leaves nothing half-done.

use super::{
    failure::{Aftermath, Failure},
    session::{Afterwards, Session, Turn},
};
use engine_core::{BoxFuture, id::Position, store::StoreError};
use std::{mem, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

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

type Jobs = Vec<Box<dyn AnyJob>>;

/// The door to the task.
#[derive(Clone)]
pub(super) struct Writer {
    urgent: mpsc::Sender<Box<dyn AnyJob>>,
    patient: mpsc::Sender<Box<dyn AnyJob>>,
}

/// Who stands at the door.
struct Line {
    urgent: mpsc::Receiver<Box<dyn AnyJob>>,
    patient: mpsc::Receiver<Box<dyn AnyJob>>,
    held: Jobs,
    /// When those are written, whatever else is.
    due: Option<Instant>,
}

/// Units in one transaction, at most; and units that may stand in line.
const GROUP: usize = 128;
/// How long a unit stands back for which nobody's work waits.
const PATIENCE: Duration = Duration::from_millis(5);

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
        let ((urgent, first), (patient, second)) = (mpsc::channel(GROUP), mpsc::channel(GROUP));
        let line = Line { urgent: first, patient: second, held: Vec::new(), due: None };
        tokio::spawn(serve(workshop, line));
        Writer { urgent, patient }
    }

    pub(super) async fn ask<W: Work>(&self, work: W) -> Result<W::Answer, StoreError> {
        hand_in(&self.urgent, work).await
    }

    /// The same for what no run waits for: others go before it, but not for long.
    pub(super) async fn ask_in_time<W: Work>(&self, work: W) -> Result<W::Answer, StoreError> {
        hand_in(&self.patient, work).await
    }
}

async fn hand_in<W: Work>(
    jobs: &mpsc::Sender<Box<dyn AnyJob>>,
    work: W,
) -> Result<W::Answer, StoreError> {
    let (caller, answer) = oneshot::channel();
    let job = Box::new(Job { work, done: None, caller });
    let closed = || StoreError::Unavailable("the store is closed".to_owned());
    jobs.send(job).await.map_err(|_| closed())?;
    let ended = || StoreError::Unknown("the writing task has ended".to_owned());
    answer.await.map_err(|_| ended())?
}

impl Line {
    /// The units of the next transaction; none when nobody will ask for any more.
    async fn next(&mut self, jobs: &mut Jobs) -> usize {
        loop {
            self.hold();
            let due = self.due;
            tokio::select! {
                biased;
                () = until(due) => {
                    while jobs.len() < GROUP && let Ok(job) = self.urgent.try_recv() {
                        jobs.push(job);
                    }
                    return self.take_held(jobs);
                }
                urgent = self.urgent.recv_many(jobs, GROUP) => match urgent {
                    0 => return self.take_rest(jobs),
                    some => return some,
                },
                Some(job) = self.patient.recv(), if self.held.len() < GROUP => self.held.push(job),
            }
        }
    }

    /// However many go before them: who stands back has a moment of its own.
    fn hold(&mut self) {
        while self.held.len() < GROUP
            && let Ok(job) = self.patient.try_recv()
        {
            self.held.push(job);
        }
        if !self.held.is_empty() {
            self.due.get_or_insert_with(|| Instant::now() + PATIENCE);
        }
    }

    fn take_held(&mut self, jobs: &mut Jobs) -> usize {
        self.due = None;
        jobs.append(&mut self.held);
        jobs.len()
    }

    /// Both doors close together: whoever came by the second before is there.
    fn take_rest(&mut self, jobs: &mut Jobs) -> usize {
        self.hold();
        self.take_held(jobs)
    }

    fn close(&mut self) {
        self.urgent.close();
        self.patient.close();
    }
}

/// Never, if at no time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn serve(mut workshop: Workshop, mut line: Line) {
    let mut jobs = Vec::new();
    while line.next(&mut jobs).await > 0 {
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
async fn refuse_all(mut line: Line, mut jobs: Jobs, error: &StoreError) {
    loop {
        jobs.drain(..).for_each(|job| job.answer(Err(error.clone())));
        if line.next(&mut jobs).await == 0 {
            return;
        }
    }
}

impl Workshop {
    /// One transaction for all; if something in it fails, one for each, so that no unit fails
    /// because of another.
    async fn together(&mut self, jobs: &mut Jobs) -> Trust {
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

    async fn one_by_one(&mut self, jobs: &mut Jobs) -> Trust {
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
