//! Whether an attempt is followed by another, and when: a function of the attempt alone.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// How often and for what a stage is tried again. The default is not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Further tries after the first.
    pub limit: u32,
    pub backoff: Backoff,
    pub causes: BTreeSet<Cause>,
}

/// The pause before try `n + 1` is `initial * factor^(n - 1)`, at most `max`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    pub initial_ms: u64,
    pub factor: f64,
    pub max_ms: u64,
}

/// Why an attempt did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// Could not reach, or could not tell.
    Error,
    /// It said no.
    Failure,
    /// The attempt's time ran out.
    Timeout,
    /// The stage type itself is broken or gone. Trying again cannot help, whatever the file says.
    Defect,
}

/// What follows an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    Again { after: Duration },
    Over,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { initial_ms: 10_000, factor: 2.0, max_ms: 300_000 }
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            limit: 0,
            backoff: Backoff::default(),
            causes: BTreeSet::from([Cause::Error, Cause::Timeout]),
        }
    }
}

impl Retry {
    /// Judges attempt `attempt` (the first is 1).
    pub fn judge(&self, attempt: u32, cause: Cause) -> Verdict {
        let again = match cause {
            Cause::Error | Cause::Failure | Cause::Timeout => self.causes.contains(&cause),
            Cause::Defect => false,
        };
        if again && attempt <= self.limit {
            Verdict::Again { after: self.backoff.after(attempt) }
        } else {
            Verdict::Over
        }
    }
}

impl Backoff {
    /// The pause after attempt `attempt`. A factor that runs away ends at `max`.
    pub fn after(&self, attempt: u32) -> Duration {
        let doublings = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let initial = Duration::from_millis(self.initial_ms);
        let grown = initial.as_secs_f64() * self.factor.powi(doublings);
        let max = Duration::from_millis(self.max_ms);
        Duration::try_from_secs_f64(grown).map_or(max, |pause| pause.min(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_two_means_three_attempts() {
        let retry = Retry { limit: 2, ..Retry::default() };
        let verdicts = [1, 2, 3].map(|attempt| retry.judge(attempt, Cause::Error));
        assert_eq!(
            verdicts,
            [
                Verdict::Again { after: Duration::from_secs(10) },
                Verdict::Again { after: Duration::from_secs(20) },
                Verdict::Over,
            ]
        );
    }

    #[test]
    fn a_failure_is_not_repeated_unless_the_author_asked_for_it() {
        let retry = Retry { limit: 1, ..Retry::default() };
        assert_eq!(retry.judge(1, Cause::Failure), Verdict::Over);
    }

    #[test]
    fn a_defect_is_never_repeated() {
        let causes = BTreeSet::from([Cause::Error, Cause::Failure, Cause::Timeout, Cause::Defect]);
        let retry = Retry { limit: 9, causes, ..Retry::default() };
        assert_eq!(retry.judge(1, Cause::Defect), Verdict::Over);
    }

    #[test]
    fn a_backoff_that_runs_away_stops_at_its_maximum() {
        let backoff = Backoff { initial_ms: 1_000, factor: 1e300, max_ms: 60_000 };
        assert_eq!(backoff.after(u32::MAX), Duration::from_secs(60));
    }
}
