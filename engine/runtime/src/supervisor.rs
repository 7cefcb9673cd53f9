//! Which runs are driven, which are parked, and what wakes them.

mod load;
mod timers;

use crate::driver::{Driver, Mail, Outcome, Position, Rows, Shop};
use engine_core::{
    id::RunId,
    status::WaitKind,
    store::{Gate, StoreError},
};
use std::collections::BTreeMap;
use timers::Timers;
use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
};

/// The engine's handle to the task that owns every driver.
#[derive(Clone)]
pub(crate) struct Supervisor {
    orders: mpsc::UnboundedSender<Order>,
}

pub(crate) enum Order {
    /// A run that was just begun, in memory as it is in the store.
    Adopt(Box<Position>),
    /// An unfinished run that the store knows.
    Resume(Box<Gate>),
    Wake(Vec<RunId>),
    Leave,
}

/// The task itself.
pub(crate) struct Task {
    shop: Shop,
    orders: mpsc::UnboundedReceiver<Order>,
    woken: mpsc::UnboundedReceiver<Vec<RunId>>,
    runs: BTreeMap<RunId, Slot>,
    timers: Timers,
    drivers: JoinSet<Outcome>,
    names: BTreeMap<Id, RunId>,
    plans: load::Plans,
    leaving: bool,
}

enum Slot {
    Active {
        mail: mpsc::UnboundedSender<Mail>,
        /// A wake that came when the driver was closing its inbox.
        missed: bool,
    },
    Parked,
}

impl Supervisor {
    pub(crate) fn new(
        shop: Shop,
        woken: mpsc::UnboundedReceiver<Vec<RunId>>,
    ) -> (Supervisor, Task) {
        let (orders, received) = mpsc::unbounded_channel();
        let task = Task {
            shop,
            orders: received,
            woken,
            runs: BTreeMap::new(),
            timers: Timers::default(),
            drivers: JoinSet::new(),
            names: BTreeMap::new(),
            plans: load::Plans::default(),
            leaving: false,
        };
        (Supervisor { orders }, task)
    }

    pub(crate) fn order(&self, order: Order) {
        // The task ends only with the engine; who orders then learns it from the engine.
        drop(self.orders.send(order));
    }

    /// Answers when the task has come to its end.
    pub(crate) async fn ended(&self) {
        self.orders.closed().await;
    }
}

impl Task {
    /// Runs until it was told to leave and every driver is in, or until the store is lost.
    pub(crate) async fn run(mut self) -> Result<(), StoreError> {
        loop {
            if self.leaving && self.drivers.is_empty() {
                return Ok(());
            }
            let clock = self.shop.backing.clock.clone();
            tokio::select! {
                biased;
                Some(ended) = self.drivers.join_next_with_id() => self.came_in(ended)?,
                Some(order) = self.orders.recv() => self.carry_out(order),
                Some(woken) = self.woken.recv() => self.wake_all(woken),
                due = self.timers.next(&*clock) => self.wake_all(due),
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            // It is recorded, and the next engine finds it.
            Order::Adopt(_) | Order::Resume(_) if self.leaving => {}
            Order::Adopt(position) => {
                let run = position.execution.recorded().id;
                self.plans.keep(position.execution.plan(), &position.execution.recorded().plan);
                let shop = self.shop.clone();
                self.spawn(run, move |mail| Driver::new(shop, *position, mail).drive());
            }
            Order::Resume(gate) => self.resume(&gate),
            Order::Wake(runs) => self.wake_all(runs),
            Order::Leave => {
                self.leaving = true;
                for slot in self.runs.values() {
                    if let Slot::Active { mail, .. } = slot {
                        mail.send(Mail::Leave).ok();
                    }
                }
            }
        }
    }

    /// A run that only waits for a time, a target or a person sleeps on; others get a step. So does
    /// one that waits for another run: that it heard of its end is no fact of its log.
    fn resume(&mut self, gate: &Gate) {
        let run = gate.summary.run;
        match gate.summary.waiting {
            Some(
                WaitKind::Timer
                | WaitKind::Retry
                | WaitKind::Target
                | WaitKind::Approval
                | WaitKind::Hold
                | WaitKind::Paused
                | WaitKind::Concurrency
                | WaitKind::Freeze
                | WaitKind::Question,
            ) => {
                self.timers.set(run, gate.summary.wake);
                self.runs.insert(run, Slot::Parked);
            }
            Some(WaitKind::Readiness | WaitKind::Cluster | WaitKind::Child | WaitKind::Rules)
            | None => {
                self.activate(run);
            }
        }
    }

    fn wake_all(&mut self, runs: Vec<RunId>) {
        for run in runs {
            self.wake(run);
        }
    }

    fn wake(&mut self, run: RunId) {
        match self.runs.get_mut(&run) {
            Some(Slot::Active { mail, missed }) => *missed |= mail.send(Mail::Inputs).is_err(),
            Some(Slot::Parked) if !self.leaving => self.activate(run),
            Some(Slot::Parked) | None => {}
        }
    }

    fn activate(&mut self, run: RunId) {
        self.timers.clear(run);
        let (shop, plans) = (self.shop.clone(), self.plans.clone());
        self.spawn(run, move |mail| async move {
            match load::load(&shop, &plans, run).await {
                Ok(Some(position)) => Driver::new(shop, position, mail).drive().await,
                Ok(None) => Outcome::Lost,
                Err(load::LoadError::Store(error)) => load::later(&shop, error),
                Err(load::LoadError::Unreadable(reason)) => {
                    tracing::error!(%run, %reason, "a run cannot be read and is left as it is");
                    Outcome::Lost
                }
            }
        });
    }

    fn spawn<F>(&mut self, run: RunId, drive: impl FnOnce(mpsc::UnboundedReceiver<Mail>) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (mail, received) = mpsc::unbounded_channel();
        let task = self.drivers.spawn(drive(received));
        self.names.insert(task.id(), run);
        self.runs.insert(run, Slot::Active { mail, missed: false });
    }

    fn came_in(&mut self, ended: Result<(Id, Outcome), JoinError>) -> Result<(), StoreError> {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(error) => {
                tracing::error!(%error, "a driver died; its run is left for the next start");
                (error.id(), Outcome::Lost)
            }
        };
        let Some(run) = self.names.remove(&id) else { return Ok(()) };
        let slot = self.runs.remove(&run);
        match outcome {
            Outcome::Ended | Outcome::Lost => {}
            Outcome::Fatal(error) => return Err(error),
            Outcome::Parked { wakes, rows } => {
                self.timers.set(run, wakes);
                self.runs.insert(run, Slot::Parked);
                let missed = matches!(slot, Some(Slot::Active { missed: true, .. }));
                if missed || rows == Rows::Waiting {
                    self.wake(run);
                }
            }
        }
        Ok(())
    }
}
