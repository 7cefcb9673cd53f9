//! Leaves a cluster alone that does not answer, for longer each time, so that it slows nobody.

use std::time::Duration;
use tokio::time::Instant;

/// Calls in a row that must fail to reach the cluster before it is left alone.
const PATIENCE: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often the cluster was not reached in a row, and until when it is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    rests_until: Option<Instant>,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    Open,
    Closed { left: Duration },
}

impl Breaker {
    /// After a rest one call at a time tries: whoever passes first starts the next rest.
    pub(crate) fn ask(&mut self, now: Instant) -> Passage {
        match self.rests_until {
            Some(until) if now < until => Passage::Closed { left: until - now },
            Some(_) => {
                self.rests_until = Some(now + self.pause());
                Passage::Open
            }
            None => Passage::Open,
        }
    }

    /// The cluster answered, whatever it said.
    pub(crate) fn reached(&mut self) {
        *self = Breaker::default();
    }

    pub(crate) fn missed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= PATIENCE {
            self.rests_until = Some(now + self.pause());
        }
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(PATIENCE).min(10);
        (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missed(times: u32, now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        (0..times).for_each(|_| breaker.missed(now));
        breaker
    }

    #[test]
    fn a_cluster_rests_after_five_misses_for_longer_each_time_up_to_thirty_seconds() {
        let now = Instant::now();
        for (misses, seconds) in
            [(4, None), (5, Some(1)), (6, Some(2)), (9, Some(16)), (40, Some(30))]
        {
            let passage = missed(misses, now).ask(now);
            let expected = seconds.map_or(Passage::Open, |seconds| Passage::Closed {
                left: Duration::from_secs(seconds),
            });
            assert_eq!(passage, expected, "{misses}");
        }
    }

    #[test]
    fn after_a_rest_one_call_passes_and_an_answer_ends_all_caution() {
        let now = Instant::now();
        let mut breaker = missed(5, now);
        let later = now + Duration::from_secs(1);
        assert_eq!(breaker.ask(later), Passage::Open);
        assert!(matches!(breaker.ask(later), Passage::Closed { .. }));
        breaker.reached();
        assert_eq!(breaker.ask(later), Passage::Open);
        breaker.missed(later);
        assert_eq!(breaker.ask(later), Passage::Open);
    }
}
