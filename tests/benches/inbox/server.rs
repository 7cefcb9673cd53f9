//! The program as its users have it, with a pipeline that listens at an address of its own.

use crate::{load::Wanted, program::PROGRAM};
use engine_core::{event::Event, view::RowView};
use ring::hmac;
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::{fd::AsRawFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    time::{Duration, Instant},
};
use tempfile::TempDir;

const SECRET: &str = "only both sides know of this bench";
const PIPELINE: &str = "version: 1
name: bench
concurrency: {limit: 1000, strategy: queue}
triggers:
  - webhook: {name: built, verify: {scheme: github, secrets: [BENCH]}}
    when: trigger.payload.start
stages:
  note: {setVariables: {done: true}}
";

/// Whoever is posted to.
pub(crate) trait Server: Sync {
    fn address(&self) -> &str;
    fn request(&self, body: &str) -> Vec<u8>;

    fn connect(&self) -> Line {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Line(BufReader::new(stream))
    }
}

pub(crate) fn body(number: usize, wanted: Wanted) -> String {
    let start = wanted == Wanted::Start;
    // As large as a small push.
    let filling = "x".repeat(2_000);
    format!("{{\"number\": {number}, \"start\": {start}, \"filling\": \"{filling}\"}}")
}

/// One connection, on which one request follows another.
pub(crate) struct Line(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
}

impl Line {
    pub(crate) fn send(&mut self, request: &[u8]) -> Reply {
        self.0.get_mut().write_all(request).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.0.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            match line.trim_end().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        self.0.read_exact(&mut vec![0; length]).unwrap();
        Reply { status }
    }
}

pub(crate) struct Ours {
    folder: TempDir,
    address: String,
    engine: Child,
}

impl Ours {
    pub(crate) fn start() -> Ours {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".gennaker")).unwrap();
        std::fs::write(folder.path().join(".gennaker/bench.yaml"), PIPELINE).unwrap();
        let mut engine = Command::new(&*PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0", "--state"])
            .arg(folder.path().join("state"))
            .current_dir(folder.path())
            .env("GENNAKER_SECRET_BENCH", SECRET)
            .env_remove("KUBECONFIG")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(engine.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref().map_while(Result::ok) {
            address = address.or(line.strip_prefix("for reading: http://").map(str::to_owned));
            if line.starts_with("listening on") {
                break;
            }
        }
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Ours { folder, address: address.expect("the engine listens"), engine }
    }

    pub(crate) fn forged(&self, body: &str) -> Vec<u8> {
        signed(body, &hmac::Key::new(hmac::HMAC_SHA256, b"somebody else"))
    }

    /// Most of what it had in memory so far.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.engine.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Follows what happens, with the time at which it was heard.
    pub(crate) fn ends(&self) -> Ends {
        let state = self.folder.path().join("state");
        let directory = File::open(state).unwrap();
        let path = format!("/proc/self/fd/{}/engine.sock", directory.as_raw_fd());
        let mut stream = UnixStream::connect(path).unwrap();
        stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream).lines();
        // The head has come: from here on everything is told.
        while lines.next().unwrap().unwrap() != "" {}
        let (heard, hears) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data: ") else { continue };
                if heard.send((Instant::now(), data.to_owned())).is_err() {
                    return;
                }
            }
        });
        Ends(hears)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.engine.kill());
        drop(self.engine.wait());
    }
}

impl Server for Ours {
    fn address(&self) -> &str {
        &self.address
    }

    fn request(&self, body: &str) -> Vec<u8> {
        signed(body, &KEY)
    }
}

static KEY: LazyLock<hmac::Key> =
    LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()));

fn signed(body: &str, key: &hmac::Key) -> Vec<u8> {
    let signature = hex::encode(hmac::sign(key, body.as_bytes()));
    format!(
        "POST /hooks/bench/built HTTP/1.1\r\nhost: localhost\r\nx-hub-signature-256: sha256={signature}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The ends of stages and runs, as they are told.
pub(crate) struct Ends(mpsc::Receiver<(Instant, String)>);

impl Ends {
    fn until(&self, is_it: impl Fn(&Event) -> bool) -> Instant {
        loop {
            let (at, data) = self.0.recv_timeout(Duration::from_secs(30)).expect("it is told");
            let data: Value = serde_json::from_str(&data).unwrap();
            let Ok(row) = serde_json::from_value::<RowView>(data) else { continue };
            if row.events.iter().any(&is_it) {
                return at;
            }
        }
    }

    pub(crate) fn first_step(&mut self) -> Instant {
        self.until(|event| matches!(event, Event::StageSucceeded { .. }))
    }

    /// A run may end in the row of its only stage.
    pub(crate) fn run_ended(&mut self) {
        while self.0.try_recv().is_ok() {}
    }
}
