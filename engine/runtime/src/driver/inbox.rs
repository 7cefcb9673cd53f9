//! What a driver waits for: answers, rows, timers, objects, and the word to leave.

use super::{Driver, Gathered, Mail, Rows};
use crate::objects::Objects;
use engine_core::{
    BoxFuture, Execution,
    clock::{Clock, Moment},
    event::Input,
    plan::NodeIndex,
    stage::ObjectKey,
    store::{StoreError, Wakes},
};
use futures::{
    FutureExt,
    future::{AbortHandle, Abortable},
    stream::{FuturesUnordered, StreamExt},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc;

/// A run that nothing happens to for this long gives its memory back.
const PARK_AFTER: Duration = Duration::from_secs(5);
/// Inputs that could not be read are asked for again after this time.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// The most inputs that one append decides.
const ROUND: usize = 64;

pub(super) struct Inbox {
    mail: mpsc::UnboundedReceiver<Mail>,
    rows_wait: bool,
    leaving: bool,
    watches: Watches,
}

/// The objects that waiting stages named.
#[derive(Default)]
struct Watches {
    changes: FuturesUnordered<BoxFuture<'static, Option<NodeIndex>>>,
    watched: BTreeMap<NodeIndex, (Vec<ObjectKey>, AbortHandle)>,
}

enum Happened {
    Answer(Input),
    Mail(Option<Mail>),
    Changed(NodeIndex),
    Timer,
    Retry,
    /// The run is to be driven by itself now.
    Turn,
    Quiet,
}

impl Inbox {
    pub(super) fn new(mail: mpsc::UnboundedReceiver<Mail>) -> Inbox {
        Inbox { mail, rows_wait: true, leaving: false, watches: Watches::default() }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    pub(super) fn remember_inputs(&mut self) {
        self.rows_wait = true;
    }

    fn open(&mut self, mail: Mail) {
        match mail {
            Mail::Inputs => self.rows_wait = true,
            Mail::Leave => self.leaving = true,
        }
    }

    fn open_all(&mut self) {
        while let Ok(mail) = self.mail.try_recv() {
            self.open(mail);
        }
    }

    pub(super) fn close(&mut self) -> Rows {
        self.mail.close();
        self.open_all();
        if self.rows_wait { Rows::Waiting } else { Rows::None }
    }
}

impl Watches {
    /// Brings the watches in line with what the waiting stages named last.
    fn follow(&mut self, execution: &Execution, objects: &dyn Objects) {
        let wanted = execution.watched();
        self.watched.retain(|node, (keys, handle)| {
            let is_wanted = wanted.get(node).is_some_and(|wanted| *wanted == keys.as_slice());
            if !is_wanted {
                handle.abort();
            }
            is_wanted
        });
        for (node, keys) in wanted {
            if !self.watched.contains_key(&node) {
                let (handle, registration) = AbortHandle::new_pair();
                let watch = Abortable::new(objects.changed(keys.to_vec()), registration);
                self.changes.push(watch.map(move |answer| answer.ok().map(|()| node)).boxed());
                self.watched.insert(node, (keys.to_vec(), handle));
            }
        }
    }

    /// The next object change that somebody still waits for.
    async fn change(&mut self) -> NodeIndex {
        loop {
            match self.changes.next().await {
                Some(Some(node)) => {
                    self.watched.remove(&node);
                    return node;
                }
                Some(None) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl Driver {
    /// Waits for something to happen, and takes along what has happened meanwhile.
    pub(super) async fn gather(&mut self) -> Result<Gathered, StoreError> {
        let mut inputs = Vec::new();
        loop {
            self.take_ready(&mut inputs).await?;
            if !inputs.is_empty() {
                return Ok(Gathered::Inputs(inputs));
            }
            if self.inbox.leaving && self.calls.is_empty() {
                return Ok(Gathered::Idle);
            }
            if self.execution.has_come_back() {
                return Ok(Gathered::Inputs(vec![Input::Tick]));
            }
            match self.happened().await {
                Happened::Answer(answer) => inputs.push(answer),
                Happened::Changed(node) => inputs.push(Input::ObjectsChanged { node }),
                Happened::Timer => inputs.push(Input::Tick),
                Happened::Turn => inputs.push(Input::Turn),
                Happened::Mail(Some(mail)) => self.inbox.open(mail),
                Happened::Mail(None) => self.inbox.leaving = true,
                Happened::Retry => {}
                Happened::Quiet => return Ok(Gathered::Idle),
            }
        }
    }

    /// What the first step of a run came to is recorded before anybody is asked what else was said.
    fn has_first_answer(&self, inputs: &[Input]) -> bool {
        self.next <= 1 && !inputs.is_empty()
    }

    /// Takes what is there without waiting.
    async fn take_ready(&mut self, inputs: &mut Vec<Input>) -> Result<(), StoreError> {
        while inputs.len() < ROUND
            && let Some(answer) = self.calls.next().now_or_never()
        {
            inputs.push(answer);
        }
        self.inbox.open_all();
        if self.inbox.rows_wait && !self.has_first_answer(inputs) {
            let store = self.shop.backing.store.clone();
            let mut rows = store.inputs(self.run);
            // Steps go on meanwhile.
            let rows = loop {
                tokio::select! {
                    biased;
                    rows = &mut rows => break rows,
                    answer = self.calls.next() => inputs.push(answer),
                }
                if self.has_first_answer(inputs) {
                    return Ok(());
                }
            };
            match rows {
                Ok(rows) => {
                    self.inbox.rows_wait = false;
                    inputs.extend(rows.into_iter().map(Input::Row));
                }
                Err(StoreError::Unavailable(reason) | StoreError::Unknown(reason)) => {
                    tracing::warn!(run = %self.run, %reason, "inputs cannot be read; trying again");
                }
                Err(error @ (StoreError::LeaseLost { .. } | StoreError::Damaged(_))) => {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn happened(&mut self) -> Happened {
        self.inbox.watches.follow(&self.execution, &*self.shop.objects);
        let clock = self.shop.backing.clock.clone();
        let timers = self.execution.next_timer();
        let is_quiet = self.calls.is_empty()
            && self.inbox.watches.watched.is_empty()
            && !self.turn.is_awaited();
        tokio::select! {
            biased;
            answer = self.calls.next() => Happened::Answer(answer),
            mail = self.inbox.mail.recv() => Happened::Mail(mail),
            () = sleep(&*clock, timers) => Happened::Timer,
            () = self.turn.come() => Happened::Turn,
            node = self.inbox.watches.change() => Happened::Changed(node),
            () = after(&*clock, self.inbox.rows_wait.then_some(READ_AGAIN)) => Happened::Retry,
            () = after(&*clock, is_quiet.then_some(PARK_AFTER)) => Happened::Quiet,
        }
    }
}

async fn after(clock: &dyn Clock, pause: Option<Duration>) {
    until(clock, pause.map(|pause| Moment::Elapsed(clock.now().elapsed.plus(pause)))).await
}

async fn sleep(clock: &dyn Clock, wakes: Wakes) {
    let elapsed = until(clock, wakes.elapsed.map(Moment::Elapsed));
    let civil = until(clock, wakes.civil.map(Moment::Civil));
    tokio::select! {
        () = elapsed => {}
        () = civil => {}
    }
}

async fn until(clock: &dyn Clock, at: Option<Moment>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
