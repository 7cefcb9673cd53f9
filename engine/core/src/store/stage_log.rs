//! What the programs of stages print. It stands beside the log of events: nothing is decided by it.

use crate::{clock::Civil, id::RunId};
use serde::{Deserialize, Serialize};

/// The first lines that are kept of an attempt, in bytes, whatever follows.
pub const HEAD_BYTES: u64 = 5 * 1024 * 1024;
/// The last lines that are kept beside them.
pub const TAIL_BYTES: u64 = 5 * 1024 * 1024;
/// The longest line that is kept whole, in bytes.
pub const LINE_BYTES: usize = 16 * 1024;
/// What a line costs beside its words.
const LINE_OVERHEAD_BYTES: u64 = 32;

/// One attempt of one stage, whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptKey {
    pub run: RunId,
    pub stage: String,
    pub attempt: u32,
}

/// A line as it was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, by the clock of whoever printed it.
    pub at: Civil,
    /// Who printed it: `POD/CONTAINER`, or `gennaker`.
    pub source: String,
    pub text: String,
}

/// Lines that are kept together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Counts the chunks of the attempt, from 0.
    pub seq: u64,
    pub lines: Vec<Line>,
}

/// Lines that are to be kept next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAppend {
    pub key: AttemptKey,
    /// Its number says what was there when it was made: another one's lines are never followed by
    /// the same lines again.
    pub chunk: Chunk,
    /// Where whoever reads the lines is with them, in its own words.
    pub cursor: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum LogAppended {
    Written,
    /// The attempt's log is at another chunk: read its extent before going on.
    Elsewhere {
        next: u64,
    },
}

/// How much there is of an attempt's log, and what of it was cut out. A stored format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extent {
    /// The number of the next chunk.
    pub next: u64,
    pub cursor: String,
    pub head: Size,
    pub tail: Size,
    /// The first chunk behind the head that is kept, once there is one.
    pub tail_from: Option<u64>,
    /// What is gone from between the two.
    pub cut: Size,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub lines: u64,
    pub bytes: u64,
}

/// What a store does about its oldest chunk behind the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    None,
    /// Drop the oldest kept chunk from this number on, and say so by [`Extent::dropped`].
    From(u64),
}

impl Chunk {
    pub fn size(&self) -> Size {
        let bytes = self.lines.iter().map(Line::bytes).sum();
        Size { lines: self.lines.len() as u64, bytes }
    }
}

impl Line {
    pub fn bytes(&self) -> u64 {
        (self.text.len() + self.source.len()) as u64 + LINE_OVERHEAD_BYTES
    }

    /// The same, cut to what is kept of a line.
    #[must_use]
    pub fn bounded(mut self) -> Line {
        if self.text.len() > LINE_BYTES {
            let mut end = LINE_BYTES;
            while !self.text.is_char_boundary(end) {
                end -= 1;
            }
            let left = self.text.len() - end;
            self.text.truncate(end);
            self.text.push_str(&format!(" … {left} more bytes were cut"));
        }
        self
    }
}

impl Extent {
    /// Counts the next chunk in.
    pub fn add(&mut self, size: Size, cursor: String) {
        let fits = self.head.bytes + size.bytes <= HEAD_BYTES;
        match self.tail_from {
            None if fits => self.head.add(size),
            None => {
                self.tail_from = Some(self.next);
                self.tail.add(size);
            }
            Some(_) => self.tail.add(size),
        }
        self.next += 1;
        self.cursor = cursor;
    }

    /// Whether there is more than is kept. The newest chunk always is.
    pub fn excess(&self) -> Excess {
        match self.tail_from {
            Some(from) if self.tail.bytes > TAIL_BYTES && from + 1 < self.next => {
                Excess::From(from)
            }
            Some(_) | None => Excess::None,
        }
    }

    /// Counts a dropped chunk out.
    pub fn dropped(&mut self, seq: u64, size: Size) {
        self.tail.lines = self.tail.lines.saturating_sub(size.lines);
        self.tail.bytes = self.tail.bytes.saturating_sub(size.bytes);
        self.cut.add(size);
        self.tail_from = Some(seq + 1);
    }

    /// The chunk before which something was cut out, and the line that says so.
    pub fn gap(&self) -> Option<(u64, String)> {
        let from = self.tail_from.filter(|_| self.cut.lines > 0)?;
        let Size { lines, bytes } = self.cut;
        let mebibytes = bytes as f64 / (1024.0 * 1024.0);
        Some((from, format!("… {lines} lines ({mebibytes:.1} MiB) were cut out here …")))
    }
}

impl Size {
    fn add(&mut self, other: Size) {
        self.lines += other.lines;
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_keeps_its_head_and_its_tail_and_counts_what_is_gone() {
        let size = Size { lines: 10, bytes: 1024 * 1024 };
        let mut extent = Extent::default();
        let mut kept: Vec<u64> = Vec::new();
        for seq in 0..20 {
            extent.add(size, seq.to_string());
            kept.push(seq);
            while let Excess::From(seq) = extent.excess() {
                kept.retain(|kept| *kept != seq);
                extent.dropped(seq, size);
            }
        }
        assert_eq!(kept, [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]);
        assert_eq!((extent.head.lines, extent.tail.lines, extent.cut.lines), (50, 50, 100));
        assert_eq!((extent.next, extent.cursor.as_str()), (20, "19"));
        let gap = (15, "… 100 lines (10.0 MiB) were cut out here …".to_owned());
        assert_eq!(extent.gap(), Some(gap));
    }

    #[test]
    fn one_chunk_larger_than_the_tail_is_kept() {
        let mut extent = Extent::default();
        for bytes in [HEAD_BYTES, TAIL_BYTES * 2] {
            extent.add(Size { lines: 1, bytes }, String::new());
            assert_eq!(extent.excess(), Excess::None);
        }
    }

    #[test]
    fn a_long_line_is_cut_at_a_character_and_says_so() {
        let line = |text: String| Line { at: Civil(0), source: String::new(), text };
        let short = line("ä".repeat(10));
        assert_eq!(short.clone().bounded(), short);
        let cut = line(format!("a{}", "ä".repeat(LINE_BYTES))).bounded().text;
        assert!(cut.ends_with("ä … 16386 more bytes were cut"), "{}", &cut[cut.len() - 40..]);
    }
}
