//! Reads one container's log in the background, into a small buffer that its reader empties.

use super::{
    Cursor, End, LogLine, Printing, Source,
    lines::{Lines, Stamped},
};
use crate::watch::Shared;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Client,
    api::{Api, LogParams},
};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Nothing more is read while this much waits for the reader, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;
/// A log that nobody asks for, or waits for, is given up after this time.
const IDLE: Duration = Duration::from_secs(5 * 60);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(10);
/// The reader is told of new lines this often at most.
const TELL_EVERY: Duration = Duration::from_millis(250);

pub(crate) struct Follower {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
    /// There is room again, or the container has ended.
    nudge: Notify,
}

struct State {
    /// The place before the first line in the buffer.
    base: Cursor,
    /// Each line with the place behind it.
    buffer: VecDeque<(LogLine, Cursor)>,
    bytes: usize,
    printing: Printing,
    end: End,
    is_alive: bool,
    asked_at: Instant,
}

/// What a reader finds.
pub(crate) enum Taken {
    Lines {
        lines: Vec<LogLine>,
        cursor: Cursor,
        end: End,
    },
    /// The place is none of this follower's: begin anew there.
    Elsewhere,
}

impl Follower {
    pub(crate) fn start(
        client: &Client,
        (source, from): (&Source, Cursor),
        shared: &Arc<Shared>,
    ) -> Arc<Follower> {
        let state = State {
            base: from,
            buffer: VecDeque::new(),
            bytes: 0,
            printing: Printing::Runs,
            end: End::Open,
            is_alive: true,
            asked_at: Instant::now(),
        };
        let changes = watch::Sender::new(0);
        let follower = Follower { state: Mutex::new(state), changes, nudge: Notify::new() };
        let follower = Arc::new(follower);
        let keeper = Keeper {
            pods: Api::namespaced(client.clone(), &source.namespace),
            source: source.clone(),
            follower: follower.clone(),
            shared: Arc::downgrade(shared),
        };
        tokio::spawn(keeper.keep());
        follower
    }

    /// Forgets what came up to `from`, and hands out what comes after.
    pub(crate) fn take(&self, from: &Cursor, printing: Printing) -> Taken {
        let mut state = self.state();
        if !state.is_alive || !state.go_to(from) {
            return Taken::Elsewhere;
        }
        state.asked_at = Instant::now();
        if printing == Printing::Ended {
            state.printing = printing;
        }
        self.nudge.notify_one();
        let lines = state.buffer.iter().map(|(line, _)| line.clone()).collect();
        Taken::Lines { lines, cursor: state.place(), end: state.end.clone() }
    }

    pub(crate) fn changed(&self, position: u64) -> impl Future<Output = ()> + Send + 'static {
        let mut changes = self.changes.subscribe();
        async move { drop(changes.wait_for(|newest| *newest > position).await) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops the lines up to a place, if it is one of the buffer.
    fn go_to(&mut self, place: &Cursor) -> bool {
        if *place == self.base {
            return true;
        }
        let Some(index) = self.buffer.iter().position(|(_, behind)| behind == place) else {
            return false;
        };
        for (line, _) in self.buffer.drain(..=index) {
            self.bytes -= line.text.len();
        }
        self.base = *place;
        true
    }

    /// The place behind everything that was read.
    fn place(&self) -> Cursor {
        self.buffer.back().map_or(self.base, |(_, behind)| *behind)
    }

    fn push(&mut self, line: Stamped) {
        let behind = self.place().behind(line.at_ns);
        self.bytes += line.text.len();
        let at_ms = u64::try_from(line.at_ns / 1_000_000).unwrap_or_default();
        self.buffer.push_back((LogLine { at_ms, text: line.text }, behind));
    }
}

/// Fills a follower until nobody asks for it.
struct Keeper {
    pods: Api<Pod>,
    source: Source,
    follower: Arc<Follower>,
    shared: Weak<Shared>,
}

impl Keeper {
    async fn keep(self) {
        tokio::select! {
            biased;
            () = self.idle() => {}
            () = self.read_on() => {}
        }
        self.follower.state().is_alive = false;
        if let Some(shared) = self.shared.upgrade() {
            shared.forget_log(&self.source, &self.follower);
        }
        self.tell();
    }

    async fn read_on(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let printing = self.follower.state().printing;
            let place = self.follower.state().place();
            let outcome = self.read(printing).await;
            let moved = self.follower.state().place() != place;
            let (end, is_over) = match (outcome, printing) {
                (Ok(()), Printing::Ended) => (End::Over, true),
                // The stream of a container that runs may end for reasons of its servers.
                (Ok(()), Printing::Runs) => (End::Open, false),
                (Err(error), _) => (End::Unreadable(error), false),
            };
            self.follower.state().end = end;
            self.tell();
            if is_over {
                std::future::pending::<()>().await;
            }
            pause = if moved { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
            self.rest(pause).await;
        }
    }

    /// Pauses, unless the container has ended: then there is nothing to wait for.
    async fn rest(&self, pause: Duration) {
        let since = self.follower.state().printing;
        let until = Instant::now() + pause;
        while Instant::now() < until {
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.follower.nudge.notified() => {
                    if self.follower.state().printing != since {
                        return;
                    }
                }
            }
        }
    }

    /// Reads one stream to its end. That of a container that runs is left when it has ended: what it
    /// printed last is asked for once more.
    async fn read(&self, printing: Printing) -> Result<(), String> {
        let place = self.follower.state().place();
        let parameters = LogParams {
            container: Some(self.source.container.clone()),
            follow: printing == Printing::Runs,
            since_time: place.since(),
            timestamps: true,
            ..LogParams::default()
        };
        let stream = timeout(CONNECT, self.pods.log_stream(&self.source.pod, &parameters)).await;
        let stream = stream.map_err(|_| "the log is not answered".to_owned())?;
        let stream = stream.map_err(|error| crate::error::chain(&error))?;
        let (mut lines, mut known) = (Lines::new(Box::pin(stream)), place.known());
        self.follower.state().end = End::Open;
        let mut telling = Telling { untold: false, at: Instant::now() };
        loop {
            let next = tokio::select! {
                next = lines.next() => next.map_err(|error: io::Error| error.to_string()),
                () = telling.due() => {
                    telling.told();
                    self.tell();
                    continue;
                }
                () = self.has_ended(), if printing == Printing::Runs => Ok(None),
            };
            match next? {
                None => return Ok(()),
                Some(line) if known.has(line.at_ns) => {}
                Some(line) => {
                    self.has_room().await;
                    self.follower.state().push(line);
                    telling.untold = true;
                }
            }
        }
    }

    async fn has_room(&self) {
        while self.follower.state().bytes > BUFFER_BYTES {
            self.tell();
            // Told again now and then: the reader may have looked just before.
            drop(timeout(TELL_EVERY, self.follower.nudge.notified()).await);
        }
    }

    async fn has_ended(&self) {
        while self.follower.state().printing == Printing::Runs {
            self.follower.nudge.notified().await;
        }
    }

    fn tell(&self) {
        if let Some(shared) = self.shared.upgrade() {
            self.follower.changes.send_replace(shared.advance());
        }
    }

    /// Answers when nobody has asked or waited for some minutes.
    async fn idle(&self) {
        loop {
            sleep(IDLE / 5).await;
            let mut state = self.follower.state();
            if self.follower.changes.receiver_count() > 0 {
                state.asked_at = Instant::now();
            } else if state.asked_at.elapsed() > IDLE {
                return;
            }
        }
    }
}

/// When the reader is told of lines that it does not know of.
struct Telling {
    untold: bool,
    at: Instant,
}

impl Telling {
    async fn due(&self) {
        if self.untold { sleep_until(self.at).await } else { std::future::pending().await }
    }

    fn told(&mut self) {
        *self = Telling { untold: false, at: Instant::now() + TELL_EVERY };
    }
}
