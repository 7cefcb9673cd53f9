//! Splits a stream of bytes into stamped lines of bounded length.

use futures::io::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;
use std::io;

/// What is more than this of one line, in bytes, is left out, stamp included.
const LONGEST: usize = 64 * 1024;

/// May be dropped between any two lines, and within one.
pub(super) struct Lines<R> {
    reader: R,
    partial: Vec<u8>,
}

pub(super) struct Stamped {
    pub(super) at_ns: i64,
    pub(super) text: String,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines { reader, partial: Vec::new() }
    }

    /// The next line; nothing at the end. A line without its line break is one at the end only.
    pub(super) async fn next(&mut self) -> io::Result<Option<Stamped>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                let last = std::mem::take(&mut self.partial);
                return Ok(stamped(&last));
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let (taken, line) = (end.unwrap_or(chunk.len()), end.map_or(chunk.len(), |at| at + 1));
            let room = LONGEST.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&chunk[..taken.min(room)]);
            self.reader.consume_unpin(line);
            if end.is_some() {
                let line = std::mem::take(&mut self.partial);
                if let Some(stamped) = stamped(&line) {
                    return Ok(Some(stamped));
                }
            }
        }
    }
}

/// What has no stamp is no line of a log: nodes put words of their own between them.
fn stamped(line: &[u8]) -> Option<Stamped> {
    let line = String::from_utf8_lossy(line);
    let (stamp, text) = line.split_once(' ').unwrap_or((&line, ""));
    let at: Timestamp = stamp.parse().ok()?;
    let at_ns = i64::try_from(at.as_nanosecond()).ok()?;
    let text = text.strip_suffix('\r').unwrap_or(text).to_owned();
    Some(Stamped { at_ns, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, io::Cursor};

    fn all(text: &[u8]) -> Vec<(i64, String)> {
        let mut lines = Lines::new(Cursor::new(text.to_vec()));
        let mut read = Vec::new();
        while let Some(line) = lines.next().now_or_never().unwrap().unwrap() {
            read.push((line.at_ns % 1_000, line.text));
        }
        read
    }

    #[test]
    fn each_stamped_line_is_one_and_nothing_else_is() {
        let text = b"2026-01-01T00:00:00.000000001Z one\n\
            unable to retrieve container logs\n\
            2026-01-01T00:00:00.000000002Z \n\
            2026-01-01T00:00:00.000000003Z a b\r\n\
            2026-01-01T00:00:00.000000004Z \xff end";
        let expected = [(1, "one"), (2, ""), (3, "a b"), (4, "\u{fffd} end")];
        assert_eq!(all(text), expected.map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_room() {
        let mut text = b"2026-01-01T00:00:00.000000001Z ".to_vec();
        text.resize(10 * LONGEST, b'x');
        assert_eq!(all(&text)[0].1.len(), LONGEST - 31);
    }
}
