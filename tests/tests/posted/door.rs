//! An engine with a receiver for each provider, and connections to it that stay open.

use crate::{
    program::{Talking, gennaker},
    request::Request,
};
use engine_core::{
    delivery::{Delivery, DeliveryFilter, State},
    id::DeliveryId,
    store::InboxReader,
};
use engine_runtime::sqlite::Sqlite;
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Door {
    folder: TempDir,
    address: String,
    engine: Talking,
}

/// A receiver, and the names and values of its secrets.
pub(super) struct Receiver<'a> {
    pub(super) name: String,
    pub(super) provider: &'a str,
    pub(super) secrets: Vec<(&'a str, &'a str)>,
}

impl Door {
    pub(super) fn open(receivers: &[Receiver<'_>]) -> Door {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "version: 1\nreceivers:\n".to_owned();
        let state = folder.path().join("state");
        let mut command = gennaker(&state, &["serve", "--listen", "127.0.0.1:0"]);
        for Receiver { name, provider, secrets } in receivers {
            let names: Vec<&str> = secrets.iter().map(|(name, _)| *name).collect();
            writeln!(text, "  {name}: {{provider: {provider}, secrets: [{}]}}", names.join(", "))
                .unwrap();
            for (name, value) in secrets {
                command.env(format!("GENNAKER_SECRET_{name}"), value);
            }
        }
        std::fs::write(folder.path().join("gennaker.yaml"), text).unwrap();
        command.current_dir(folder.path()).stdout(Stdio::null()).env_remove("KUBECONFIG");
        let mut engine = Talking::start(&mut command);
        let said = engine.until("listening on");
        let address = said.iter().find_map(|line| line.strip_prefix("for reading: http://"));
        let address = address.unwrap().to_owned();
        Door { folder, address, engine }
    }

    pub(super) fn connect(&self) -> Line {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Line { stream: BufReader::new(stream) }
    }

    /// Every delivery, once all are decided: each with an outcome or a note.
    pub(super) fn decided(&mut self) -> Vec<Delivery> {
        assert!(self.engine.child.try_wait().unwrap().is_none(), "the engine has died");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let deadline = Instant::now() + PATIENCE;
        runtime.block_on(async {
            let store = Sqlite::open_for_reading(&self.folder.path().join("state")).await.unwrap();
            loop {
                let pending = store.pending_deliveries(DeliveryId(0), 3).await.unwrap();
                if pending.is_empty() {
                    break;
                }
                assert!(Instant::now() < deadline, "never decided: {pending:#?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let all = store.deliveries(DeliveryFilter::default()).await.unwrap();
            for delivery in &all {
                let State::Decided(decision) = &delivery.state else { panic!("{delivery:#?}") };
                let says = decision.outcomes.len() + decision.notes.len();
                assert!(says > 0, "no reason: {delivery:#?}");
            }
            all
        })
    }
}

/// One connection, on which one request follows another.
pub(super) struct Line {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// It is kept, now or before, or it is refused and told why.
    pub(super) fn holds(&self, name: &str) {
        match self.status {
            200 | 202 => assert!(self.body["delivery"].is_u64(), "{name}: {self:?}"),
            400..=499 => {
                let reason = self.body["detail"].as_str().or(self.body["title"].as_str());
                assert!(reason.is_some_and(|it| !it.is_empty()), "{name}: {self:?}");
            }
            _ => panic!("{name}: {self:?}"),
        }
    }
}

impl Line {
    /// Posts to a receiver. Whoever is told to come again does.
    pub(super) fn post(&mut self, receiver: &str, request: &Request) -> Answer {
        loop {
            let (answer, again) = self.once(receiver, request);
            match (answer.status, again) {
                (429, Some(seconds)) => std::thread::sleep(Duration::from_secs(seconds)),
                (429, None) => panic!("it does not say when to come again: {answer:?}"),
                _ => return answer,
            }
        }
    }

    fn once(&mut self, receiver: &str, request: &Request) -> (Answer, Option<u64>) {
        let rest = match request.path.as_str() {
            "" => String::new(),
            path => format!("/{path}"),
        };
        let mut text = format!(
            "POST /receivers/{receiver}{rest} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n",
            request.body.len()
        )
        .into_bytes();
        for (name, value) in &request.headers {
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(&request.body);
        self.stream.get_mut().write_all(&text).unwrap();
        self.answer()
    }

    fn answer(&mut self) -> (Answer, Option<u64>) {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {line:?}"));
        let (mut length, mut again) = (0, None);
        loop {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let header = line.trim_end().to_ascii_lowercase();
            match header.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("retry-after", value)) => again = value.parse().ok(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        (Answer { status, body }, again)
    }
}
