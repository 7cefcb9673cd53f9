//! Credentials reach the one server that they are for, and nothing else.

use crate::{
    bench::{Bench, all, origin},
    interrupted::processes,
};
use artifacts::git::{Credentials, GitError, Limits, Origin};
use git_server::{Change, Manners, Server, Ssh};
use registry_server::Authority;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

const PAIR: &str = "deployer:correct-horse-battery";
const ENCODED: &str = "ZGVwbG95ZXI6Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5";

fn with_secret(bench: &Bench) -> Origin {
    Origin { credentials: Credentials::of_text(PAIR), ..bench.origin() }
}

fn has_secret(text: &str) -> bool {
    text.contains("correct-horse") || text.contains(ENCODED)
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(std::fs::read(entry.path()).unwrap()),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_opens_the_repository_and_stands_in_no_file() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    bench.server.behave(Manners::Asks(PAIR.to_owned()));
    let without = bench.open().await.fetch(&all()).await;
    assert!(matches!(without, Err(GitError::Unauthorised { .. })), "{without:?}");
    let wrong = Credentials::of_text("deployer:wrong-horse");
    let wrong = Origin { credentials: wrong, ..bench.origin() };
    let told = bench.open_as(wrong, Limits::default()).await.unwrap().fetch(&all()).await;
    assert!(matches!(&told, Err(GitError::Unauthorised { .. })), "{told:?}");
    assert!(!told.unwrap_err().to_string().contains("wrong-horse"));
    let mirror = bench.open_as(with_secret(&bench), Limits::default()).await.unwrap();
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
    let files = files(&bench.directory());
    assert!(files.len() > 5);
    assert!(!files.iter().any(|it| has_secret(&String::from_utf8_lossy(it))));
    assert!(!has_secret(&format!("{mirror:?}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_stands_in_no_command_line_and_no_error() {
    let bench = Bench::start().await;
    bench.server.behave(Manners::Hangs);
    let limits = Limits { refs_deadline: Duration::from_secs(3), ..Limits::default() };
    let mirror = bench.open_as(with_secret(&bench), limits).await.unwrap();
    let directory = bench.directory();
    let fetch = tokio::spawn(async move { mirror.fetch(&all()).await });
    let mut seen = Vec::new();
    while !fetch.is_finished() {
        seen.extend(processes(&directory));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = fetch.await.unwrap().unwrap_err();
    assert!(matches!(told, GitError::Deadline { .. }), "{told:?}");
    assert!(seen.iter().any(|it| it.contains("git-remote-http")), "{seen:?}");
    assert!(!seen.iter().any(|it| has_secret(it)), "{seen:?}");
    assert!(!has_secret(&format!("{told:?} {told}")));
    let sent = bench.server.seen();
    assert_eq!(sent[0].authorization.as_deref(), Some(format!("Basic {ENCODED}").as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_us_elsewhere_is_not_followed_and_the_other_one_sees_no_secret() {
    let bench = Bench::start().await;
    let other = Server::start().await;
    other.repository("shop/checkout").commit("main", &[Change::File("a", b"1")]);
    bench.server.behave(Manners::Redirects(other.address()));
    let mirror = bench.open_as(with_secret(&bench), Limits::default()).await.unwrap();
    let told = mirror.fetch(&all()).await;
    assert!(matches!(told, Err(GitError::Moved { .. })), "{told:?}");
    assert!(!other.seen().iter().any(|it| it.authorization.is_some()));
    assert!(!bench.server.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_is_spoken_to_only_if_its_authority_is_trusted() {
    let bench = Bench::start().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let pair = authority.loopback();
    let server = Server::start_with(&pair.certificate, &pair.key).await;
    server.repository("shop/checkout").commit("main", &[Change::File("a", b"1")]);
    server.behave(Manners::Asks(PAIR.to_owned()));
    let credentials = Credentials::of_text(PAIR);
    let stranger = Origin { credentials, ..origin(&server.url("shop/checkout")) };
    let mirror = bench.open_as(stranger.clone(), Limits::default()).await.unwrap();
    let told = mirror.fetch(&all()).await;
    assert!(matches!(told, Err(GitError::Untrusted { .. })), "{told:?}");
    assert!(server.seen().is_empty());
    let trusted = Origin { certificate_authority: Some(authority.certificate), ..stranger };
    let mirror = bench.open_as(trusted, Limits::default()).await.unwrap();
    assert_eq!(mirror.fetch(&all()).await.unwrap().changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_a_repository_over_ssh_and_a_host_that_is_not_known_is_not_spoken_to() {
    let bench = Bench::start().await;
    bench.repository.commit("main", &[Change::File("a", b"1")]);
    let ssh = Ssh::start();
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let fetch = async |key, known_hosts| {
        let credentials = Credentials::of_text(&format!("{}{}", read(key), read(known_hosts)));
        let origin = Origin { credentials, ..origin(&ssh.url(bench.repository.folder())) };
        let mirror = bench.open_as(origin, Limits::default()).await.unwrap();
        mirror.fetch(&all()).await.map(|it| it.changes.len())
    };
    let told = fetch(ssh.key(), ssh.other_hosts()).await;
    assert!(matches!(told, Err(GitError::Untrusted { .. })), "{told:?}");
    let told = fetch(ssh.other_key(), ssh.known_hosts()).await;
    assert!(matches!(told, Err(GitError::Unauthorised { .. })), "{told:?}");
    assert_eq!(fetch(ssh.key(), ssh.known_hosts()).await, Ok(1));
    let key = read(ssh.key());
    let line = key.lines().nth(2).unwrap().as_bytes();
    let files = files(&bench.directory());
    assert!(!files.iter().any(|it| it.windows(line.len()).any(|it| it == line)));
}

/// Each kind of address has its kind of credentials.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_a_server_cannot_be_shown_are_refused_at_once() {
    let bench = Bench::start().await;
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    for (url, text) in [
        ("http://git.example.com/shop/checkout.git", Some(PAIR)),
        ("https://git.example.com/shop/checkout.git", Some(key)),
        ("git@git.example.com:shop/checkout.git", Some(PAIR)),
        ("git@git.example.com:shop/checkout.git", None),
    ] {
        let credentials = text.map_or(Credentials::None, Credentials::of_text);
        let told = bench.open_as(Origin { credentials, ..origin(url) }, Limits::default()).await;
        assert!(matches!(told, Err(GitError::Unauthorised { .. })), "{url}: {told:?}");
        assert!(!told.unwrap_err().to_string().contains("AAAA"));
    }
}
