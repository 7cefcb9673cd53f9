//! How each provider proves that it is really them, and what is wrong where it is not: the rows of the
//! table, which the receivers are held to here and the whole program's door in the integration tests.

use crate::request::{NOW, Request, sha1_hex, sha256_hex, sha256_hmac, sha512_hex};
use base64::{Engine, engine::general_purpose::STANDARD};
use engine_core::receiver::Refused;

pub(crate) const BODY: &[u8] = br#"{"some": "body"}"#;
pub(crate) const OTHER_BODY: &[u8] = br#"{"none": "body"}"#;

/// How a provider is told that it is really them.
pub(crate) struct Row {
    pub(crate) provider: &'static str,
    /// What it sends with `body` at `at`, by a secret.
    pub(crate) send: fn(secret: &str, body: &[u8], at: u64) -> Request,
    /// What makes `send` a request that is cut short.
    pub(crate) cut: fn(Request) -> Request,
    /// The same secret by an algorithm or in a place that is not taken, and what is said to that.
    pub(crate) other: (fn(secret: &str) -> Request, Refused),
    pub(crate) covers: Covers,
    pub(crate) again: Known,
}

/// What a signature says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Covers {
    BodyAndTime,
    Body,
    /// It is the secret: whoever has read it can say anything, and is asked about at the place itself.
    Nothing,
}

/// How a second delivery is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Name,
    Body,
    Meaning,
}

pub(crate) const ID: &str = "7f3c2a10-6b1e-11f0-9d0e-0242ac120002";

pub(crate) fn cut_header(name: &'static str, mut request: Request) -> Request {
    let header = request.headers.iter_mut().find(|(key, _)| key == name);
    header.expect("it is sent").1.pop();
    request
}

fn github(secret: &str, body: &[u8], _at: u64) -> Request {
    Request::of(body)
        .with("X-Hub-Signature-256", format!("sha256={}", sha256_hex(secret.as_bytes(), body)))
        .with("X-Hub-Signature", format!("sha1={}", sha1_hex(secret.as_bytes(), body)))
        .with("X-GitHub-Delivery", ID)
}

fn only_sha1(secret: &str) -> Request {
    let signature = format!("sha1={}", sha1_hex(secret.as_bytes(), BODY));
    Request::of(BODY).with("X-Hub-Signature", signature)
}

fn sha512(secret: &str) -> Request {
    let signature = format!("sha512={}", sha512_hex(secret.as_bytes(), BODY));
    Request::of(BODY).with("X-Hub-Signature-256", signature)
}

pub(crate) fn gitlab(secret: &str, body: &[u8], _at: u64) -> Request {
    Request::of(body)
        .with("X-Gitlab-Token", secret)
        .with("X-Gitlab-Event-UUID", "e")
        .with("Idempotency-Key", ID)
}

/// GitLab by its signing token, whose written form is made of the secret.
pub(crate) fn gitlab_signed(secret: &str, body: &[u8], at: u64) -> Request {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("it is base64");
    let message = [ID.as_bytes(), b".", at.to_string().as_bytes(), b".", body].concat();
    let signature = format!("v1,{}", STANDARD.encode(sha256_hmac(&key, &message)));
    Request::of(body)
        .with("webhook-id", ID)
        .with("webhook-timestamp", at.to_string())
        .with("webhook-signature", signature)
}

fn gitea(secret: &str, body: &[u8], _at: u64) -> Request {
    Request::of(body)
        .with("X-Gitea-Signature", sha256_hex(secret.as_bytes(), body))
        .with("X-Gitea-Delivery", ID)
}

fn forgejo(secret: &str, body: &[u8], at: u64) -> Request {
    gitea("not-looked-at", body, at)
        .with("X-Forgejo-Signature", sha256_hex(secret.as_bytes(), body))
        .with("X-Forgejo-Delivery", ID)
}

fn authorization(secret: &str, body: &[u8], _at: u64) -> Request {
    Request::of(body).with("Authorization", format!("Bearer {secret}"))
}

fn basic(secret: &str) -> Request {
    let value = format!("Basic {}", STANDARD.encode(format!("user:{secret}")));
    Request::of(BODY).with("Authorization", value)
}

fn bitbucket(secret: &str, body: &[u8]) -> Request {
    let signature = format!("sha256={}", sha256_hex(secret.as_bytes(), body));
    Request::of(body).with("X-Hub-Signature", signature)
}

fn path(secret: &str, body: &[u8], _at: u64) -> Request {
    Request { path: secret.to_owned(), ..Request::of(body) }
}

fn cut_path(mut request: Request) -> Request {
    request.path.pop();
    request
}

pub(crate) const ROWS: &[Row] = &[
    Row {
        provider: "github",
        send: github,
        cut: |it| cut_header("x-hub-signature-256", it),
        other: (only_sha1, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "gitlab",
        send: gitlab,
        cut: |it| cut_header("x-gitlab-token", it),
        other: (sha512, Refused::Missing),
        covers: Covers::Nothing,
        again: Known::Name,
    },
    Row {
        provider: "gitea",
        send: gitea,
        cut: |it| cut_header("x-gitea-signature", it),
        other: (sha512, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "forgejo",
        send: forgejo,
        cut: |it| cut_header("x-forgejo-signature", it),
        other: (only_sha1, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "distribution",
        send: authorization,
        cut: |it| cut_header("authorization", it),
        other: (basic, Refused::Bad),
        covers: Covers::Nothing,
        again: Known::Body,
    },
    Row {
        provider: "bitbucket",
        send: |secret, body, _| bitbucket(secret, body).with("X-Request-UUID", ID),
        cut: |it| cut_header("x-hub-signature", it),
        other: (only_sha1, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "bitbucketDataCenter",
        send: |secret, body, _| bitbucket(secret, body).with("X-Request-Id", ID),
        cut: |it| cut_header("x-hub-signature", it),
        other: (only_sha1, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "ghcr",
        send: github,
        cut: |it| cut_header("x-hub-signature-256", it),
        other: (only_sha1, Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Name,
    },
    Row {
        provider: "dockerHub",
        send: path,
        cut: cut_path,
        other: (|secret| authorization(secret, BODY, NOW), Refused::Missing),
        covers: Covers::Nothing,
        again: Known::Body,
    },
    Row {
        provider: "quay",
        send: path,
        cut: cut_path,
        other: (|secret| authorization(secret, BODY, NOW), Refused::Missing),
        covers: Covers::Nothing,
        again: Known::Meaning,
    },
    Row {
        provider: "harbor",
        send: |secret, body, _| Request::of(body).with("Authorization", secret),
        cut: |it| cut_header("authorization", it),
        other: (basic, Refused::Bad),
        covers: Covers::Nothing,
        again: Known::Body,
    },
    Row {
        provider: "ecr",
        send: authorization,
        cut: |it| cut_header("authorization", it),
        other: (basic, Refused::Bad),
        covers: Covers::Nothing,
        again: Known::Body,
    },
    Row {
        provider: "acr",
        send: path,
        cut: cut_path,
        other: (basic, Refused::Bad),
        covers: Covers::Nothing,
        again: Known::Body,
    },
    Row {
        provider: "artifactRegistry",
        // As Pub/Sub does where it signs by a token of Google's, which is not looked at.
        send: |secret, body, at| path(secret, body, at).with("Authorization", "Bearer e30.e30.e30"),
        cut: cut_path,
        other: (basic, Refused::Bad),
        covers: Covers::Nothing,
        again: Known::Meaning,
    },
    Row {
        provider: "jfrog",
        send: |secret, body, _| {
            Request::of(body).with("X-JFrog-Event-Auth", sha256_hex(secret.as_bytes(), body))
        },
        cut: |it| cut_header("x-jfrog-event-auth", it),
        // The secret as it stands.
        other: (|secret| Request::of(BODY).with("X-JFrog-Event-Auth", secret), Refused::Algorithm),
        covers: Covers::Body,
        again: Known::Meaning,
    },
];
