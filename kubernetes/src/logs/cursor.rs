//! A place in a log. Servers can be asked from a whole second on, so the lines since then are counted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const SECOND_NS: i64 = 1_000_000_000;

/// A stored format. The default is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cursor {
    /// From which second on the log is asked for again.
    since_s: i64,
    /// How many lines of that second or later were read.
    seen: u64,
    /// The newest instant of a line that was read: what is newer was not.
    newest_ns: i64,
}

/// The lines at the beginning of an answer that were read before.
pub(super) struct Known {
    left: u64,
    newest_ns: i64,
}

impl Cursor {
    /// The place behind one more line. Lines of two streams may be stamped out of order by a little.
    pub(super) fn behind(mut self, at_ns: i64) -> Cursor {
        let second = at_ns.div_euclid(SECOND_NS);
        if second > self.since_s {
            (self.since_s, self.seen) = (second, 1);
        } else if second == self.since_s {
            self.seen += 1;
        }
        self.newest_ns = self.newest_ns.max(at_ns);
        self
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        if self.seen == 0 { None } else { Timestamp::from_second(self.since_s).ok() }
    }

    pub(super) fn known(&self) -> Known {
        Known { left: self.seen, newest_ns: self.newest_ns }
    }
}

impl Known {
    /// Whether the next line of an answer was read before. A log that was rotated meanwhile begins
    /// with newer lines.
    pub(super) fn has(&mut self, at_ns: i64) -> bool {
        if self.left > 0 && at_ns <= self.newest_ns {
            self.left -= 1;
            return true;
        }
        self.left = 0;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a server answers that is asked from `cursor` on.
    fn answer(log: &[i64], cursor: &Cursor) -> Vec<i64> {
        let since = cursor.since().map_or(i64::MIN, |since| since.as_second() * SECOND_NS);
        log.iter().copied().filter(|at| *at >= since).collect()
    }

    fn read(log: &[i64], cursor: &mut Cursor, limit: usize) -> Vec<i64> {
        let mut known = cursor.known();
        let news = answer(log, cursor).into_iter().filter(|at| !known.has(*at));
        let read: Vec<i64> = news.take(limit).collect();
        *cursor = read.iter().fold(*cursor, |cursor, at| cursor.behind(*at));
        read
    }

    proptest! {
        #[test]
        fn however_often_reading_begins_again_each_line_comes_once(
            steps in proptest::collection::vec(0_i64..700_000_000, 0..60),
            limits in proptest::collection::vec(1_usize..9, 60),
        ) {
            let start = 1_700_000_000 * SECOND_NS;
            let log: Vec<i64> = steps.iter().scan(start, |at, step| {
                // Many lines have the very same instant.
                *at += if *step < 300_000_000 { 0 } else { *step };
                Some(*at)
            }).collect();
            let (mut cursor, mut all) = (Cursor::default(), Vec::new());
            for limit in limits {
                all.extend(read(&log, &mut cursor, limit));
            }
            prop_assert_eq!(all, log);
        }
    }

    #[test]
    fn lines_of_two_streams_may_be_stamped_out_of_order() {
        let at = |ns: i64| 1_700_000_000 * SECOND_NS + ns;
        let log = [at(10), at(9), at(11)];
        let mut cursor = Cursor::default();
        for line in log {
            assert_eq!(read(&log, &mut cursor, 1), [line]);
        }
    }

    #[test]
    fn a_rotated_log_is_read_from_its_beginning() {
        let at = |ns: i64| 1_700_000_000 * SECOND_NS + ns;
        let mut cursor = Cursor::default();
        read(&[at(1), at(2), at(3)], &mut cursor, 3);
        assert_eq!(read(&[at(4), at(5)], &mut cursor, 9), [at(4), at(5)]);
    }
}
