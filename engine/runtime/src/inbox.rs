//! What arrives is kept, acknowledged, and then looked at: what it says is confirmed at the place it
//! speaks of, the triggers that look there are asked, and runs are started. Every delivery ends in a
//! decision that says which, or why none.

pub(crate) mod following;
mod foreseeing;
mod judging;
mod lanes;
mod looked_at;
mod polling;
mod post;
mod refusing;
mod timing;
mod withdrawing;

pub(crate) use polling::mark;
pub use polling::{Edition, Interval, Subject};
pub use withdrawing::{Pinned, Stands};

use crate::{
    engine::{NewRun, Starting},
    services::Backing,
};
use engine_core::{
    BoxFuture,
    catalogue::{Catalogue, Entry, Holding},
    delivery::{Arrival, Content, Delivery, Door, Kept, Mark},
    event,
    fact::{Refusal, RefusalReason},
    happening::Happening,
    id::{BlobName, DeliveryId, RunId},
    parameter::Given,
    person::Actor,
    receiver::Key,
    store::StoreError,
    trigger::{Commit, IndexKey, PollError, Polled},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};

/// The catalogue, which whoever looks at sources writes and whoever asks triggers reads.
#[derive(Clone, Default)]
pub struct Shelf {
    catalogue: Arc<RwLock<Catalogue>>,
    /// It is another one, or the places to ask are.
    changed: Arc<Notify>,
}

impl Shelf {
    /// Never held over an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Catalogue> {
        self.catalogue.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> T {
        let done = change(&mut self.catalogue.write().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        done
    }

    /// Has what is to be asked, and when, looked at again.
    pub fn changed(&self) {
        self.changed.notify_waiters();
    }
}

/// The places outside: repositories and registries, and what a pipeline needs to become a run.
///
/// # Contract
///
/// Every call may be made again with the same arguments, and has its own deadlines. Calls about one
/// subject come one after another; those about different ones at once.
pub trait Grounds: Send + Sync + 'static {
    /// Looks where it is said to have happened, and fills in what is to be seen there.
    fn confirm<'a>(&'a self, happening: &'a Happening) -> BoxFuture<'a, Result<Confirmed, Later>>;

    /// Where it has happened, by the one name of that place: what is about one place is decided in order,
    /// whatever whoever tells of it calls it.
    fn place(&self, happening: &Happening) -> IndexKey {
        IndexKey::of(happening)
    }

    /// The places that are to be asked what is new, and how often.
    fn subjects(&self) -> Vec<Subject>;

    /// Whether the shelf has what there is: what nothing on it looks at is then looked at by nobody.
    fn listing(&self) -> Listing;

    fn poll<'a>(
        &'a self,
        subject: &'a Subject,
        cursor: Option<serde_json::Value>,
    ) -> BoxFuture<'a, Result<Polled, PollError>>;

    /// Whether the pipeline of a run that waits to begin is still where it came from.
    fn stands<'a>(&'a self, pinned: &'a Pinned) -> BoxFuture<'a, Stands>;

    /// Looks at a source, if what the shelf has of it was seen by an engine before this one only; where
    /// that never is so, this and the next two have nothing to do.
    fn refresh<'a>(&'a self, _source: &'a str) -> BoxFuture<'a, Result<(), PollError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether some source was not even tried yet.
    fn settling(&self) -> Settling {
        Settling::Done
    }

    /// Waits, for a minute at most, until each was; answers with those of which this engine has seen
    /// nothing yet.
    fn settled(&self) -> BoxFuture<'_, Vec<Arc<str>>> {
        Box::pin(std::future::ready(Vec::new()))
    }

    /// Makes a run of a pipeline ready to start.
    fn prepare<'a>(&'a self, wanted: Wanted) -> BoxFuture<'a, Result<NewRun, Unprepared>>;
}

/// How much of what there is was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Whole,
    /// Some source was not read yet since the engine started.
    Partial,
}

/// How far an engine that has begun has come with looking at its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    UnderWay,
    Done,
}

/// What is to be seen where something is said to have happened.
#[derive(Clone)]
pub enum Confirmed {
    Yes {
        happening: Box<Happening>,
        own: Own,
    },
    /// It is not so, or not ours to act on; the fragment says why.
    No {
        reason: String,
    },
}

/// The pipelines of the commit that it speaks of.
#[derive(Clone)]
pub enum Own {
    None,
    /// They stand in the place of what the catalogue has of this source.
    Of {
        source: Arc<str>,
        holding: Arc<Holding>,
    },
}

/// A place outside does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    pub reason: String,
    /// It has said when.
    pub after: Option<Duration>,
}

/// A pipeline that is to become a run.
pub struct Wanted {
    pub entry: Entry,
    pub commit: Commit,
    pub parameters: BTreeMap<String, Given>,
    pub trigger: event::Trigger,
    pub actor: Actor,
    pub key: String,
    /// The runs that led here.
    pub ancestry: Vec<RunId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unprepared {
    /// The file of that commit is broken; its faults, each in a line.
    Invalid {
        faults: Vec<String>,
    },
    /// It may not start.
    Refused {
        reason: String,
    },
    Later(Later),
}

/// What has come in, and was proven to be the sender's.
pub struct Incoming {
    pub door: Door,
    pub key: Key,
    pub content: Content,
    pub body: Vec<u8>,
}

/// The open inbox of an engine; it is worked on until it is dropped.
pub struct Inbox {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

pub(crate) struct Shared {
    backing: Backing,
    starting: Arc<Starting>,
    grounds: Arc<dyn Grounds>,
    shelf: Shelf,
    /// Counts what stands for itself, so that two of one millisecond are two.
    taken: AtomicU64,
    /// Something has come in.
    news: Notify,
    quiet: foreseeing::Quiet,
    turns: foreseeing::Turns,
    refusals: refusing::Refusals,
}

/// Under which bodies are sealed: each has a row of its own.
const BODY: &str = "delivery body";
/// More of a body is not kept.
const BODY_BYTES: usize = 64 * 1024;

impl Inbox {
    pub(crate) fn open(
        (backing, starting): (Backing, Arc<Starting>),
        (grounds, shelf): (Arc<dyn Grounds>, Shelf),
    ) -> Inbox {
        let news = Notify::new();
        let taken = AtomicU64::new(0);
        let refusals = refusing::Refusals::default();
        let (quiet, turns) = (foreseeing::Quiet::default(), foreseeing::Turns::default());
        let shared =
            Shared { backing, starting, grounds, shelf, taken, news, quiet, turns, refusals };
        let shared = Arc::new(shared);
        let tasks = vec![
            tokio::spawn(post::work(shared.clone())),
            tokio::spawn(polling::poll(shared.clone())),
            tokio::spawn(timing::watch(shared.clone())),
            tokio::spawn(following::follow(shared.clone())),
            tokio::spawn(withdrawing::watch(shared.clone())),
            tokio::spawn(post::forget(shared.clone())),
            tokio::spawn(refusing::tell(shared.clone())),
        ];
        Inbox { shared, tasks }
    }

    /// Keeps what came in: durable when this answers.
    ///
    /// # Errors
    ///
    /// When nothing was kept, or nobody can tell: whoever sent it sends it again.
    pub async fn take(&self, mut incoming: Incoming) -> Result<Kept, StoreError> {
        self.shared.mask(&mut incoming.content);
        let digest = hex::encode(Sha256::digest(&incoming.body));
        let at = self.shared.backing.clock.now();
        let key = match incoming.key {
            Key::Named(name) => name,
            Key::Body => format!("sha256:{digest}"),
            Key::Each => {
                let number = self.shared.taken.fetch_add(1, Ordering::Relaxed);
                format!("each:{}:{number}", at.elapsed.0)
            }
        };
        let arrival = Arrival {
            door: incoming.door,
            key,
            digest,
            at,
            content: incoming.content,
            body: Some(self.shared.sealed(&incoming.body)),
        };
        self.shared.take_in(arrival).await
    }

    /// Has an earlier delivery looked at again, as what it said then.
    ///
    /// # Errors
    ///
    /// When nothing was kept, or nobody can tell.
    pub async fn replay(&self, of: &Delivery, by: Actor) -> Result<DeliveryId, StoreError> {
        let at = self.shared.backing.clock.now();
        let content = Content { asked_by: Some(by), ..of.content.clone() };
        let arrival = Arrival {
            door: Door::Replay { of: of.id },
            key: at.elapsed.0.to_string(),
            digest: of.digest.clone(),
            at,
            content,
            body: None,
        };
        match self.shared.arrive(vec![arrival], Vec::new()).await?.as_slice() {
            [Kept::New(id) | Kept::Repeated(id) | Kept::Conflict(id)] => Ok(*id),
            _ => Err(StoreError::Damaged("a delivery got no answer".to_owned())),
        }
    }

    /// The body of a delivery as it is kept.
    ///
    /// # Errors
    ///
    /// When the store does not answer, or it was changed there.
    pub async fn body(&self, id: DeliveryId) -> Result<Option<String>, StoreError> {
        let Some(sealed) = self.shared.backing.store.delivery_body(id).await? else {
            return Ok(None);
        };
        let body = self.shared.backing.sealer.open(&BlobName(BODY.to_owned()), &sealed);
        let body = body.map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(Some(String::from_utf8_lossy(&body).into_owned()))
    }

    /// Counts a post that was refused; it is told with others of its kind.
    pub fn refused(&self, door: Door, reason: RefusalReason) {
        let at = self.shared.backing.clock.now().civil;
        self.shared.refusals.count(Refusal::one(door, reason, at));
    }

    pub fn shelf(&self) -> &Shelf {
        &self.shared.shelf
    }

    /// Whether what is not on the shelf may still come to it.
    pub fn settling(&self) -> Settling {
        self.shared.grounds.settling()
    }
}

/// Tells that something may have come in, whatever the answer was, and although nobody waits for it any
/// more: what is written is looked at.
struct News<'a>(&'a Notify);

impl Drop for News<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Shared {
    async fn arrive(
        &self,
        arrivals: Vec<Arrival>,
        marks: Vec<Mark>,
    ) -> Result<Vec<Kept>, StoreError> {
        let epoch = self.backing.guard.epoch;
        let coming = || (self.quiet.coming(), News(&self.news));
        let _told = (!arrivals.is_empty()).then(coming);
        self.backing.store.arrive(epoch, arrivals, marks).await
    }

    /// Where nobody looks any more: whoever looks there again begins anew.
    async fn forget(&self, marks: Vec<String>) -> Result<(), StoreError> {
        if marks.is_empty() {
            return Ok(());
        }
        tracing::info!(?marks, "nobody looks there any more");
        self.backing.store.forget_marks(self.backing.guard.epoch, marks).await
    }

    /// What somebody posts is shown and kept: a secret in it is not what it says.
    fn mask(&self, content: &mut Content) {
        for happening in &mut content.happenings {
            if let Happening::Hook(hook) = happening {
                let payload = std::mem::take(&mut hook.payload);
                hook.payload = self.backing.secrets.mask.value(payload);
            }
        }
    }

    /// Cut, with every secret that is known masked, and what a cut has left of one too.
    fn sealed(&self, body: &[u8]) -> Vec<u8> {
        let kept = body.get(..BODY_BYTES).unwrap_or(body);
        let text = self.backing.secrets.mask.text(&String::from_utf8_lossy(kept));
        let mut end = text.len().min(BODY_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let kept = text.as_bytes().get(..end).unwrap_or_default();
        self.backing.sealer.seal(&BlobName(BODY.to_owned()), kept)
    }

    async fn pause(&self, time: Duration) {
        let until = self.backing.clock.now().elapsed.plus(time);
        let until = engine_core::clock::Moment::Elapsed(until);
        self.backing.clock.sleep_until(until).await;
    }
}
