//! Every provider against everything that can be wrong with a signature, at the door of the program:
//! the rows are those to which the receivers themselves are held.

use super::door::{Door, Line, Receiver};
use crate::{
    request::{Request, digest_hex},
    rows::{BODY, Covers, Known, OTHER_BODY, ROWS, Row, cut_header, gitlab, gitlab_signed},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use engine_core::receiver::Refused;
use std::time::{SystemTime, UNIX_EPOCH};

const OLD: &str = "an-old-secret";
const NEW: &str = "the-new-secret";
const STRANGE: &str = "somebody-else-s";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn every_provider_is_let_in_by_its_secret_and_nobody_else_is() {
    let written =
        |secret: &str| format!("whsec_{}", STANDARD.encode(digest_hex(secret.as_bytes())));
    let tokens = [OLD, NEW, STRANGE].map(written);
    let [old, new, strange] = tokens.each_ref().map(String::as_str);
    let signing = Row {
        provider: "gitlab",
        send: gitlab_signed,
        cut: |it| cut_header("webhook-signature", it),
        other: (|secret| gitlab(secret, BODY, now()), Refused::Bad),
        covers: Covers::BodyAndTime,
        again: Known::Name,
    };
    let rows = ROWS.iter().map(|row| (row, [OLD, NEW, STRANGE], ["OLD", "NEW"]));
    let rows: Vec<_> =
        rows.chain([(&signing, [old, new, strange], ["TOKEN_OLD", "TOKEN_NEW"])]).collect();
    let mut receivers = Vec::new();
    for (number, (row, [old, new, _], names)) in rows.iter().enumerate() {
        // While it has the old secret, both, and only the new one.
        let [before, after] = [(names[0], *old), (names[1], *new)];
        for (when, secrets) in
            [("before", vec![before]), ("between", vec![after, before]), ("after", vec![after])]
        {
            let name = format!("r{number}-{when}");
            receivers.push(Receiver { name, provider: row.provider, secrets });
        }
    }
    let mut door = Door::open(&receivers);
    let mut line = door.connect();
    for (number, (row, secrets, _)) in rows.iter().enumerate() {
        hold(&mut line, number, (row, secrets));
    }
    assert!(!door.decided().is_empty());
}

/// It was proven: kept, or read and found not to be what they send.
fn let_in(line: &mut Line, receiver: &str, (request, what): (&Request, &str)) -> u16 {
    let answer = line.post(receiver, request);
    answer.holds(what);
    assert!([200, 202, 400, 409].contains(&answer.status), "{what}: {answer:?}");
    answer.status
}

fn refused(line: &mut Line, receiver: &str, (request, what): (&Request, &str)) {
    let answer = line.post(receiver, request);
    answer.holds(what);
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
}

fn hold(line: &mut Line, number: usize, (row, [old, new, strange]): (&Row, &[&str; 3])) {
    let Row { provider, send, cut, other: (other, _), covers, again } = row;
    let [before, between, after] =
        ["before", "between", "after"].map(|when| format!("r{number}-{when}"));
    let good = send(old, BODY, now());
    let name = |what: &str| format!("{provider}: {what}");
    let first = let_in(line, &before, (&good, &name("good")));
    refused(line, &before, (&send(strange, BODY, now()), &name("bad")));
    refused(line, &before, (&Request::of(BODY), &name("missing")));
    refused(line, &before, (&cut(good.clone()), &name("truncated")));
    refused(line, &before, (&other(old), &name("wrong algorithm")));
    let swapped = Request { body: OTHER_BODY.to_vec(), ..good.clone() };
    match covers {
        Covers::BodyAndTime | Covers::Body => {
            refused(line, &before, (&swapped, &name("swapped body")));
        }
        Covers::Nothing => {
            let_in(line, &before, (&swapped, &name("swapped body")));
        }
    }
    let stale = send(old, BODY, now() - 301);
    match covers {
        Covers::BodyAndTime => refused(line, &before, (&stale, &name("stale"))),
        Covers::Body | Covers::Nothing => {
            let_in(line, &before, (&stale, &name("stale")));
        }
    }
    let replayed = let_in(line, &before, (&good, &name("replayed")));
    let expected = match (first, again) {
        (202, Known::Name | Known::Body) => 200,
        (status, Known::Meaning | Known::Name | Known::Body) => status,
    };
    assert_eq!(replayed, expected, "{provider}: replayed");
    for (secret, receiver) in [(old, &between), (new, &between), (new, &after)] {
        let_in(line, receiver, (&send(secret, BODY, now()), &name("rotated")));
    }
    refused(line, &after, (&send(old, BODY, now()), &name("rotated away")));
}
