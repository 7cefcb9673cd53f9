//! What senders publish of their payloads, each as a signed request.

use crate::request::{Request, sha256_hex};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

pub(crate) const SECRET: &str = "a-secret-of-tests";

/// One published payload.
pub(crate) struct Published {
    /// `octokit/push/3`.
    pub(crate) name: String,
    pub(crate) provider: &'static str,
    pub(crate) request: Request,
}

/// Where it was fetched to: packages of npm and modules of Go, by name.
static FETCHED: LazyLock<BTreeMap<String, PathBuf>> = LazyLock::new(|| {
    let fetch = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/payloads/fetch");
    let output = Command::new(fetch).stderr(Stdio::inherit()).output().expect("bash is there");
    assert!(output.status.success(), "payloads could not be fetched, so nothing was tested");
    let lines = String::from_utf8(output.stdout).unwrap();
    let named = |line: &str| line.split_once(' ').map(|(name, at)| (name.to_owned(), at.into()));
    lines.lines().filter_map(named).collect()
});

pub(crate) fn fetched(name: &str) -> &'static Path {
    &FETCHED[name]
}

#[derive(Deserialize)]
struct Signed {
    edition: String,
    event: String,
    number: usize,
    body: String,
    signature: String,
}

/// GitHub's examples, as its own package signs them.
pub(crate) fn octokit() -> Vec<Published> {
    let script = fetched("npm").join("deliveries.mjs");
    let output = Command::new("node").arg(script).arg(SECRET).output().expect("node is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| github(serde_json::from_str(line).unwrap())).collect()
}

fn github(signed: Signed) -> Published {
    let Signed { edition, event, number, body, signature } = signed;
    let request = Request::of(body)
        .with("Content-Type", "application/json")
        .with("X-GitHub-Event", &event)
        .with("X-GitHub-Delivery", format!("{edition}-{event}-{number}"))
        .with("X-Hub-Signature-256", signature);
    Published { name: format!("{edition}/{event}/{number}"), provider: "github", request }
}

/// Test data of `github.com/go-playground/webhooks`, with headers by the names of its files.
pub(crate) fn playground() -> Vec<Published> {
    let root = fetched("webhooks").join("testdata");
    let mut all = Vec::new();
    for (folder, provider) in [
        ("bitbucket", "bitbucket"),
        ("bitbucket-server", "bitbucketDataCenter"),
        ("docker", "dockerHub"),
        ("gitea", "gitea"),
        ("github", "github"),
        ("gitlab", "gitlab"),
        // These have no receiver of their own, and must hurt none.
        ("azuredevops", "github"),
        ("gogs", "gitea"),
    ] {
        for (stem, body) in files(&root.join(folder)) {
            let event = event(provider, &stem);
            let request = signed(provider, &event, body);
            all.push(Published { name: format!("playground/{folder}/{stem}"), provider, request });
        }
    }
    all
}

/// What the header says of a file of this name.
fn event(provider: &str, stem: &str) -> String {
    match (provider, stem) {
        ("bitbucket", "pull-request-merged") => "pullrequest:fulfilled".to_owned(),
        ("bitbucketDataCenter", "repo-refs-changed") => "repo:refs_changed".to_owned(),
        ("bitbucket" | "bitbucketDataCenter", _) => stem.replacen('-', ":", 1),
        _ => stem.trim_end_matches("-event").replace(['-', '.'], "_"),
    }
}

/// Every JSON file of a folder by its stem, in order.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let paths = entries.map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let mut all: Vec<(String, Vec<u8>)> = json
        .map(|path| {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            (stem, fs::read(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// As the provider would send it, by its headers and with [`SECRET`].
pub(crate) fn signed(provider: &str, event: &str, body: Vec<u8>) -> Request {
    let hex = sha256_hex(SECRET.as_bytes(), &body);
    let request = Request::of(body);
    match provider {
        "github" => request
            .with("X-GitHub-Event", event)
            .with("X-Hub-Signature-256", format!("sha256={hex}")),
        "gitea" => request.with("X-Gitea-Event", event).with("X-Gitea-Signature", hex),
        "forgejo" => request.with("X-Forgejo-Event", event).with("X-Forgejo-Signature", hex),
        "gitlab" => request.with("X-Gitlab-Event", event).with("X-Gitlab-Token", SECRET),
        "bitbucket" | "bitbucketDataCenter" => {
            request.with("X-Event-Key", event).with("X-Hub-Signature", format!("sha256={hex}"))
        }
        "ghcr" => signed("github", event, request.body),
        "jfrog" => request.with("X-JFrog-Event-Auth", hex),
        "distribution" | "harbor" => request.with("Authorization", SECRET),
        "acr" | "artifactRegistry" | "dockerHub" | "ecr" | "quay" => {
            Request { path: SECRET.to_owned(), ..request }
        }
        other => panic!("nothing is known of `{other}`"),
    }
}
