//! The clocks: the machine's own, and tokio's for rehearsals.

use engine_core::{
    BoxFuture,
    clock::{Civil, Clock, Elapsed, Moment, Now},
};
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Nobody sleeps longer than this without looking at the clock again: the wall clock may be set,
/// and the machine may have been asleep.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// `elapsed` follows `CLOCK_BOOTTIME` from where the last recorded moment left off.
pub struct SystemClock {
    start: Elapsed,
    boot_at_start: u64,
}

impl SystemClock {
    /// Goes on at the last recorded moment plus what the wall clock says has passed since.
    pub fn after(last: Option<Now>) -> SystemClock {
        let down = |last: Now| civil_now().0.saturating_sub(last.civil.0);
        let start = last.map_or(Elapsed(0), |last| Elapsed(last.elapsed.0 + down(last)));
        SystemClock { start, boot_at_start: boot_now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let elapsed = Elapsed(self.start.0 + boot_now().saturating_sub(self.boot_at_start));
        Now { elapsed, civil: civil_now() }
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            loop {
                let now = self.now();
                if at.is_past(now) {
                    return;
                }
                tokio::time::sleep(remaining(at, now).min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// Tokio's clock: real time in a running program, virtual where the runtime's clock is paused.
pub struct TokioClock {
    origin: Instant,
    civil_at_origin: Civil,
}

impl TokioClock {
    pub fn starting_at(civil: Civil) -> TokioClock {
        TokioClock { origin: Instant::now(), civil_at_origin: civil }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let elapsed = engine_core::clock::milliseconds(self.origin.elapsed());
        Now { elapsed: Elapsed(elapsed), civil: Civil(self.civil_at_origin.0 + elapsed) }
    }

    fn sleep_until(&self, at: Moment) -> BoxFuture<'_, ()> {
        Box::pin(async move { tokio::time::sleep(remaining(at, self.now())).await })
    }
}

fn remaining(at: Moment, now: Now) -> Duration {
    match at {
        Moment::Elapsed(at) => at.since(now.elapsed),
        Moment::Civil(at) => Duration::from_millis(at.0.saturating_sub(now.civil.0)),
    }
}

fn boot_now() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000 + u64::try_from(time.tv_nsec / 1_000_000).unwrap_or(0)
}

fn civil_now() -> Civil {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Civil(engine_core::clock::milliseconds(since))
}
