//! One registry: its connections, its tokens, and whether it answers.

use super::{
    answer::{Answer, Judged, NoAnswer, exchange},
    challenge::{self, Challenge},
    circuit::{Circuit, Passage, Wish},
    error::RegistryError,
    origin,
    settings::{Access, Settings},
    tags::Validators,
};
use crate::addresses;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Certificate, Client, Method, Url,
    header::{
        ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION,
    },
    redirect,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use zeroize::Zeroizing;

/// Of a question with everything that it takes: tokens, redirects, the wait for others' questions.
const DEADLINE: Duration = Duration::from_secs(20);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Questions that are under way at the same time.
const MOST_AT_ONCE: usize = 8;
const MAX_REDIRECTS: usize = 3;
const MAX_TOKENS: usize = 1_000;
const TOKEN_BYTES: usize = 64 * 1024;

pub(super) struct Host {
    pub(super) name: String,
    base: Url,
    client: Client,
    settings: Settings,
    declared: Arc<BTreeSet<String>>,
    permits: Semaphore,
    circuit: Mutex<Circuit>,
    shown: Mutex<Shown>,
}

/// What the registry is known to want to be shown.
#[derive(Default)]
struct Shown {
    password: bool,
    tokens: HashMap<String, (Zeroizing<String>, Instant)>,
}

/// One question.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Below the root of the API, without a slash before it.
    pub(super) path: &'a str,
    /// The repository, in words of an error.
    pub(super) what: &'a str,
    pub(super) repository: &'a str,
    pub(super) accept: &'static str,
    pub(super) limit: usize,
    /// What the asker has already.
    pub(super) known: Option<&'a Validators>,
}

impl Host {
    pub(super) fn open(
        name: &str,
        settings: Settings,
        declared: Arc<BTreeSet<String>>,
    ) -> Result<Host, RegistryError> {
        let refused = |reason| RegistryError::Refused { host: name.to_owned(), reason };
        let base = origin::base(name, &settings).map_err(refused)?;
        let client = client(settings.certificate_authority.as_deref()).map_err(refused)?;
        let permits = Semaphore::new(MOST_AT_ONCE);
        let (circuit, shown) = (Mutex::default(), Mutex::default());
        let name = name.to_owned();
        Ok(Host { name, base, client, settings, declared, permits, circuit, shown })
    }

    /// The answer to a question: success, or "not changed".
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Answer, RegistryError> {
        if let Passage::Closed { left } = lock(&self.circuit).ask(Instant::now()) {
            let why = "it did not answer, and is left alone for a moment".to_owned();
            return Err(RegistryError::Unreachable { host: self.name.clone(), why, again: left });
        }
        let outcome = timeout(DEADLINE, self.in_turn(call)).await;
        let late = || {
            let why = format!("no answer within {} s", DEADLINE.as_secs());
            Err(Judged::Missed { why, wish: Wish::None })
        };
        match outcome.unwrap_or_else(|_| late()) {
            Ok(answer) => {
                lock(&self.circuit).reached();
                Ok(answer)
            }
            Err(Judged::Final(error)) => {
                lock(&self.circuit).reached();
                Err(error)
            }
            Err(Judged::Missed { why, wish }) => {
                let again = lock(&self.circuit).missed(wish, Instant::now());
                Err(RegistryError::Unreachable { host: self.name.clone(), why, again })
            }
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// An error of this registry about what it said.
    pub(super) fn refused(&self, reason: impl Into<String>) -> RegistryError {
        RegistryError::Refused { host: self.name.clone(), reason: reason.into() }
    }

    /// A URL that the registry gave, as a path below the root of its API.
    pub(super) fn below(&self, url: &str) -> Result<String, RegistryError> {
        let foreign = || self.refused("its next page is on another host");
        let url = self.base.join(url).map_err(|_| foreign())?;
        if url.origin() != self.base.origin() {
            return Err(foreign());
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("{}{query}", url.path().trim_start_matches('/')))
    }

    async fn in_turn(&self, call: &Call<'_>) -> Result<Answer, Judged> {
        let _permit = self.permits.acquire().await;
        let shown = self.known_access(call.repository).map_err(|why| self.locked(call, why))?;
        let answer = self.follow(call, shown).await?;
        if answer.status.as_u16() != 401 {
            return answer.judged((&self.name, call.what));
        }
        let Some(shown) = self.challenged(&answer.headers, call).await? else {
            return answer.judged((&self.name, call.what));
        };
        self.follow(call, Some(shown)).await?.judged((&self.name, call.what))
    }

    /// What is shown unasked: a token without a name, and what was wanted before.
    fn known_access(&self, repository: &str) -> Result<Option<HeaderValue>, String> {
        let mut shown = lock(&self.shown);
        shown.tokens.retain(|_, (_, until)| *until > Instant::now());
        if let Some((token, _)) = shown.tokens.get(repository) {
            return bearer(token).map(Some);
        }
        let password = shown.password;
        drop(shown);
        match self.settings.credentials.access()? {
            Access::Bearer(token) => bearer(&token).map(Some),
            Access::Basic(pair) if password => basic(&pair).map(Some),
            Access::Basic(_) | Access::Anonymous => Ok(None),
        }
    }

    /// What the registry wants to be shown, if we have it.
    async fn challenged(
        &self,
        headers: &HeaderMap,
        call: &Call<'_>,
    ) -> Result<Option<HeaderValue>, Judged> {
        lock(&self.shown).tokens.remove(call.repository);
        let access = self.settings.credentials.access().map_err(|why| self.locked(call, why))?;
        match (challenge::read(headers), access) {
            (None, _) | (_, Access::Bearer(_)) | (Some(Challenge::Basic), Access::Anonymous) => {
                Ok(None)
            }
            (Some(Challenge::Basic), Access::Basic(pair)) => {
                lock(&self.shown).password = true;
                basic(&pair).map(Some).map_err(|why| self.locked(call, why))
            }
            (Some(Challenge::Bearer { realm, service }), access) => {
                self.token((&realm, service.as_deref()), access, call).await.map(Some)
            }
        }
    }

    async fn token(
        &self,
        (realm, service): (&Url, Option<&str>),
        access: Access,
        call: &Call<'_>,
    ) -> Result<HeaderValue, Judged> {
        let allowed = origin::check_realm(&self.base, realm, &self.declared);
        allowed.map_err(|reason| Judged::Final(self.refused(reason)))?;
        let scope = format!("repository:{}:pull", call.repository);
        let mut request = self.client.get(challenge::question(realm, service, &scope));
        if let Access::Basic(pair) = access {
            let header = basic(&pair).map_err(|why| self.locked(call, why))?;
            request = request.header(AUTHORIZATION, header);
        }
        let answer = exchange(request, TOKEN_BYTES).await.map_err(|none| self.none(none, call))?;
        let answer = answer.judged((&origin::shown(realm), call.what))?;
        let token = challenge::token(&answer.body);
        let token =
            token.map_err(|why| self.locked(call, format!("{}: {why}", origin::shown(realm))))?;
        let header = bearer(&token.text).map_err(|why| self.locked(call, why))?;
        let mut shown = lock(&self.shown);
        if shown.tokens.len() >= MAX_TOKENS {
            shown.tokens.clear();
        }
        shown.tokens.insert(call.repository.to_owned(), (token.text, Instant::now() + token.life));
        Ok(header)
    }

    /// Goes where the registry sends us, and shows credentials to the registry alone.
    async fn follow(&self, call: &Call<'_>, shown: Option<HeaderValue>) -> Result<Answer, Judged> {
        let mut url = self.base.join(call.path).map_err(|error| {
            Judged::Final(self.refused(format!("`{}` is no path: {error}", call.path)))
        })?;
        for _ in 0..=MAX_REDIRECTS {
            let at_home = url.origin() == self.base.origin();
            let mut request = self.client.request(call.method.clone(), url.clone());
            request = request.headers(headers(call));
            if let Some(shown) = shown.as_ref().filter(|_| at_home) {
                request = request.header(AUTHORIZATION, shown.clone());
            }
            let answer =
                exchange(request, call.limit).await.map_err(|none| self.none(none, call))?;
            match next(&answer, &url) {
                Some(next) => {
                    let allowed = origin::check_next(&self.base, &next);
                    allowed.map_err(|reason| Judged::Final(self.refused(reason)))?;
                    url = next;
                }
                None if answer.status.as_u16() == 401 && !at_home => {
                    let why =
                        format!("{}, to which it sends us, wants credentials", origin::shown(&url));
                    return Err(self.locked(call, why));
                }
                None => return Ok(answer),
            }
        }
        let reason = format!("it sends us on more than {MAX_REDIRECTS} times");
        Err(Judged::Final(self.refused(reason)))
    }

    fn none(&self, none: NoAnswer, call: &Call<'_>) -> Judged {
        match none {
            NoAnswer::Missed { why, wish } => Judged::Missed { why, wish },
            NoAnswer::TooLarge => Judged::Final(RegistryError::TooLarge {
                host: self.name.clone(),
                what: call.what.to_owned(),
                limit: call.limit,
            }),
        }
    }

    fn locked(&self, call: &Call<'_>, why: String) -> Judged {
        let (host, what) = (self.name.clone(), call.what.to_owned());
        Judged::Final(RegistryError::Unauthorised { host, what, why })
    }
}

fn client(authority: Option<&str>) -> Result<Client, String> {
    // One of the same kind may have been chosen before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = Client::builder()
        .user_agent(concat!("gennaker/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_DEADLINE)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(30))
        .dns_resolver(addresses::Resolver);
    if let Some(pem) = authority {
        let read = Certificate::from_pem_bundle(pem.as_bytes());
        let certificates = read.map_err(|_| "its certificate authority is not PEM".to_owned())?;
        if certificates.is_empty() {
            return Err("its certificate authority has no certificate".to_owned());
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| format!("requests cannot be sent from here: {error}"))
}

fn headers(call: &Call<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(call.accept));
    if let Some(known) = call.known {
        let pairs = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        for (name, value) in pairs {
            let value = value.as_ref().and_then(|value| HeaderValue::from_str(value).ok());
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
    headers
}

fn next(answer: &Answer, from: &Url) -> Option<Url> {
    if !matches!(answer.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    from.join(answer.headers.get(LOCATION)?.to_str().ok()?).ok()
}

fn bearer(token: &str) -> Result<HeaderValue, String> {
    header(&format!("Bearer {token}"))
}

fn basic(pair: &str) -> Result<HeaderValue, String> {
    header(&format!("Basic {}", STANDARD.encode(pair)))
}

fn header(text: &str) -> Result<HeaderValue, String> {
    let header = HeaderValue::from_str(text);
    let mut header = header.map_err(|_| "its credentials cannot stand in a header".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
