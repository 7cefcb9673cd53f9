//! How much is taken at the doors: of what was proven to be the sender's, and of what was not, so that
//! a flood of the one is no burden to the other.

use engine_api::{Peer, Post};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Proven deliveries of one door, in a second; and so many at once after a pause.
const PROVEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);
/// What proves nothing, of one peer at one door, in a second: each costs one, and one more for each
/// `PART_BYTES` of its body, which had to be hashed in vain.
const UNPROVEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(1_999);
const UNPROVEN_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(3_999);
const PART_BYTES: usize = 16 * 1024;
/// Doors, or peers at doors, that are counted.
const COUNTED: usize = 10_000;

/// How much comes in by each door that exists.
#[derive(Default)]
pub(crate) struct Rates {
    proven: Counted<DefaultDirectRateLimiter>,
    unproven: Counted<Unproven>,
}

struct Counted<T>(Mutex<HashMap<String, Arc<T>>>);

impl<T> Default for Counted<T> {
    fn default() -> Counted<T> {
        Counted(Mutex::default())
    }
}

impl<T> Counted<T> {
    fn of(&self, name: String, new: impl FnOnce() -> T) -> Arc<T> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= COUNTED && !counted.contains_key(&name) {
            counted.clear();
        }
        counted.entry(name).or_insert_with(|| Arc::new(new())).clone()
    }

    fn known(&self, name: &str) -> Option<Arc<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// Of one peer at one door.
struct Unproven {
    limiter: DefaultDirectRateLimiter,
    /// Nothing of it is looked at before this.
    until: Mutex<Option<Instant>>,
}

impl Unproven {
    fn new() -> Unproven {
        let quota = Quota::per_second(UNPROVEN).allow_burst(UNPROVEN_BURST);
        Unproven { limiter: RateLimiter::direct(quota), until: Mutex::default() }
    }

    fn spend(&self, cost: NonZeroU32) {
        let now = governor::clock::DefaultClock::default().now();
        // What costs more than there ever is cannot be posted: a body is bounded.
        let Ok(Err(not_yet)) = self.limiter.check_n(cost) else { return };
        let until = Instant::now() + not_yet.wait_time_from(now);
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    fn wait(&self) -> Option<Duration> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }
}

impl Rates {
    /// How long whoever posts is to wait, if more comes in than is taken of what is proven.
    pub(crate) fn excess(&self, door: &str) -> Option<Duration> {
        let limiter =
            self.proven.of(door.to_owned(), || RateLimiter::direct(Quota::per_second(PROVEN)));
        let now = governor::clock::DefaultClock::default().now();
        limiter.check().err().map(|until| until.wait_time_from(now))
    }

    /// How long this peer is to wait at this door before anything more of it is looked at.
    pub(crate) fn shut(&self, from: &Peer, door: &str) -> Option<Duration> {
        self.unproven.known(&at(from, door))?.wait()
    }

    /// This proved nothing.
    pub(crate) fn in_vain(&self, post: &Post, door: &str) {
        let parts = u32::try_from(post.body.len() / PART_BYTES).unwrap_or(u32::MAX);
        let cost = NonZeroU32::MIN.saturating_add(parts);
        self.unproven.of(at(&post.from, door), Unproven::new).spend(cost);
    }
}

/// Whoever has one address of a network has them all: 64 bits of a longer one tell networks apart.
fn at(from: &Peer, door: &str) -> String {
    match from {
        Peer::User { .. } | Peer::Unknown => format!("socket {door}"),
        Peer::Loopback { from: IpAddr::V4(address), .. } => format!("{address} {door}"),
        Peer::Loopback { from: IpAddr::V6(address), .. } => {
            let network = address.to_bits() >> 64;
            format!("{network:x} {door}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_api::Address;

    fn post(from: &Peer, bytes: usize) -> Post {
        let address = Address::Receiver { name: "github".to_owned(), rest: String::new() };
        let body = vec![b'x'; bytes].into();
        Post { from: from.clone(), address, headers: Vec::new(), body }
    }

    fn peer(address: &str) -> Peer {
        Peer::Loopback { port: 7080, from: address.parse().unwrap() }
    }

    #[test]
    fn who_proves_nothing_is_shut_out_alone_and_takes_nothing_from_what_is_proven() {
        let (rates, bad, good) = (Rates::default(), peer("192.0.2.1"), peer("192.0.2.2"));
        for _ in 0..20_000 {
            rates.in_vain(&post(&bad, 100), "receiver github");
        }
        assert!(rates.shut(&bad, "receiver github").is_some());
        assert_eq!(rates.shut(&bad, "receiver other"), None);
        assert_eq!(rates.shut(&good, "receiver github"), None);
        assert_eq!(rates.excess("receiver github"), None);
    }

    #[test]
    fn a_few_in_vain_shut_nobody_out_and_large_ones_count_more() {
        let (rates, small, large) = (Rates::default(), peer("192.0.2.1"), peer("192.0.2.3"));
        for _ in 0..100 {
            rates.in_vain(&post(&small, 100), "receiver github");
            rates.in_vain(&post(&large, 2 * 1024 * 1024), "receiver github");
        }
        assert_eq!(rates.shut(&small, "receiver github"), None);
        assert!(rates.shut(&large, "receiver github").is_some());
    }

    #[test]
    fn the_addresses_of_one_network_are_one_peer() {
        let (one, other) = (peer("2001:db8:1:2::3"), peer("2001:db8:1:2:ffff::9"));
        assert_eq!(at(&one, "x"), at(&other, "x"));
        assert_ne!(at(&one, "x"), at(&peer("2001:db8:1:3::3"), "x"));
    }
}
