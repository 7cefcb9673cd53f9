//! Watches the clock for triggers that fire by themselves. Each moment is a happening once, however
//! often the engine starts anew; what went by while nobody was there is one happening in all.

use super::{Shared, looked_at::LookedAt};
use engine_core::{
    clock::{Civil, Moment, Now},
    delivery::{Arrival, Content, Door, Mark},
    happening::{Happening, Lateness, Time},
    store::StoreError,
    trigger::{IndexKey, Next},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// So late a moment is still in time: the engine was there, and busy or asleep.
const GRACE_MS: u64 = 60_000;
/// Moments that are counted before it is given up.
const MOST_MISSED: u32 = 10_000;
/// Under which where to go on is kept.
const MARKS: &str = "clock/";
const PAUSE: Duration = Duration::from_secs(1);
/// Without anything to come: the catalogue says when it changes.
const IDLE_MS: u64 = 60 * 60 * 1_000;

/// What the store has of each schedule, as far as it was read: nobody else writes it. Empty after an
/// error, as nobody knows then.
type Kept = HashMap<String, Option<Watched>>;

/// Where a schedule goes on.
#[derive(Clone, Serialize, Deserialize)]
struct Watched {
    /// Another schedule begins anew.
    schedule: String,
    /// Its moments up to this one are done.
    after: u64,
}

/// Never ends by itself.
pub(super) async fn watch(shared: Arc<Shared>) {
    let (mut looked_at, mut kept) = (LookedAt::by(MARKS), Kept::default());
    loop {
        let changed = shared.shelf.changed.notified();
        let until = match look(&shared, (&mut looked_at, &mut kept)).await {
            Ok(until) => until,
            Err(error) => {
                tracing::warn!(%error, "schedules cannot be looked at; trying again");
                kept = Kept::default();
                shared.pause(PAUSE).await;
                continue;
            }
        };
        tokio::select! {
            () = changed => {}
            () = shared.backing.clock.sleep_until(Moment::Civil(until)) => {}
        }
    }
}

/// One trigger that fires by itself.
struct Timer {
    key: IndexKey,
    time: Time,
    next: Box<dyn Fn(Civil) -> Next + Send + Sync>,
}

fn timers(shared: &Shared) -> Vec<Timer> {
    let shelf = shared.shelf.read();
    let keys = shelf.keys().filter(|key| matches!(key, IndexKey::Time { .. }));
    let listed = keys.flat_map(|key| shelf.listening(key).map(move |(_, it)| (key, it.clone())));
    let timer = |(key, listening): (&IndexKey, Arc<engine_core::catalogue::Listening>)| {
        let home = listening.home.clone();
        Timer {
            key: key.clone(),
            time: Time {
                application: home.application,
                pipeline: home.pipeline,
                trigger: home.trigger,
                schedule: String::new(),
                scheduled_at: Civil(0),
                lateness: Lateness::InTime,
            },
            next: Box::new(move |after| listening.matcher.next(after)),
        }
    };
    listed.map(timer).collect()
}

/// What one look has found.
struct Found {
    arrivals: Vec<Arrival>,
    marks: Vec<(String, Watched)>,
    /// The next moment of any.
    until: Civil,
}

/// Keeps what is due, and answers when the next is.
async fn look(
    shared: &Shared,
    (looked_at, kept): (&mut LookedAt, &mut Kept),
) -> Result<Civil, StoreError> {
    let now = shared.backing.clock.now();
    let until = Civil(now.civil.0 + IDLE_MS);
    let mut found = Found { arrivals: Vec::new(), marks: Vec::new(), until };
    let timers = timers(shared);
    let mark = |timer: &Timer| format!("{MARKS}{}", timer.key);
    let marks: BTreeSet<String> = timers.iter().map(mark).collect();
    looked_at.turn(shared, marks).await?;
    let mut read = std::mem::take(kept);
    for timer in timers {
        let mark = mark(&timer);
        let known = match read.remove(&mark) {
            Some(known) => known,
            None => {
                let text = shared.backing.store.mark(&mark).await?;
                text.and_then(|text| serde_json::from_str::<Watched>(&text).ok())
            }
        };
        found.add(timer, (&mark, known.as_ref()), now);
        kept.insert(mark, known);
    }
    let Found { arrivals, marks, until } = found;
    if !(arrivals.is_empty() && marks.is_empty()) {
        let written = marks.iter().map(|(key, watched)| {
            let value = serde_json::to_string(watched);
            let value = value.map_err(|error| StoreError::Damaged(error.to_string()))?;
            Ok(Mark { key: key.clone(), value })
        });
        let _kept = shared.arrive(arrivals, written.collect::<Result<_, StoreError>>()?).await?;
        kept.extend(marks.into_iter().map(|(key, watched)| (key, Some(watched))));
    }
    Ok(until)
}

impl Found {
    fn add(&mut self, timer: Timer, (key, kept): (&str, Option<&Watched>), now: Now) {
        let Next::At { schedule, .. } = (timer.next)(now.civil) else { return };
        let after = match kept {
            Some(kept) if kept.schedule == schedule => Civil(kept.after),
            // The first sight of a schedule.
            Some(_) | None => now.civil,
        };
        let due = due(&timer, after, now.civil);
        let done = due.last.unwrap_or(after);
        if kept.is_none_or(|kept| kept.schedule != schedule || kept.after != done.0) {
            let watched = Watched { schedule: schedule.clone(), after: done.0 };
            self.marks.push((key.to_owned(), watched));
        }
        if let Next::At { at, .. } = (timer.next)(done.max(now.civil)) {
            self.until = self.until.min(at);
        }
        if let Some(at) = due.last {
            let lateness = due.lateness(now.civil);
            let time = Time { schedule, scheduled_at: at, lateness, ..timer.time };
            self.arrivals.push(arrival(&timer.key, time, now));
        }
    }
}

fn arrival(key: &IndexKey, time: Time, at: Now) -> Arrival {
    Arrival {
        door: Door::Clock { subject: key.to_string() },
        key: time.scheduled_at.0.to_string(),
        digest: String::new(),
        at,
        content: Content { happenings: vec![Happening::Time(time)], ..Content::default() },
        body: None,
    }
}

/// The moments that have come.
struct Due {
    last: Option<Civil>,
    moments: u32,
}

impl Due {
    fn lateness(&self, now: Civil) -> Lateness {
        let late = self.last.map_or(0, |last| now.0.saturating_sub(last.0));
        match late <= GRACE_MS {
            true => Lateness::InTime,
            false => Lateness::Missed { moments: self.moments },
        }
    }
}

fn due(timer: &Timer, after: Civil, now: Civil) -> Due {
    let mut due = Due { last: None, moments: 0 };
    let mut from = after;
    while let Next::At { at, .. } = (timer.next)(from) {
        if at > now {
            break;
        }
        (due.last, from) = (Some(at), at);
        due.moments += 1;
        if due.moments == MOST_MISSED {
            // So many that the rest is not counted: the newest is looked for from nearby.
            from = Civil(now.0.saturating_sub(24 * 60 * 60 * 1_000).max(from.0));
        }
        if due.moments > 2 * MOST_MISSED {
            break;
        }
    }
    due
}
