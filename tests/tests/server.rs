//! A web server on loopback that plays a script for each path and remembers every request.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
};

pub(crate) struct Server {
    pub(crate) address: String,
    heard: Arc<(Mutex<Vec<Heard>>, Condvar)>,
}

/// A request as it came in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What the server does about a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reaction {
    Answer(u16, &'static str),
    /// Closes without a word.
    HangUp,
    /// Says nothing for as long as the other end listens.
    Silence,
    /// A body without an end.
    Flood,
}

/// Its clock stands still.
const STOPPED: &str = "date: Thu, 01 Jan 2026 00:00:00 GMT";

/// The reactions to the requests for one path, one after the other; the last is repeated.
pub(crate) type Script = &'static [(&'static str, &'static [Reaction])];

impl Server {
    pub(crate) fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<(Mutex<Vec<Heard>>, Condvar)> = Arc::default();
        let remembered = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let remembered = remembered.clone();
                std::thread::spawn(move || play(stream, script, &remembered));
            }
        });
        Server { address, heard }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.0.lock().unwrap().clone()
    }

    /// Waits until so many requests have come in.
    pub(crate) fn await_requests(&self, count: usize) {
        let (heard, news) = &*self.heard;
        let guard = heard.lock().unwrap();
        drop(news.wait_while(guard, |heard| heard.len() < count).unwrap());
    }
}

fn play(mut stream: TcpStream, script: Script, heard: &(Mutex<Vec<Heard>>, Condvar)) {
    let Some(request) = read(&stream) else { return };
    let path = request.line.split(' ').nth(1).unwrap().to_owned();
    let nth = {
        let mut all = heard.0.lock().unwrap();
        let before = all.iter().filter(|heard| heard.line == request.line).count();
        all.push(request);
        heard.1.notify_all();
        before
    };
    let reactions = script
        .iter()
        .find(|(wanted, _)| path.split('?').next() == Some(*wanted))
        .map(|(_, all)| *all);
    let reactions = reactions.unwrap_or(&[Reaction::Answer(404, "nothing here")]);
    // Whoever went away meanwhile hears nothing.
    drop(match reactions.get(nth).or(reactions.last()).unwrap() {
        Reaction::HangUp => Ok(()),
        Reaction::Silence => stream.read_exact(&mut [0]),
        Reaction::Answer(status, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\n{STOPPED}\r\nlocation: /moved\r\ncontent-length: {length}"
            );
            stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{body}").as_bytes())
        }
        Reaction::Flood => {
            let mut sent = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n");
            while sent.is_ok() {
                sent = stream.write_all(&[b'x'; 65_536]);
            }
            Ok(())
        }
    });
}

fn read(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Heard { line: line.trim().to_owned(), headers, body })
}
