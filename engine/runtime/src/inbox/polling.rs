//! Asks places outside what is new there, each in its own time: one that is slow or dead holds up no
//! other.

use super::{Shared, looked_at::LookedAt};
use engine_core::{
    delivery::{Arrival, Content, Door, Mark},
    happening::Happening,
    trigger::{IndexKey, PollError, Polled, Rest},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
};

/// Places that are asked at once.
const AT_ONCE: usize = 16;
/// Under which where to go on is kept.
const MARKS: &str = "poll/";
/// The longest time between two questions to a place that does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// What a place may ask us to wait.
const MOST_ASKED: Duration = Duration::from_secs(60 * 60);

/// A place to ask, by what it is known in the index of triggers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub key: IndexKey,
    pub interval: Interval,
    pub edition: Edition,
}

/// Another one as soon as anything else is said of the place: it is then asked anew, at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition(pub u64);

/// How often a place is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Duration);

/// A place, and since when its task runs.
struct Asking {
    subject: Subject,
    task: AbortHandle,
}

/// Never ends by itself.
pub(super) async fn poll(shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut asking: HashMap<IndexKey, Asking> = HashMap::new();
    let mut looked_at = LookedAt::by(MARKS);
    loop {
        let changed = shared.shelf.changed.notified();
        let subjects = shared.grounds.subjects();
        let wanted: HashMap<&IndexKey, &Subject> =
            subjects.iter().map(|it| (&it.key, it)).collect();
        let ends = |it: &Asking| wanted.get(&it.subject.key) != Some(&&it.subject);
        let ended = asking.extract_if(|_, it| ends(it)).map(|(_, it)| it.task);
        let ended: Vec<AbortHandle> = ended.collect();
        ended.iter().for_each(AbortHandle::abort);
        // Nothing of it is written any more once it has ended.
        while ended.iter().any(|task| !task.is_finished()) {
            drop(tasks.join_next().await);
        }
        let marks = subjects.iter().map(|subject| mark(&subject.key)).collect();
        if let Err(error) = looked_at.turn(&shared, marks).await {
            tracing::warn!(%error, "what nobody looks at cannot be forgotten; trying again");
        }
        for subject in subjects {
            if asking.contains_key(&subject.key) {
                continue;
            }
            let (of, shared, places) = (subject.clone(), shared.clone(), places.clone());
            let task = tasks.spawn(async move { ask(&shared, &of, &places).await });
            asking.insert(subject.key.clone(), Asking { subject, task });
        }
        changed.await;
        while tasks.try_join_next().is_some() {}
    }
}

/// One place, for ever.
async fn ask(shared: &Shared, subject: &Subject, places: &Semaphore) {
    let Interval(interval) = subject.interval;
    shared.pause(spread(&subject.key, interval)).await;
    let mut pause = interval;
    loop {
        let found = {
            // Never closed; a permit only keeps those that are asked at once few.
            let _permit = places.acquire().await;
            look(shared, subject).await
        };
        pause = match found {
            Ok(Rest::More) => continue,
            Ok(Rest::None) => interval,
            Err(PollError::Later { reason, after }) => {
                tracing::warn!(subject = %subject.key, reason, "it does not say what is new");
                let longer = (pause * 2).min(LONGEST_PAUSE.max(interval));
                after.map_or(longer, |after| after.clamp(interval, MOST_ASKED))
            }
            Err(PollError::Refused { reason }) => {
                tracing::warn!(subject = %subject.key, reason, "it refuses to say what is new");
                LONGEST_PAUSE.max(interval)
            }
        };
        shared.pause(pause).await;
    }
}

/// Not all at once: the first question comes soon, at a moment of each place's own.
fn spread(key: &IndexKey, interval: Duration) -> Duration {
    const STEPS: u32 = 64;
    let digest = Sha256::digest(key.to_string());
    let step = u32::from(digest.first().copied().unwrap_or_default()) % STEPS;
    interval.min(Duration::from_secs(5)) * step / STEPS
}

pub(crate) fn mark(key: &IndexKey) -> String {
    format!("{MARKS}{key}")
}

/// What is found and where to go on is kept together, or not at all.
async fn look(shared: &Shared, subject: &Subject) -> Result<Rest, PollError> {
    let unavailable =
        |reason: String| PollError::Later { reason: format!("the store: {reason}"), after: None };
    let mark = mark(&subject.key);
    let before = shared.backing.store.mark(&mark).await;
    let before = before.map_err(|error| unavailable(error.to_string()))?;
    let cursor: Option<Value> = before.as_deref().and_then(|it| serde_json::from_str(it).ok());
    let Polled { happenings, cursor, rest } = shared.grounds.poll(subject, cursor).await?;
    let value = cursor.to_string();
    if before.as_ref() == Some(&value) && happenings.is_empty() {
        return Ok(rest);
    }
    let at = shared.backing.clock.now();
    let arrival = |(number, happening): (usize, Happening)| Arrival {
        door: Door::Poll { subject: subject.key.to_string() },
        key: format!("{}/{number}", at.elapsed.0),
        digest: String::new(),
        at,
        content: Content { happenings: vec![happening], ..Content::default() },
        body: None,
    };
    let arrivals = happenings.into_iter().enumerate().map(arrival).collect();
    let kept = shared.arrive(arrivals, vec![Mark { key: mark, value }]).await;
    kept.map_err(|error| unavailable(error.to_string()))?;
    Ok(rest)
}
