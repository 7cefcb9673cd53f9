//! Time as a value on two lines, and the one trait that can ask for it.

use crate::BoxFuture;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Milliseconds on the engine's own durable line: steps of the wall clock are taken out, downtime
/// counts. Durations, timeouts and back-off are measured on it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Elapsed(pub u64);

/// Milliseconds since the Unix epoch, as people's clocks tell it. Instants that a person wrote down
/// and everything displayed are on this line.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Civil(pub u64);

/// One moment on both lines. An append has exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub elapsed: Elapsed,
    pub civil: Civil,
}

/// A moment to come, on the line on which it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Moment {
    Elapsed(Elapsed),
    Civil(Civil),
}

impl Moment {
    pub fn is_past(self, now: Now) -> bool {
        match self {
            Moment::Elapsed(at) => at <= now.elapsed,
            Moment::Civil(at) => at <= now.civil,
        }
    }
}

impl Elapsed {
    pub fn plus(self, duration: Duration) -> Elapsed {
        Elapsed(self.0.saturating_add(milliseconds(duration)))
    }

    pub fn since(self, earlier: Elapsed) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Whole milliseconds of a duration, as every stored format counts them.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The edge's access to time; the core itself only ever receives a [`Now`].
///
/// # Contract
///
/// `elapsed` never goes back while a process lives. `sleep_until` returns at or after its moment
/// and may be dropped and asked again at any time.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Now;
    fn sleep_until(&self, at: Moment) -> BoxFuture<'_, ()>;
}
