//! What a release remembers between steps.

use engine_core::{clock::Elapsed, id::BlobName};
use kubernetes::readiness::Expectation;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A stored format: only extended, by fields with defaults and by phases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// Steps in a row that did not reach the cluster; counted up to where the pause stops growing.
    pub(crate) unreached: u32,
    pub(crate) phase: Phase,
}

/// How far a release is. Each phase may be repeated from its beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub(crate) enum Phase {
    /// Nothing is recorded, and nothing but perhaps the namespace is written.
    #[default]
    Preparing,
    /// A later run was here first, and a person is asked; `answered` answers came before.
    Asking { answered: usize },
    /// The sets are recorded; their objects up to `next`, in kind order, are applied.
    Applying(Applying),
    /// Everything is applied.
    Settling(Settling),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applying {
    pub(crate) releases: Vec<Release>,
    /// Civil milliseconds.
    pub(crate) began_at_ms: u64,
    pub(crate) next: usize,
    pub(crate) applied: Vec<Expectation>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settling {
    pub(crate) releases: Vec<Release>,
    pub(crate) applied: Vec<Expectation>,
    pub(crate) steadiness: Steadiness,
}

/// One component that is brought to one set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    pub(crate) component: String,
    pub(crate) set: BlobName,
    /// The sets whose objects are deleted where this one does not have them.
    #[serde(default)]
    pub(crate) leftovers: Vec<BlobName>,
}

/// Since when everything has been ready without a break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Steadiness {
    #[default]
    Unready,
    ReadySince(Elapsed),
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// 2^5 seconds are more than the longest pause.
const PAUSES: u32 = 5;

impl Progress {
    pub(crate) fn reached(phase: Phase) -> Progress {
        Progress { unreached: 0, phase }
    }

    /// The same, after one more step that did not reach the cluster, and how long to pause.
    pub(crate) fn unreached(self) -> (Progress, Duration) {
        let Unreached { times, pause } = unreached(self.unreached);
        (Progress { unreached: times, ..self }, pause)
    }
}

/// One more step in a row that did not reach the cluster.
pub(crate) struct Unreached {
    /// Counted up to where the pause stops growing, so that a long wait changes nothing.
    pub(crate) times: u32,
    /// How long to leave the cluster alone.
    pub(crate) pause: Duration,
}

pub(crate) fn unreached(before: u32) -> Unreached {
    let pause = (FIRST_PAUSE * 2_u32.pow(before.min(PAUSES))).min(LONGEST_PAUSE);
    Unreached { times: (before + 1).min(PAUSES + 1), pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_one_second_to_thirty_and_then_progress_stays_the_same() {
        let mut progress = Progress::default();
        let mut seconds = Vec::new();
        for _ in 0..8 {
            let pause;
            (progress, pause) = progress.unreached();
            seconds.push(pause.as_secs());
        }
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(progress.clone().unreached().0, progress);
    }

    #[test]
    fn progress_is_stored_by_its_phase() {
        let stored = serde_json::json!({"unreached": 0, "phase": {"phase": "preparing"}});
        assert_eq!(serde_json::to_value(Progress::default()).unwrap(), stored);
        let steadiness = Steadiness::ReadySince(Elapsed(5));
        let steady =
            Phase::Settling(Settling { releases: Vec::new(), applied: Vec::new(), steadiness });
        let stored = serde_json::to_value(Progress::reached(steady.clone())).unwrap();
        assert_eq!(stored["phase"]["steadiness"], serde_json::json!({"readySince": 5}));
        assert_eq!(serde_json::from_value::<Progress>(stored).unwrap().phase, steady);
    }
}
