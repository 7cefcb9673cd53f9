//! Server-sent events as they come in.

use anyhow::{Context, bail};
use engine_core::{id::Position, view::RowView};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::task::JoinHandle;

/// One event may be this large.
const EVENT_BYTES: usize = 16 * 1024 * 1024;

/// What an engine tells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Row(Box<RowView>),
    /// The cursor meant nothing; it goes on after this one.
    Reset(Position),
}

pub(crate) struct Events {
    body: Incoming,
    driven: JoinHandle<()>,
    parser: Parser,
}

impl Events {
    pub(super) fn new(body: Incoming, driven: JoinHandle<()>) -> Events {
        Events { body, driven, parser: Parser::default() }
    }

    /// The next one; nothing once the engine has closed the stream. May be dropped while it waits.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Told>> {
        loop {
            if let Some(told) = self.parser.next()? {
                return Ok(Some(told));
            }
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            if let Some(bytes) = frame.context("the stream broke off")?.data_ref() {
                self.parser.take(bytes)?;
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.driven.abort();
    }
}

#[derive(Default)]
struct Parser {
    bytes: Vec<u8>,
    event: String,
    data: String,
}

#[derive(Deserialize)]
struct Reset {
    from: Position,
}

impl Parser {
    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if self.bytes.len() + bytes.len() > EVENT_BYTES {
            bail!("the engine tells of something larger than {EVENT_BYTES} bytes");
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What has come in whole.
    fn next(&mut self) -> anyhow::Result<Option<Told>> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8(line).context("the stream is no text")?;
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let (event, data) =
                    (std::mem::take(&mut self.event), std::mem::take(&mut self.data));
                match event.as_str() {
                    "row" => return Ok(Some(Told::Row(serde_json::from_str(&data)?))),
                    "reset" => {
                        let Reset { from } = serde_json::from_str(&data)?;
                        return Ok(Some(Told::Reset(from)));
                    }
                    // A later engine may tell of more.
                    _ => continue,
                }
            }
            match line.split_once(':') {
                Some(("event", value)) => self.event = value.trim_start().to_owned(),
                Some(("data", value)) => self.data.push_str(value.trim_start()),
                Some(_) | None => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_by_any_parts_and_the_rest_is_left_out() {
        let text = ": still here\n\nretry: 3000\nid: 4\nevent: reset\ndata: {\"from\": 4}\n\n\
                    event: other\ndata: {}\n\nevent: reset\r\ndata: {\"from\":7}\r\n\r\n";
        for size in [1, 2, 7, 1_000] {
            let (mut parser, mut told) = (Parser::default(), Vec::new());
            for part in text.as_bytes().chunks(size) {
                parser.take(part).unwrap();
                while let Some(next) = parser.next().unwrap() {
                    told.push(next);
                }
            }
            assert_eq!(told, [Told::Reset(Position(4)), Told::Reset(Position(7))], "{size}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let (mut parser, part) = (Parser::default(), vec![b'x'; 1024 * 1024]);
        assert!((0..17).map(|_| parser.take(&part)).any(|taken| taken.is_err()));
    }
}
