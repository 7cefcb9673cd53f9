//! The intervals of several windows, computed ahead and kept: a question is one search in a list.

use super::window::{Interval, Window};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// How far ahead is computed at once.
const AHEAD: i64 = 400 * 86_400;
/// 2100-01-01 in UTC: patterns of time are told up to there.
const LAST: i64 = 4_102_444_800;
/// Stretches that one search for a change looks through: more than eleven years, if windows are rare.
const MAX_STRETCHES: usize = 12;
/// Windows that one question looks through anew, beyond those of the instant that is asked about.
const MAX_SEARCHED: usize = 256;
/// Stretches that are kept.
const MAX_KEPT: usize = 32;

/// The times of one freeze.
///
/// What it has computed it keeps; that changes no answer.
#[derive(Debug, Default)]
pub struct Times {
    windows: Vec<Window>,
    kept: RwLock<BTreeMap<i64, Arc<Stretch>>>,
}

/// How much one question may still look through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn of_one_question() -> Budget {
        Budget(MAX_SEARCHED)
    }

    pub(super) fn unbounded() -> Budget {
        Budget(usize::MAX)
    }
}

/// Whether windows are open at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Inside,
    Outside,
    /// It cannot be told within the bounds.
    Unknown,
}

/// All intervals that touch `[from, until)`: in order, and none touches another.
#[derive(Debug)]
struct Stretch {
    until: i64,
    intervals: Vec<Interval>,
}

impl Times {
    pub fn new(windows: Vec<Window>) -> Times {
        Times { windows, kept: RwLock::default() }
    }

    /// Whether a window is open at a second since the Unix epoch.
    pub fn at(&self, second: i64) -> At {
        self.at_within(second, &mut Budget::unbounded())
    }

    pub(super) fn at_within(&self, second: i64, budget: &mut Budget) -> At {
        match self.stretch(second, budget) {
            None => At::Unknown,
            Some(stretch) => match stretch.around(second) {
                Some(_) => At::Inside,
                None => At::Outside,
            },
        }
    }

    /// What of `[from, to)`, in seconds since the Unix epoch, windows are open in: in order, and no
    /// interval touches another. At most `most`, and fewer if they cannot be told within the bounds.
    pub fn intervals(&self, (from, to): (i64, i64), most: usize) -> Vec<(i64, i64)> {
        let (mut found, mut budget) = (Vec::<(i64, i64)>::new(), Budget::of_one_question());
        let mut at = from;
        while let Some(stretch) = (at < to).then(|| self.stretch(at, &mut budget)).flatten() {
            let until = to.min(stretch.until);
            let next = stretch.intervals.partition_point(|it| it.end <= at);
            for interval in stretch.intervals[next..].iter().take_while(|it| it.start < until) {
                let (start, end) = (interval.start.max(at), interval.end.min(until));
                let is_full = found.len() == most;
                match found.last_mut() {
                    Some(last) if last.1 == start => last.1 = end,
                    Some(_) | None if is_full => return found,
                    Some(_) | None => found.push((start, end)),
                }
            }
            at = until;
        }
        found
    }

    /// When the windows that are open at `second` have all ended, if that can be told.
    pub(super) fn end(&self, second: i64, budget: &mut Budget) -> Option<i64> {
        let mut end = second;
        for _ in 0..MAX_STRETCHES {
            let stretch = self.stretch(end, budget)?;
            match stretch.around(end) {
                None => return Some(end),
                Some(interval) if interval.end < stretch.until => return Some(interval.end),
                Some(interval) => end = interval.end,
            }
        }
        None
    }

    /// When a window next opens after `second`, if that can be told.
    pub(super) fn start(&self, second: i64, budget: &mut Budget) -> Option<i64> {
        let mut from = second;
        for _ in 0..MAX_STRETCHES {
            let stretch = self.stretch(from, budget)?;
            let at = stretch.intervals.partition_point(|it| it.start <= second);
            if let Some(next) = stretch.intervals.get(at) {
                return Some(next.start);
            }
            from = stretch.until;
        }
        None
    }

    fn stretch(&self, second: i64, budget: &mut Budget) -> Option<Arc<Stretch>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.range(..=second).next_back().map(|(_, stretch)| stretch);
        if let Some(stretch) = found.filter(|stretch| second < stretch.until) {
            return Some(stretch.clone());
        }
        drop(kept);
        budget.0 = budget.0.checked_sub(self.windows.len())?;
        let stretch = Arc::new(Stretch::compute(&self.windows, second)?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(second, stretch.clone());
        Some(stretch)
    }
}

impl Stretch {
    /// None if not even the first second of it can be told.
    fn compute(windows: &[Window], from: i64) -> Option<Stretch> {
        if !(0..LAST).contains(&from) {
            return None;
        }
        let mut until = LAST.min(from + AHEAD);
        let mut intervals = Vec::new();
        for window in windows {
            let found = window.occurrences((from, until));
            until = until.min(found.until);
            intervals.extend(found.intervals);
        }
        if until <= from {
            return None;
        }
        intervals.retain(|it| it.start < until);
        Some(Stretch { until, intervals: merged(intervals) })
    }

    fn around(&self, second: i64) -> Option<Interval> {
        let at = self.intervals.partition_point(|it| it.end <= second);
        self.intervals.get(at).copied().filter(|it| it.start <= second)
    }
}

/// Where one ends as the next begins, there is no instant between them.
fn merged(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
    for next in intervals {
        match merged.last_mut() {
            Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
            Some(_) | None => merged.push(next),
        }
    }
    merged
}
