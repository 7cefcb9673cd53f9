//! Every provider against everything that can be wrong with a signature: a table that is complete.

use crate::{
    request::{NOW, Request, digest_hex},
    rows::{BODY, Covers, ID, Known, OTHER_BODY, ROWS, Row, cut_header, gitlab, gitlab_signed},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use engine_core::receiver::{AnyReceiver, Key, Refused, Verified};

const OLD: &str = "an-old-secret";
const NEW: &str = "the-new-secret";
const STRANGE: &str = "somebody-else-s";

fn verify(
    receiver: &dyn AnyReceiver,
    request: &Request,
    secrets: &[&str],
) -> Result<Verified, Refused> {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
    receiver.verify(&request.raw(), &secrets)
}

/// Each provider × good, bad, missing, truncated, wrong algorithm, swapped body, stale, replayed, rotated.
#[test]
fn every_provider_lets_in_who_has_the_secret_and_nobody_else() {
    let receivers = triggers::receivers();
    let listed: Vec<&str> = receivers.names().collect();
    for name in &listed {
        assert!(ROWS.iter().any(|row| row.provider == *name), "no row for `{name}`");
    }
    assert_eq!(ROWS.len(), listed.len());
    for row in ROWS {
        println!("{:16} 9 of 9", row.provider);
        hold(receivers.get(row.provider).expect("it is registered"), row, [OLD, NEW, STRANGE]);
    }
}

#[test]
fn gitlab_by_its_signing_token_lets_in_who_has_it_and_nobody_else() {
    let receivers = triggers::receivers();
    let written =
        |secret: &str| format!("whsec_{}", STANDARD.encode(digest_hex(secret.as_bytes())));
    let secrets = [written(OLD), written(NEW), written(STRANGE)];
    let row = Row {
        provider: "gitlab",
        send: gitlab_signed,
        cut: |it| cut_header("webhook-signature", it),
        // What is signed with is not taken as it stands.
        other: (|secret| gitlab(secret, BODY, NOW), Refused::Bad),
        covers: Covers::BodyAndTime,
        again: Known::Name,
    };
    let [old, new, strange] = secrets.each_ref().map(String::as_str);
    hold(receivers.get("gitlab").expect("it is registered"), &row, [old, new, strange]);
}

fn hold(receiver: &dyn AnyReceiver, row: &Row, [old, new, strange]: [&str; 3]) {
    let Row { provider, send, cut, other: (other, refusal), covers, again } = row;
    let good = send(old, BODY, NOW);
    let verified = verify(receiver, &good, &[old]).expect(provider);
    assert_eq!(
        verify(receiver, &send(strange, BODY, NOW), &[old]),
        Err(Refused::Bad),
        "{provider}"
    );
    assert_eq!(verify(receiver, &Request::of(BODY), &[old]), Err(Refused::Missing), "{provider}");
    assert_eq!(verify(receiver, &cut(good.clone()), &[old]), Err(Refused::Bad), "{provider}");
    assert_eq!(verify(receiver, &other(old), &[old]), Err(*refusal), "{provider}");
    let swapped = Request { body: OTHER_BODY.to_vec(), ..good.clone() };
    match covers {
        Covers::BodyAndTime | Covers::Body => {
            assert_eq!(verify(receiver, &swapped, &[old]), Err(Refused::Bad), "{provider}");
        }
        Covers::Nothing => assert!(verify(receiver, &swapped, &[old]).is_ok(), "{provider}"),
    }
    let stale = verify(receiver, &send(old, BODY, NOW - 301), &[old]);
    match covers {
        Covers::BodyAndTime => assert_eq!(stale, Err(Refused::Stale), "{provider}"),
        // No time is signed: that it was heard before is known by its key, or its meaning.
        Covers::Body | Covers::Nothing => assert_eq!(stale.as_ref(), Ok(&verified), "{provider}"),
    }
    let replayed = verify(receiver, &good, &[old]).expect(provider);
    match again {
        Known::Name => assert_eq!(replayed.key, Key::Named(ID.to_owned()), "{provider}"),
        Known::Body => assert_eq!(replayed.key, Key::Body, "{provider}"),
        Known::Meaning => assert_eq!(replayed.key, Key::Each, "{provider}"),
    }
    assert_eq!(replayed, verified, "{provider}");
    assert_eq!(verify(receiver, &good, &[new, old]).as_ref(), Ok(&verified), "{provider}");
    assert!(verify(receiver, &send(new, BODY, NOW), &[new, old]).is_ok(), "{provider}");
    assert_eq!(verify(receiver, &good, &[new]), Err(Refused::Bad), "{provider}");
}
