//! The published payloads cut short and with bits turned over, signed as they then are, so that they
//! come past the door: no answer is an error of ours, and nothing that is kept stays undecided.
//!
//! `GENNAKER_MUTATIONS` says how many (3000); `all` is each payload cut at 200 places and with 200 bits
//! turned. `GENNAKER_SEED` chooses others.

use super::payloads::{all, door};
use crate::{
    published::{Published, signed},
    request::Request,
};
use std::collections::BTreeMap;

const USUAL: usize = 3_000;
const OF_EACH: usize = 400;
const SENDERS: usize = 4;

/// Knuth's linear congruential generator (MMIX), its high bits.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// The header that names the event; those of a path or a body have none.
fn event(request: &Request) -> String {
    let names = ["x-github-event", "x-gitea-event", "x-gitlab-event", "x-event-key"];
    let header = |name: &&str| request.headers.iter().find(|(key, _)| key == *name);
    let found = names.iter().find_map(header);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn mutated(published: &Published, chance: &mut Chance) -> Request {
    let mut body = published.request.body.clone();
    match chance.below(2) {
        0 => body.truncate(chance.below(body.len())),
        _ => {
            let (at, bit) = (chance.below(body.len()), chance.below(8));
            if let Some(byte) = body.get_mut(at) {
                *byte ^= 1 << bit;
            }
        }
    }
    let mut request = signed(published.provider, &event(&published.request), body);
    let kind = published.request.headers.iter().find(|(name, _)| name == "content-type");
    request.headers.extend(kind.cloned());
    request
}

#[test]
fn payloads_that_are_cut_or_turned_over_are_answered_too() {
    let (mut door, published) = (door(), all());
    let asked = std::env::var("GENNAKER_MUTATIONS").ok();
    let count = match asked.as_deref() {
        Some("all") => published.len() * OF_EACH,
        Some(text) => text.parse().unwrap(),
        None => USUAL,
    };
    let seed = std::env::var("GENNAKER_SEED").map_or(1, |text| text.parse().unwrap());
    println!("seed {seed}, {count} mutations");
    let send = |sender: usize| {
        let (mut line, mut chance) =
            (door.connect(), Chance(seed * SENDERS as u64 + sender as u64));
        let mut told = BTreeMap::<u16, usize>::new();
        for number in (sender..count).step_by(SENDERS) {
            let one = &published[number % published.len()];
            let request = mutated(one, &mut chance);
            let answer = line.post(&one.provider.to_ascii_lowercase(), &request);
            let name = || format!("{} by {seed}/{sender}", one.name);
            answer.holds(&name());
            assert_ne!(answer.status, 401, "{}", name());
            *told.entry(answer.status).or_default() += 1;
        }
        told
    };
    let mut told = BTreeMap::<u16, usize>::new();
    std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..SENDERS).map(|sender| scope.spawn(move || send(sender))).collect();
        for sender in senders {
            for (status, times) in sender.join().unwrap() {
                *told.entry(status).or_default() += times;
            }
        }
    });
    println!("{told:?}");
    let of = |status: u16| told.get(&status).copied().unwrap_or_default();
    assert!(of(400) > 0 && of(202) > 0, "{told:?}");
    assert_eq!(door.decided().len(), of(202));
}
