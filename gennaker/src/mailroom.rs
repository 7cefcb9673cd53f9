//! Takes what others post: finds who may, has it verified, and keeps it before it is acknowledged.

mod rates;

pub(crate) use rates::Rates;

use crate::{clusters::Reach, grounds::Places, secrets};
use engine_api::{Address, Knock, Mailroom, Peer, Post, Received, Replayed, Unread};
use engine_core::{
    BoxFuture, Registry,
    catalogue::Entry,
    delivery::{Content, Door, Kept},
    event::Actor,
    fact::RefusalReason,
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
    engine::Engine,
    inbox::{Inbox, Incoming, Settling},
    reader::Reader,
    secrets::{SecretSource, Wanted},
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Whoever posts is answered within this time.
const DEADLINE: Duration = Duration::from_secs(1);

pub(crate) struct Letters {
    pub(crate) reach: Latest<Reach>,
    pub(crate) receivers: Registry<dyn AnyReceiver>,
    /// Those secrets that pipelines may use.
    pub(crate) granted: Arc<dyn SecretSource>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) places: Arc<Places>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) reader: Reader,
    pub(crate) rates: Rates,
}

/// A delivery that was proven to be the sender's, or how it is answered.
type Opened = Result<(Verified, Heard), Turned>;

/// Why nothing was kept of a post.
enum Turned {
    Nobody,
    NoSecret,
    Unproven(Refused),
    Unreadable(Unreadable),
    TooMany { again: Duration },
}

impl Turned {
    fn reason(&self) -> RefusalReason {
        match self {
            Turned::Nobody => RefusalReason::Nobody,
            Turned::NoSecret => RefusalReason::NoSecret,
            Turned::Unproven(refused) => RefusalReason::from(*refused),
            Turned::Unreadable(_) => RefusalReason::Unreadable,
            Turned::TooMany { .. } => RefusalReason::TooMany,
        }
    }
}

impl From<Turned> for Received {
    fn from(turned: Turned) -> Received {
        match turned {
            Turned::Nobody | Turned::NoSecret => Received::Nobody,
            Turned::Unproven(_) => Received::Refused,
            Turned::Unreadable(Unreadable(reason)) => Received::Unreadable { reason },
            Turned::TooMany { again } => Received::TooMany { again },
        }
    }
}

impl Mailroom for Letters {
    fn knock(&self, from: &Peer, address: &Address) -> Knock {
        let door = door(address);
        if !self.is_there(address) && !self.may_come(address) {
            self.inbox.refused(Door::Nowhere, RefusalReason::Nobody);
            return Knock::Nobody;
        }
        match self.rates.shut(from, &door.to_string()) {
            Some(again) => {
                self.inbox.refused(door, RefusalReason::Unproven);
                Knock::TooMany { again }
            }
            None => Knock::Enter,
        }
    }

    fn receive(&self, post: Post) -> BoxFuture<'_, Received> {
        Box::pin(async move {
            let taken = tokio::time::timeout(DEADLINE, self.taken(post)).await;
            taken.unwrap_or_else(|_| {
                let reason = "the store does not answer within a second".to_owned();
                Received::Unavailable { reason }
            })
        })
    }

    fn unread(&self, address: &Address, why: Unread) {
        let reason = match why {
            Unread::TooLarge => RefusalReason::TooLarge,
            Unread::TooSlow => RefusalReason::TooSlow,
            Unread::NoRoom => RefusalReason::TooMany,
            Unread::BrokenOff { .. } => RefusalReason::BrokenOff,
        };
        // What may still come has no name of its own yet.
        let door = if self.is_there(address) { door(address) } else { Door::Nowhere };
        self.inbox.refused(door, reason);
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

    fn catalogue(&self, after: Option<(&str, &str)>, most: usize) -> Vec<CatalogueItem> {
        let shelf = self.inbox.shelf().read();
        let place = |it: &Entry| (it.source.clone(), it.path.clone());
        let is_after = |it: &&Entry| after.is_none_or(|last| (&*it.source, &*it.path) > last);
        let mut entries: Vec<&Entry> = shelf.entries().filter(is_after).collect();
        entries.sort_by_cached_key(|it| place(it));
        entries.into_iter().take(most).map(CatalogueItem::new).collect()
    }
}

impl Letters {
    async fn taken(&self, post: Post) -> Received {
        let door = door(&post.address);
        let opened = match &post.address {
            Address::Receiver { name, rest } => self.receiver(name, (rest, &post)),
            Address::Hook { application, name } => self.hook((application, name), &post),
        };
        let opened = opened.and_then(|opened| match self.rates.excess(&door.to_string()) {
            Some(again) => Err(Turned::TooMany { again }),
            None => Ok(opened),
        });
        let (verified, Heard { happenings, notes }) = match opened {
            Ok(opened) => opened,
            Err(Turned::Nobody) if self.may_come(&post.address) => {
                let reason = "pipelines are still being read: send it again soon".to_owned();
                return Received::Unavailable { reason };
            }
            Err(turned) => return self.turned(&post, (door, turned)),
        };
        let incoming = Incoming {
            door: door.clone(),
            key: verified.key,
            content: Content { event: verified.event, happenings, notes, asked_by: None },
            body: post.body.to_vec(),
        };
        match self.inbox.take(incoming).await {
            Ok(Kept::New(id)) => Received::Kept(id),
            Ok(Kept::Repeated(id)) => Received::Repeated(id),
            Ok(Kept::Conflict(id)) => {
                self.inbox.refused(door, RefusalReason::Conflict);
                Received::Conflict(id)
            }
            Err(error) => Received::Unavailable { reason: error.to_string() },
        }
    }

    fn turned(&self, post: &Post, (door, turned): (Door, Turned)) -> Received {
        let reason = turned.reason();
        tracing::debug!(%door, %reason, "a post was refused");
        if let Turned::Unproven(_) = turned {
            self.rates.in_vain(post, &door.to_string());
        }
        self.inbox.refused(door, reason);
        turned.into()
    }

    fn is_there(&self, address: &Address) -> bool {
        match address {
            Address::Receiver { name, .. } => self.reach.now().found.platform.has_receiver(name),
            Address::Hook { application, name } => {
                let (application, name) = (application.clone(), name.clone());
                let shelf = self.inbox.shelf().read();
                shelf.listening(&IndexKey::Hook { application, name }).next().is_some()
            }
        }
    }

    /// Whether it may be the address of a trigger that nobody has read yet.
    fn may_come(&self, address: &Address) -> bool {
        match address {
            Address::Receiver { .. } => false,
            Address::Hook { .. } => self.inbox.settling() == Settling::UnderWay,
        }
    }

    /// A receiver without a secret does not exist.
    fn receiver(&self, name: &str, (rest, post): (&str, &Post)) -> Opened {
        let reach = self.reach.now();
        let known = reach.found.platform.receiver(name).ok_or(Turned::Nobody)?;
        let provider = self.receivers.get(known.provider.word()).ok_or(Turned::Nobody)?;
        let secrets = values(&*reach.kept.now(), (&known.secrets, ""));
        if secrets.is_empty() {
            return Err(Turned::NoSecret);
        }
        let request = raw(post, rest);
        let verified = provider.verify(&request, &exposed(&secrets));
        let verified = verified.map_err(Turned::Unproven)?;
        Ok((verified, provider.happenings(&request).map_err(Turned::Unreadable)?))
    }

    fn hook(&self, (application, name): (&str, &str), post: &Post) -> Opened {
        let (owner, hook) = (application.to_owned(), name.to_owned());
        let key = IndexKey::Hook { application: owner.clone(), name: hook.clone() };
        let request = raw(post, "");
        let (verified, proofs) = self.proven(&key, &request)?;
        let payload = triggers::webhook::payload(&request).map_err(Turned::Unreadable)?;
        let happening = Happening::Hook(Hook { application: owner, name: hook, proofs, payload });
        Ok((verified, Heard { happenings: vec![happening], notes: Vec::new() }))
    }

    /// By each of the triggers that listen there, who says for itself how it is proven; with which
    /// secrets its application was granted.
    fn proven(
        &self,
        key: &IndexKey,
        request: &RawRequest<'_>,
    ) -> Result<(Verified, Vec<String>), Turned> {
        let shelf = self.inbox.shelf().read();
        let (mut refused, mut proofs, mut by) = (Turned::Nobody, Vec::new(), None);
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
                Err(why) => refused = Turned::Unproven(why),
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

fn door(address: &Address) -> Door {
    match address {
        Address::Receiver { name, .. } => Door::Receiver { name: name.clone() },
        Address::Hook { application, name } => {
            Door::Hook { application: application.clone(), name: name.clone() }
        }
    }
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
