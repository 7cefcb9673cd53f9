//! Drives one run: the only loop that performs effects.

mod calls;
mod inbox;
mod masking;
mod turn;
mod world;

use crate::{
    children::{Children, Door},
    committer::{Committer, woken},
    evaluator::Evaluator,
    objects::Objects,
    provings::Provings,
    seal::Sealer,
    services::Backing,
    teller::Teller,
};
pub use calls::Stepped;

use calls::Calls;
use engine_core::{
    Execution, Registry,
    clock::Now,
    event::{Event, Input},
    id::{InputId, RunId},
    latest::Latest,
    platform::Platform,
    stage::{AnyStage, Record, Step},
    store::{Append, Appended, Beginning, Blob, Detail, StoreError, Wakes},
};
use inbox::Inbox;
pub(crate) use masking::Masking;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use turn::Turn;

/// What every driver of an engine shares.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) backing: Backing,
    pub(crate) committer: Committer,
    pub(crate) stages: Arc<Registry<dyn AnyStage>>,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) evaluator: Arc<dyn Evaluator>,
    pub(crate) teller: Teller,
    pub(crate) witness: Arc<dyn Witness>,
    /// Told of the runs that an append woke.
    pub(crate) woken: mpsc::UnboundedSender<Vec<RunId>>,
    pub(crate) children: Arc<dyn Children>,
    /// By which rules are judged: the one that is there when a stage is about to act.
    pub(crate) platform: Latest<Platform>,
    /// To what begins the runs that stages start.
    pub(crate) door: Door,
    /// One of the runs with which the engine died is driven at a time.
    pub(crate) turns: Arc<Semaphore>,
    /// Whoever counts steps hears of each.
    pub(crate) steps: tokio::sync::broadcast::Sender<Stepped>,
}

/// Sees every run right after each append, and changes nothing. Simulations check with it that a
/// run equals the replay of its log.
pub trait Witness: Send + Sync + 'static {
    fn appended(&self, execution: &Execution);
}

/// Sees nothing.
pub struct NoWitness;

impl Witness for NoWitness {
    fn appended(&self, _execution: &Execution) {}
}

/// A message to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mail {
    /// Rows wait in the run's inputs.
    Inputs,
    /// Begin nothing new, and park when the calls under way have come back.
    Leave,
}

/// Why a driver came to its end.
#[derive(Debug)]
pub(crate) enum Outcome {
    Ended,
    /// No call is under way, and nothing is due before these moments, unless rows came in just
    /// then.
    Parked {
        wakes: Wakes,
        rows: Rows,
    },
    /// The run is not this engine's, or not where it was left.
    Lost,
    Fatal(StoreError),
}

/// Whether inputs wait for a run that parks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    None,
    Waiting,
}

pub(crate) struct Driver {
    shop: Shop,
    run: RunId,
    execution: Execution,
    /// The number of the next log row.
    next: u64,
    /// How often the engine died since the run's last append.
    unclean_ends: u32,
    calls: Calls,
    inbox: Inbox,
    turn: Turn,
}

/// What a driver goes on: the run, and where its log ends.
pub(crate) struct Position {
    pub(crate) execution: Execution,
    pub(crate) next: u64,
    /// Unclean ends of the engine that met the run since then.
    pub(crate) unclean_ends: u32,
}

/// What one round of inputs came to.
#[derive(Default)]
struct Decided {
    events: Vec<Event>,
    rows: Vec<InputId>,
    blobs: Vec<Blob>,
}

impl Driver {
    pub(crate) fn new(
        shop: Shop,
        position: Position,
        mail: mpsc::UnboundedReceiver<Mail>,
    ) -> Driver {
        let Position { execution, next, unclean_ends } = position;
        let run = execution.recorded().id;
        let (calls, inbox, turn) = (Calls::default(), Inbox::new(mail), Turn::NotWanted);
        Driver { shop, run, execution, next, unclean_ends, calls, inbox, turn }
    }

    /// Drives the run until it ends, parks or is lost. Starting and resuming are the same call.
    pub(crate) async fn drive(mut self) -> Outcome {
        let mut inputs = vec![Input::Found { unclean_ends: self.unclean_ends }];
        loop {
            let now = self.shop.backing.clock.now();
            let decided = self.decide(inputs, now);
            match self.record(decided, now).await {
                Ok(Recorded::Yes) => {}
                Ok(Recorded::Lost) => return Outcome::Lost,
                Err(error) => return Outcome::Fatal(error),
            }
            if self.execution.recorded().status().has_ended() {
                return Outcome::Ended;
            }
            self.turn.follow(&self.execution.recorded().trial, &self.shop.turns);
            self.perform();
            inputs = match self.gather().await {
                Ok(Gathered::Inputs(inputs)) => inputs,
                Ok(Gathered::Idle) => return self.park(),
                Err(error) => return Outcome::Fatal(error),
            };
        }
    }

    /// Does what is due, unless the engine leaves.
    fn perform(&mut self) {
        if self.inbox.is_leaving() {
            return;
        }
        for command in self.execution.due() {
            self.calls.perform(&self.shop, &self.execution, command);
        }
    }

    /// Closes the inbox: later mail fails, and what came in time is told.
    fn park(mut self) -> Outcome {
        Outcome::Parked { wakes: self.execution.next_timer(), rows: self.inbox.close() }
    }

    fn decide(&mut self, inputs: Vec<Input>, now: Now) -> Decided {
        let mut decided = Decided::default();
        for input in inputs {
            if let Input::Row(row) = &input {
                decided.rows.push(row.id);
            }
            self.tell(&input, now);
            let blobs = blobs(&input, &self.shop.backing.sealer);
            match self.execution.handle(input, now) {
                Ok(events) => {
                    decided.events.extend(events);
                    decided.blobs.extend(blobs);
                }
                Err(rejected) => tracing::debug!(run = %self.run, %rejected, "input refused"),
            }
        }
        decided
    }

    /// Live text, for whoever looks.
    fn tell(&self, input: &Input, at: Now) {
        if let Input::Stepped { call, answer: Ok(Step::Wait { reason, .. }) } = input {
            let stage = self.execution.plan().node(call.node).id.clone();
            let text = reason.detail.clone();
            self.shop.teller.tell(Detail { run: self.run, stage, text, at });
        }
    }

    async fn record(&mut self, decided: Decided, now: Now) -> Result<Recorded, StoreError> {
        let Decided { events, rows, blobs } = decided;
        if events.is_empty() && rows.is_empty() {
            return Ok(Recorded::Yes);
        }
        let (advances, proven) = (u64::from(!events.is_empty()), Provings::of(&events));
        let append = Append {
            run: self.run,
            n: self.next,
            now,
            events,
            summary: self.execution.summary(),
            inputs: rows,
            blobs,
            beginning: Beginning::No,
        };
        let answer = self.shop.committer.append(append).await?;
        self.shop.backing.provings.tell(proven);
        match &answer {
            Appended::Conflict | Appended::Repeated { .. } | Appended::QueueFull { .. } => {
                return Ok(Recorded::Lost);
            }
            Appended::Written { .. } => self.next += advances,
        }
        self.shop.witness.appended(&self.execution);
        self.pass_on(&answer);
        Ok(Recorded::Yes)
    }

    /// Wakes the runs for which this append wrote inputs; this one too.
    fn pass_on(&mut self, answer: &Appended) {
        let (own, others): (Vec<RunId>, Vec<RunId>) =
            woken(answer).iter().partition(|run| **run == self.run);
        if !own.is_empty() {
            self.inbox.remember_inputs();
        }
        if !others.is_empty() {
            // The supervisor outlives its drivers, except when the engine ends anyway.
            drop(self.shop.woken.send(others));
        }
    }
}

#[derive(Debug)]
enum Gathered {
    Inputs(Vec<Input>),
    Idle,
}

enum Recorded {
    Yes,
    Lost,
}

/// The blobs that an answer brings along, sealed.
fn blobs(input: &Input, sealer: &Sealer) -> Vec<Blob> {
    let records = match input {
        Input::Stepped {
            answer: Ok(Step::Wait { records, .. } | Step::Done { records, .. }),
            ..
        } => records.as_slice(),
        Input::Stepped { answer: Err(_), .. }
        | Input::Aborted { .. }
        | Input::Evaluated { .. }
        | Input::Judged { .. }
        | Input::ObjectsChanged { .. }
        | Input::Tick
        | Input::Found { .. }
        | Input::Turn
        | Input::Row(_) => &[],
    };
    let sealed = records.iter().filter_map(|record| match record {
        Record::Blob { name, content } => {
            Some(Blob { name: name.clone(), sealed: sealer.seal(name, content) })
        }
        Record::Revision(_) | Record::Image { .. } => None,
    });
    sealed.collect()
}
