//! Requests as they stand on the wire, by the socket or over loopback, and their answers.

use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
    time::Duration,
};

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The engine's socket, however deep it lies.
pub(crate) fn socket(path: &Path) -> UnixStream {
    let directory = File::open(path.parent().unwrap()).unwrap();
    let short = format!("/proc/self/fd/{}/engine.sock", directory.as_raw_fd());
    UnixStream::connect(short).unwrap()
}

/// Says `text`, and reads to the end; the other end must close.
pub(crate) fn exchange(mut stream: impl Read + Write, text: &[u8]) -> Reply {
    // Whoever is refused may hear no more of what is said.
    drop(stream.write_all(text));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = match head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        true => unchunked(body),
        false => body.to_owned(),
    };
    Reply { status: status.unwrap_or(0), head: head.to_owned(), body }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

/// A GET with these further header lines.
pub(crate) fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n")
}

/// A POST of JSON with these further header lines.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
}

pub(crate) fn tcp(address: &str) -> TcpStream {
    TcpStream::connect(address).unwrap()
}

/// A stream of events.
pub(crate) struct Events {
    lines: std::io::Lines<BufReader<UnixStream>>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) id: u64,
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Events {
    pub(crate) fn follow(path: &Path, query: &str, headers: &str) -> Events {
        let mut stream = socket(path);
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let text = format!("GET /api/v1/events{query} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        Events { lines: BufReader::new(stream).lines() }
    }

    /// The next event; nothing once the stream has ended.
    pub(crate) fn next(&mut self) -> Option<Heard> {
        let (mut id, mut event) = (None, String::new());
        for line in self.lines.by_ref().map_while(Result::ok) {
            if let Some(value) = line.strip_prefix("id: ") {
                id = value.parse().ok();
            } else if let Some(value) = line.strip_prefix("event: ") {
                event = value.to_owned();
            } else if let Some(value) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(value).unwrap();
                return Some(Heard { id: id.unwrap(), event, data });
            }
        }
        None
    }

    /// Listens until a comment comes.
    pub(crate) fn comment(&mut self) -> bool {
        self.lines.by_ref().map_while(Result::ok).any(|line| line.starts_with(':'))
    }
}
