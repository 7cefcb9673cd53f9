//! Every example is valid and does what it says on a real cluster.

use crate::{
    cluster::{Room, kubeconfig, kubectl},
    program::Talking,
    server::{Reaction, Script, Server},
};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples");

/// What an example deploys to.
const ENVIRONMENTS: [&str; 15] = [
    "build",
    "built-production",
    "built-staging",
    "guarded",
    "held",
    "hello",
    "imaged",
    "migrated",
    "shop",
    "parameters-eu",
    "pushed-staging",
    "release-staging",
    "release-production",
    "regions-eu",
    "regions-us",
];

/// What the service does that an example asks.
const SERVICE: Script = &[
    (
        "/health",
        &[
            Reaction::HangUp,
            Reaction::Answer(200, r#"{"status": "starting"}"#),
            Reaction::Answer(200, r#"{"status": "ok", "release": "v7"}"#),
        ],
    ),
    ("/orders", &[Reaction::Answer(201, r#"{"accepted": true, "release": "v7"}"#)]),
    (
        "/warm",
        &[
            Reaction::Answer(200, r#"{"cache": "empty"}"#),
            Reaction::Answer(200, r#"{"cache": "full"}"#),
        ],
    ),
];

#[test]
fn every_example_is_valid_and_succeeds() {
    let room = Room::new("examples");
    let service = Server::start(SERVICE);
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    assert!(folders.len() >= 8, "{folders:?}");
    for folder in folders {
        let path = start_of(&folder);
        let path = path.to_str().unwrap();
        let valid = room.gennaker(&["validate", "--strict", path]);
        assert_eq!(valid.code, Some(0), "{path}: {}", valid.stderr);
        let planned = room.gennaker(&["plan", path]);
        assert_eq!(planned.code, Some(0), "{path}: {}", planned.stderr);
        let text = pipeline_of(&folder);
        let about = text.lines().nth(1).unwrap();
        assert!(about.starts_with("# "), "{path} does not say what it shows: {about}");
        let (kubeconfig, base) = (kubeconfig(), format!("base={}", service.address));
        let mut arguments = vec!["run", path, "--watch", "--kubeconfig", &kubeconfig];
        if text.contains("parameters.base") {
            arguments.extend(["-p", &base]);
        }
        let mut run = Talking::start(room.command(&arguments).stdout(Stdio::null()));
        if text.contains("approval:") {
            run.until("may answer");
            assert_eq!(room.gennaker(&["approve", "latest"]).code, Some(0));
        }
        if folder.ends_with("hold-on-failure") {
            run.until("warm: held for a person");
            assert_eq!(room.gennaker(&["retry", "latest", "warm"]).code, Some(0));
        }
        assert_eq!(run.code(), Some(0), "{}", folder.display());
    }
    for environment in ENVIRONMENTS {
        let arguments = ["delete", "namespace", environment, "--wait=false"];
        assert!(kubectl(&arguments).status.success(), "{environment} was never made");
    }
}

/// The folder itself, or of several pipelines the one that has its name.
fn start_of(example: &Path) -> PathBuf {
    let name = example.file_name().unwrap().to_str().unwrap();
    match std::fs::read_dir(example.join(".gennaker")).unwrap().count() {
        1 => example.to_owned(),
        _ => example.join(".gennaker").join(format!("{name}.yaml")),
    }
}

fn pipeline_of(example: &Path) -> String {
    let files = std::fs::read_dir(example.join(".gennaker")).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    texts.collect()
}

#[test]
fn what_starts_an_example_is_what_it_says() {
    let room = Room::new("starts");
    let push = |reference: &str| {
        format!(
            "{{\"ref\": \"{reference}\", \"before\": \"{}\", \"after\": \"{}\", \"repository\": \
             {{\"clone_url\": \"https://git.example.com/shop/on-push.git\"}}}}",
            "0".repeat(40),
            "1".repeat(40)
        )
    };
    let github = ["--provider", "github", "--header", "X-GitHub-Event: push"];
    let readme = ["--changed", "README.md"];
    let built = |status: &str| {
        format!("{{\"status\": \"{status}\", \"commit\": \"abcdef1\", \"tests\": 12}}")
    };
    for (name, payload, more, words) in [
        (
            "on-push",
            push("refs/tags/v7"),
            github.to_vec(),
            "trigger 2 (git): starts a run with released=true",
        ),
        ("on-push", push("refs/heads/main"), github.to_vec(), "trigger 1 (git): starts a run"),
        (
            "on-push",
            push("refs/heads/main"),
            [&github[..], &readme].concat(),
            "trigger 1 (git): `paths` says no to README.md",
        ),
        (
            "on-push",
            push("refs/heads/other"),
            github.to_vec(),
            "trigger 1 (git): `branches` says no to other",
        ),
        ("on-webhook", built("passed"), vec![], "starts a run with commit=\"abcdef1\", tests=12"),
        ("on-webhook", built("failed"), vec![], "trigger 1 (webhook): `when` says no"),
    ] {
        let file = format!("{EXAMPLES}/{name}/.gennaker/{name}.yaml");
        let event = room.write("payload.json", &payload);
        let told =
            room.gennaker(&[&["test-trigger", &file, "--event", &event], &more[..]].concat());
        assert!(told.stdout.contains(words), "{name}: {words}: {}{}", told.stdout, told.stderr);
    }
}
