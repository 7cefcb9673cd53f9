//! What all freezes that concern a place say of an instant: open or closed, and until when.

use super::calendar::{At, Budget, Times};
use crate::clock::Civil;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Changes of several freezes that one search looks through.
const MAX_CHANGES: usize = 400;

/// What the windows of a freeze do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Within them nothing may be changed.
    #[default]
    Deny,
    /// Outside of them nothing may be changed.
    Allow,
}

/// One freeze that concerns the place that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Ruling<'a> {
    pub kind: Kind,
    pub times: &'a Times,
}

/// When something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Instant {
    At(Civil),
    /// Never, or so late that it was not looked for.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Open {
        closes: Instant,
    },
    Closed {
        /// The first freeze that closes, by its place among those asked.
        by: usize,
        opens: Instant,
    },
}

/// What freezes say of an instant. Whatever denies closes; if some allow, one of them must be open; and
/// what cannot be told is closed.
pub fn decide(rulings: &[Ruling<'_>], now: Civil) -> Answer {
    let (second, budget) = (seconds(now), &mut Budget::of_one_question());
    match closing(rulings, second, &mut Budget::unbounded()) {
        Some(by) => Answer::Closed { by, opens: instant(opening(rulings, second, budget)) },
        None => Answer::Open { closes: instant(next_closing(rulings, second, budget)) },
    }
}

/// Whether nothing closes an instant, without a look at when that changes.
pub fn is_open(rulings: &[Ruling<'_>], now: Civil) -> bool {
    closing(rulings, seconds(now), &mut Budget::unbounded()).is_none()
}

/// Whether freezes close an instant: the first one that does.
fn closing(rulings: &[Ruling<'_>], second: i64, budget: &mut Budget) -> Option<usize> {
    let mut shut = None;
    let mut allowed = false;
    for (at, ruling) in rulings.iter().enumerate() {
        match (ruling.kind, ruling.times.at_within(second, budget)) {
            (Kind::Deny, At::Inside | At::Unknown) => return Some(at),
            (Kind::Deny, At::Outside) => {}
            (Kind::Allow, At::Inside) => allowed = true,
            (Kind::Allow, At::Outside | At::Unknown) => shut = shut.or(Some(at)),
        }
    }
    if allowed { None } else { shut }
}

/// The first instant from `second` on that is open.
fn opening(rulings: &[Ruling<'_>], second: i64, budget: &mut Budget) -> Option<i64> {
    let mut at = second;
    for _ in 0..MAX_CHANGES {
        let Some(by) = closing(rulings, at, budget) else { return Some(at) };
        at = match rulings[by].kind {
            Kind::Deny => rulings[by].times.end(at, budget)?,
            Kind::Allow => allows(rulings).filter_map(|it| it.start(at, budget)).min()?,
        };
    }
    None
}

/// The first instant after `second`, which is open, that is closed.
fn next_closing(rulings: &[Ruling<'_>], second: i64, budget: &mut Budget) -> Option<i64> {
    let denies = rulings.iter().filter(|it| it.kind == Kind::Deny);
    let denied = denies.filter_map(|it| it.times.start(second, budget)).min();
    let shut = match allows(rulings).next() {
        Some(_) => shutting(rulings, second, budget),
        None => None,
    };
    denied.into_iter().chain(shut).min()
}

/// When the last of the windows that allow has ended, of those that follow each other without a gap.
fn shutting(rulings: &[Ruling<'_>], second: i64, budget: &mut Budget) -> Option<i64> {
    let mut allowed = second;
    for _ in 0..MAX_CHANGES {
        let mut latest = allowed;
        for times in allows(rulings) {
            latest = latest.max(times.end(allowed, budget)?);
        }
        if latest == allowed {
            return Some(allowed);
        }
        allowed = latest;
    }
    None
}

fn allows<'a>(rulings: &[Ruling<'a>]) -> impl Iterator<Item = &'a Times> {
    rulings.iter().filter(|it| it.kind == Kind::Allow).map(|it| it.times)
}

fn seconds(at: Civil) -> i64 {
    i64::try_from(at.0 / 1_000).unwrap_or(i64::MAX)
}

fn instant(found: Option<i64>) -> Instant {
    match found.and_then(|it| u64::try_from(it).ok()?.checked_mul(1_000)) {
        Some(milliseconds) => Instant::At(Civil(milliseconds)),
        None => Instant::Unknown,
    }
}
