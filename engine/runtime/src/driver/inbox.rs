//! What a driver waits for: answers, rows, timers, objects, and the word to leave.

use super::{Driver, Gathered, Mail};
use engine_core::{
    BoxFuture,
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
/// The most inputs that one append decides.
const ROUND: usize = 64;

pub(super) struct Inbox {
    mail: mpsc::UnboundedReceiver<Mail>,
    rows_wait: bool,
    leaving: bool,
    watches: FuturesUnordered<BoxFuture<'static, Option<NodeIndex>>>,
    watched: BTreeMap<NodeIndex, (Vec<ObjectKey>, AbortHandle)>,
}

enum Happened {
    Answer(Input),
    Mail(Option<Mail>),
    Changed(NodeIndex),
    Timer,
    Quiet,
}

impl Inbox {
    pub(super) fn new(mail: mpsc::UnboundedReceiver<Mail>) -> Inbox {
        Inbox {
            mail,
            rows_wait: true,
            leaving: false,
            watches: FuturesUnordered::new(),
            watched: BTreeMap::new(),
        }
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

    /// The next object change that somebody still waits for.
    async fn change(&mut self) -> NodeIndex {
        loop {
            match self.watches.next().await {
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
            match self.happened().await {
                Happened::Answer(answer) => inputs.push(answer),
                Happened::Changed(node) => inputs.push(Input::ObjectsChanged { node }),
                Happened::Timer => inputs.push(Input::Tick),
                Happened::Mail(Some(mail)) => self.inbox.open(mail),
                Happened::Mail(None) => self.inbox.leaving = true,
                Happened::Quiet => {
                    if self.may_park() {
                        return Ok(Gathered::Idle);
                    }
                }
            }
        }
    }

    /// Takes what is there without waiting.
    async fn take_ready(&mut self, inputs: &mut Vec<Input>) -> Result<(), StoreError> {
        while inputs.len() < ROUND
            && let Some(answer) = self.calls.next().now_or_never()
        {
            inputs.push(answer);
        }
        self.inbox.open_all();
        if self.inbox.rows_wait {
            let rows = self.shop.backing.store.inputs(self.run).await?;
            self.inbox.rows_wait = false;
            inputs.extend(rows.into_iter().map(Input::Row));
        }
        Ok(())
    }

    async fn happened(&mut self) -> Happened {
        self.watch();
        let clock = self.shop.backing.clock.clone();
        let timers = self.execution.next_timer();
        let quiet = quiet(&*clock, self.calls.is_empty() && self.inbox.watched.is_empty());
        tokio::select! {
            biased;
            answer = self.calls.next() => Happened::Answer(answer),
            mail = self.inbox.mail.recv() => Happened::Mail(mail),
            () = sleep(&*clock, timers) => Happened::Timer,
            node = self.inbox.change() => Happened::Changed(node),
            () = quiet => Happened::Quiet,
        }
    }

    /// Closes the inbox; mail that came in time keeps the driver at work.
    fn may_park(&mut self) -> bool {
        self.inbox.mail.close();
        self.inbox.open_all();
        !self.inbox.rows_wait
    }

    /// Brings the watches in line with what the waiting stages named last.
    fn watch(&mut self) {
        let wanted = self.execution.watched();
        let inbox = &mut self.inbox;
        inbox.watched.retain(|node, (keys, handle)| {
            let is_wanted = wanted.get(node).is_some_and(|wanted| *wanted == keys.as_slice());
            if !is_wanted {
                handle.abort();
            }
            is_wanted
        });
        for (node, keys) in wanted {
            if inbox.watched.contains_key(&node) {
                continue;
            }
            let (handle, registration) = AbortHandle::new_pair();
            let changed = self.shop.objects.changed(keys.to_vec());
            let watch = Abortable::new(changed, registration);
            inbox.watches.push(watch.map(move |answer| answer.ok().map(|()| node)).boxed());
            inbox.watched.insert(node, (keys.to_vec(), handle));
        }
    }
}

async fn quiet(clock: &dyn Clock, applies: bool) {
    if applies {
        let until = clock.now().elapsed.plus(PARK_AFTER);
        clock.sleep_until(Moment::Elapsed(until)).await;
    } else {
        std::future::pending().await
    }
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
