//! Senders' own packages sign, and what they send is theirs.

use crate::{
    published::{SECRET, fetched},
    request::{NOW, Request},
};
use engine_core::{
    happening::{Change, Happening},
    receiver::Key,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
    thread,
};
use triggers::verify::scheme;

const COMMIT: &str = "2adc9465c4edfc33834e173fe89436a7cb899a1d";
const NONE: &str = "0000000000000000000000000000000000000000";

/// Reads one request and answers it with 202.
fn receive(listener: &TcpListener) -> Request {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut request, mut line) = (Request::default(), String::new());
    reader.read_line(&mut line).unwrap();
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request = request.with(name, value);
    }
    let length = request.raw().text("content-length").unwrap().parse().unwrap();
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).unwrap();
    let answer = "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    stream.write_all(answer.as_bytes()).unwrap();
    request
}

#[test]
fn a_push_that_githubs_own_package_signs_and_sends_is_a_push_of_that_repository() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/receivers/github", listener.local_addr().unwrap());
    let received = thread::spawn(move || receive(&listener));
    let repository = "http://127.0.0.1:3000/shop/checkout.git";
    let output = Command::new("node")
        .arg(fetched("npm").join("deliver.mjs"))
        .args([url.as_str(), SECRET, "push", repository, "refs/heads/main", NONE, COMMIT])
        .env("DELIVERY", "d-1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "202\nok\n");
    let request = received.join().unwrap();
    let receivers = triggers::receivers();
    let receiver = receivers.get("github").unwrap();
    let verified = receiver.verify(&request.raw(), &[SECRET.as_bytes()]).unwrap();
    assert_eq!(verified.key, Key::Named("d-1".to_owned()));
    let heard = receiver.happenings(&request.raw()).unwrap();
    let [Happening::Git(git)] = heard.happenings.as_slice() else { panic!("{heard:?}") };
    assert_eq!((git.repository.as_str(), git.aliases.len()), ("127.0.0.1:3000/shop/checkout", 0));
    let (branch, after) = ("main".to_owned(), COMMIT.to_owned());
    assert_eq!(git.change, Change::Push { branch, before: None, after });
}

#[test]
fn what_the_package_of_standard_webhooks_signs_is_theirs() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (id, body) = ("msg_1", r#"{"größe": "ü"}"#);
    let output = Command::new("node")
        .arg(fetched("npm").join("standard.mjs"))
        .args([secret, id, &NOW.to_string(), body])
        .output()
        .unwrap();
    let request = Request::of(body)
        .with("webhook-id", id)
        .with("webhook-timestamp", NOW.to_string())
        .with("webhook-signature", String::from_utf8(output.stdout).unwrap().trim());
    let verify = |word: &str| scheme(word).unwrap().verify(&request.raw(), &[secret.as_bytes()]);
    assert!(verify("standardWebhooks").is_ok());
    assert!(verify("gitlab").is_ok());
}
