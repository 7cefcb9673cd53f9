//! Takes what others post: finds who may, has it verified, and keeps it before it is acknowledged.

use crate::{clusters::Reach, secrets};
use engine_api::{Address, Mailroom, Post, Received, Replayed};
use engine_core::{
    BoxFuture, Registry,
    delivery::{Content, Door, Kept},
    event::Actor,
    happening::{Happening, Hook},
    id::DeliveryId,
    latest::Latest,
    receiver::{AnyReceiver, Heard, Key, RawRequest, Refused, Unreadable, Verified},
    stage::Secret,
    store::StoreError,
    trigger::{IndexKey, Proof},
    view::CatalogueItem,
};
use engine_runtime::{
    inbox::{Inbox, Incoming},
    reader::Reader,
    secrets::{SecretSource, Wanted},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Whoever posts is answered within this time.
const DEADLINE: Duration = Duration::from_secs(1);
/// Of one door, in a second; and so many at once after a pause.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);
/// Doors whose rate is counted.
const DOORS: usize = 10_000;

pub(crate) struct Letters {
    pub(crate) reach: Latest<Reach>,
    pub(crate) receivers: Registry<dyn AnyReceiver>,
    /// Those secrets that pipelines may use.
    pub(crate) granted: Arc<dyn SecretSource>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) reader: Reader,
    pub(crate) rates: Rates,
}

/// How much comes in by each door that exists.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<String, Arc<DefaultDirectRateLimiter>>>);

impl Rates {
    /// How long whoever posts is to wait, if more comes in than is taken.
    fn excess(&self, door: &str) -> Option<Duration> {
        let limiter = {
            let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if doors.len() >= DOORS {
                doors.clear();
            }
            let new = || Arc::new(RateLimiter::direct(Quota::per_second(RATE)));
            doors.entry(door.to_owned()).or_insert_with(new).clone()
        };
        let now = governor::clock::DefaultClock::default().now();
        limiter.check().err().map(|until| until.wait_time_from(now))
    }
}

/// A delivery that was proven to be the sender's, or how it is answered.
type Opened = Result<(Verified, Heard), Received>;

impl Mailroom for Letters {
    fn receive(&self, post: Post) -> BoxFuture<'_, Received> {
        Box::pin(async move {
            let taken = tokio::time::timeout(DEADLINE, self.taken(post)).await;
            taken.unwrap_or_else(|_| {
                let reason = "the store does not answer within a second".to_owned();
                Received::Unavailable { reason }
            })
        })
    }

    fn replay(&self, of: DeliveryId, by: Actor) -> BoxFuture<'_, Replayed> {
        Box::pin(async move {
            let unavailable = |error: StoreError| {
                let reason = error.to_string();
                Replayed::Unavailable { reason }
            };
            let by = self.reach.now().found.platform.person(by);
            match self.reader.delivery(of).await {
                Ok(None) => Replayed::NoSuch,
                Ok(Some(delivery)) => {
                    self.inbox.replay(&delivery, by).await.map_or_else(unavailable, Replayed::As)
                }
                Err(error) => unavailable(error),
            }
        })
    }

    fn body(&self, of: DeliveryId) -> BoxFuture<'_, Option<String>> {
        Box::pin(async move { self.inbox.body(of).await.ok().flatten() })
    }

    fn catalogue(&self) -> Vec<CatalogueItem> {
        self.inbox.shelf().read().entries().map(CatalogueItem::new).collect()
    }
}

impl Letters {
    async fn taken(&self, post: Post) -> Received {
        let (door, opened) = match &post.address {
            Address::Receiver { name, rest } => {
                let door = Door::Receiver { name: name.clone() };
                (door, self.receiver(name, (rest, &post)))
            }
            Address::Hook { application, name } => {
                let (application, name) = (application.clone(), name.clone());
                let door = Door::Hook { application: application.clone(), name: name.clone() };
                (door, self.hook((&application, &name), &post))
            }
        };
        let (verified, heard) = match opened {
            Ok(opened) => opened,
            Err(received) => return received,
        };
        if let Some(again) = self.rates.excess(&door.to_string()) {
            return Received::TooMany { again };
        }
        let Heard { happenings, notes } = heard;
        let incoming = Incoming {
            door,
            key: verified.key,
            content: Content { event: verified.event, happenings, notes, asked_by: None },
            body: post.body.to_vec(),
        };
        match self.inbox.take(incoming).await {
            Ok(Kept::New(id)) => Received::Kept(id),
            Ok(Kept::Repeated(id)) => Received::Repeated(id),
            Ok(Kept::Conflict(id)) => Received::Conflict(id),
            Err(error) => Received::Unavailable { reason: error.to_string() },
        }
    }

    /// A receiver without a secret does not exist.
    fn receiver(&self, name: &str, (rest, post): (&str, &Post)) -> Opened {
        let reach = self.reach.now();
        let receivers = reach.found.platform.receivers();
        let known = receivers.into_iter().find(|it| it.name == name).ok_or(Received::Nobody)?;
        let provider = self.receivers.get(known.provider.word()).ok_or(Received::Nobody)?;
        let secrets = values(&*reach.kept.now(), (&known.secrets, ""));
        if secrets.is_empty() {
            tracing::warn!(
                receiver = name,
                "none of its secrets has a value: it listens to nobody"
            );
            return Err(Received::Nobody);
        }
        let request = raw(post, rest);
        let verified = provider.verify(&request, &exposed(&secrets));
        let verified = verified.map_err(|refused| refusal(name, refused))?;
        let heard = provider.happenings(&request);
        let heard = heard.map_err(|Unreadable(reason)| Received::Unreadable { reason })?;
        Ok((verified, heard))
    }

    fn hook(&self, (application, name): (&str, &str), post: &Post) -> Opened {
        let (owner, hook) = (application.to_owned(), name.to_owned());
        let key = IndexKey::Hook { application: owner.clone(), name: hook.clone() };
        let request = raw(post, "");
        let (verified, proofs) = self.proven(&key, &request)?;
        let payload = triggers::webhook::payload(&request);
        let payload = payload.map_err(|Unreadable(reason)| Received::Unreadable { reason })?;
        let happening = Happening::Hook(Hook { application: owner, name: hook, proofs, payload });
        Ok((verified, Heard { happenings: vec![happening], notes: Vec::new() }))
    }

    /// By each of the triggers that listen there, who says for itself how it is proven; with which
    /// secrets its application was granted.
    fn proven(
        &self,
        key: &IndexKey,
        request: &RawRequest<'_>,
    ) -> Result<(Verified, Vec<String>), Received> {
        let shelf = self.inbox.shelf().read();
        let (mut refused, mut proofs, mut by) = (Received::Nobody, Vec::new(), None);
        for (_, listening) in shelf.listening(key) {
            let Some(door) = listening.matcher.door() else { continue };
            let Proof::Scheme { scheme, secrets } = door.proof else {
                proofs.push(door.proof.words());
                continue;
            };
            let Some(scheme) = triggers::verify::scheme(scheme) else { continue };
            let secrets = values(&*self.granted, (secrets, door.application));
            match scheme.verify(request, &exposed(&secrets)) {
                Ok(verified) => {
                    proofs.push(door.proof.words());
                    by = by.or(Some(verified));
                }
                Err(why) => refused = refusal(&key.to_string(), why),
            }
        }
        let unsigned = || Verified { key: Key::Body, event: None };
        match (by, proofs.is_empty()) {
            (Some(verified), _) => Ok((verified, proofs)),
            (None, false) => Ok((unsigned(), proofs)),
            (None, true) => Err(refused),
        }
    }
}

fn refusal(door: &str, why: Refused) -> Received {
    tracing::info!(door, %why, "a delivery was refused");
    Received::Refused
}

fn values(kept: &dyn SecretSource, (names, of): (&[String], &str)) -> Vec<Secret> {
    let value = |name: &String| {
        let (name, application) = (name.clone(), of.to_owned());
        let secret = kept.find(&Wanted { name, application, environment: None }).ok()?;
        // Some senders repeat it in what they post.
        secrets::learn(&secret);
        Some(secret)
    };
    names.iter().filter_map(value).collect()
}

fn exposed(secrets: &[Secret]) -> Vec<&[u8]> {
    secrets.iter().map(|secret| secret.expose().as_bytes()).collect()
}

fn raw<'a>(post: &'a Post, rest: &'a str) -> RawRequest<'a> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    RawRequest {
        headers: &post.headers,
        path: rest,
        body: &post.body,
        received_seconds: since.as_secs(),
    }
}
