//! Leaves a registry alone that does not answer, or that asks to be, so that it slows nobody.

use std::time::Duration;
use tokio::time::Instant;

/// Misses in a row before the registry is left alone unasked.
const PATIENCE: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that a registry may ask for, too.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often the registry was missed in a row, and until when it is left alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    rests_until: Option<Instant>,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Open,
    Closed { left: Duration },
}

/// What the registry said about when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    None,
    After(Duration),
}

impl Circuit {
    /// After a rest one call at a time tries: whoever passes first starts the next rest.
    pub(super) fn ask(&mut self, now: Instant) -> Passage {
        match self.rests_until {
            Some(until) if now < until => Passage::Closed { left: until - now },
            Some(_) => {
                self.rests_until = Some(now + self.pause());
                Passage::Open
            }
            None => Passage::Open,
        }
    }

    /// The registry answered, whatever it said.
    pub(super) fn reached(&mut self) {
        *self = Circuit::default();
    }

    /// It did not answer or does not want to: after how long to ask again.
    pub(super) fn missed(&mut self, wish: Wish, now: Instant) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let pause = match wish {
            Wish::None => self.pause(),
            Wish::After(wish) => wish.clamp(FIRST_PAUSE, LONGEST_PAUSE),
        };
        if wish != Wish::None || self.failures >= PATIENCE {
            self.rests_until = Some(now + pause);
        }
        pause
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(PATIENCE).min(10);
        (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_rests_after_three_misses_for_longer_each_time_up_to_a_minute() {
        let now = Instant::now();
        for (misses, seconds) in
            [(2, None), (3, Some(1)), (4, Some(2)), (8, Some(32)), (40, Some(60))]
        {
            let mut circuit = Circuit::default();
            for _ in 0..misses {
                circuit.missed(Wish::None, now);
            }
            let expected = seconds.map_or(Passage::Open, |seconds| Passage::Closed {
                left: Duration::from_secs(seconds),
            });
            assert_eq!(circuit.ask(now), expected, "{misses}");
        }
    }

    #[test]
    fn a_registry_gets_the_rest_it_asks_for_at_once_and_at_most_a_minute() {
        let now = Instant::now();
        for (wish, given) in [(7, 7), (0, 1), (86_400, 60)] {
            let mut circuit = Circuit::default();
            let again = circuit.missed(Wish::After(Duration::from_secs(wish)), now);
            assert_eq!(again, Duration::from_secs(given));
            assert_eq!(circuit.ask(now), Passage::Closed { left: again });
            assert_eq!(circuit.ask(now + again), Passage::Open);
            assert!(matches!(circuit.ask(now + again), Passage::Closed { .. }), "one at a time");
            circuit.reached();
            assert_eq!(circuit.ask(now), Passage::Open);
        }
    }
}
