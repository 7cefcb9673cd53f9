//! Deploys of `hello-web` beside kubectl, on the control plane that `with-cluster` starts:
//! `tests/controlplane/with-cluster cargo bench -p integration-tests --bench deploy`.
//!
//! Prints medians; `GENNAKER_ROUNDS` says of how many (20).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench ends at its first surprise")]

#[path = "common/program.rs"]
mod program;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client,
    api::{WatchEvent, WatchParams},
};
use program::PROGRAM;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const EXAMPLE: &str = "pipelines-examples/hello-web";

fn main() {
    // `cargo test --benches` only looks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    assert!(
        std::env::var_os("GENNAKER_TEST_KUBECONFIG").is_some(),
        "this bench needs a cluster: start it by `tests/controlplane/with-cluster`"
    );
    let rounds = std::env::var("GENNAKER_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let bench = Bench { runtime };
    let mut figures = Figures::default();
    bench.round("warm-up", &mut Figures::default());
    for round in 0..rounds {
        bench.round(&round.to_string(), &mut figures);
    }
    figures.print(rounds);
}

struct Bench {
    runtime: tokio::runtime::Runtime,
}

/// One duration a round.
#[derive(Default)]
struct Figures {
    ours: Vec<Duration>,
    again: Vec<Duration>,
    theirs: Vec<Duration>,
    stage: Vec<Duration>,
    /// From the last status that the verdict needed to the end as `--watch` tells it, which is
    /// after it was recorded.
    verdict: Vec<Duration>,
    failure: Vec<Duration>,
}

impl Bench {
    fn round(&self, name: &str, figures: &mut Figures) {
        let [ours, theirs] = ["ours", "theirs"].map(|who| format!("bench-{who}-{name}"));
        let folder = tempfile::tempdir().unwrap();
        for namespace in [&ours, &theirs] {
            kubectl(&["create", "namespace", namespace]);
        }
        let file = prepare(folder.path(), &ours);
        let complete = self.runtime.spawn(complete_at(ours.clone()));
        let Told { took, told_at, run } = self.run(folder.path(), &file, 0);
        figures.ours.push(took);
        let stage = &run["stages"].as_object().unwrap().values().next().unwrap().clone();
        let at = |key: &str| stage[key].as_str().unwrap().parse::<Timestamp>().unwrap();
        figures.stage.push(between(at("startedAt"), at("endedAt")));
        let complete = self.runtime.block_on(complete).unwrap();
        figures.verdict.push(between(complete, told_at.expect("the stage succeeded")));
        figures.again.push(self.run(folder.path(), &file, 0).took);
        figures.theirs.push(apply(&theirs));

        let deployment = folder.path().join("k8s/deployment.yaml");
        let text = std::fs::read_to_string(&deployment).unwrap();
        let image = text.lines().find(|line| line.contains("image:")).unwrap();
        let broken =
            format!("{}image: fate.test/pull-error:v2", &image[..image.find("image:").unwrap()]);
        std::fs::write(&deployment, text.replace(image, &broken)).unwrap();
        figures.failure.push(self.run(folder.path(), &file, 5).took);
        for namespace in [&ours, &theirs] {
            kubectl(&["delete", "namespace", namespace, "--wait=false"]);
        }
    }

    fn run(&self, folder: &Path, file: &Path, expected: i32) -> Told {
        let began = Instant::now();
        let mut child = Command::new(&*PROGRAM)
            .args(["run", "--watch", "-o", "json", "--state"])
            .args([&folder.join("state"), file])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut told_at, mut said) = (None, Vec::new());
        for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
            if line.contains("web: succeeded") {
                told_at = Some(Timestamp::now());
            }
            said.push(line);
        }
        let output = child.wait_with_output().unwrap();
        let took = began.elapsed();
        assert_eq!(output.status.code(), Some(expected), "{said:#?}");
        Told { took, told_at, run: serde_json::from_slice(&output.stdout).unwrap() }
    }
}

/// How one run of the program went.
struct Told {
    took: Duration,
    told_at: Option<Timestamp>,
    run: Value,
}

/// The example, deployed to the environment `namespace`.
fn prepare(folder: &Path, namespace: &str) -> PathBuf {
    let example = Path::new(ROOT).join(EXAMPLE);
    std::fs::create_dir(folder.join("k8s")).unwrap();
    for entry in std::fs::read_dir(example.join("k8s")).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, folder.join("k8s").join(from.file_name().unwrap())).unwrap();
    }
    let pipeline = std::fs::read_to_string(example.join(".gennaker/hello-web.yaml")).unwrap();
    let key = "environment: ";
    let start = pipeline.find(key).expect("the example deploys to an environment") + key.len();
    let name = pipeline[start..].split_whitespace().next().unwrap();
    let file = folder.join("hello-web.yaml");
    let pipeline = pipeline.replace(&format!("{key}{name}"), &format!("{key}{namespace}"));
    std::fs::write(&file, pipeline).unwrap();
    file
}

/// When a second watcher first sees the Deployment complete, as `kubectl rollout status` has it.
async fn complete_at(namespace: String) -> Timestamp {
    let client = Client::try_default().await.unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client, &namespace);
    let events = deployments.watch(&WatchParams::default(), "0").await.unwrap();
    let mut complete = events
        .try_filter_map(|event| async {
            let seen_at = Timestamp::now();
            Ok(match event {
                WatchEvent::Added(it) | WatchEvent::Modified(it) => {
                    is_complete(&it).then_some(seen_at)
                }
                WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) | WatchEvent::Error(_) => None,
            })
        })
        .boxed();
    complete.next().await.expect("the watch lasts").unwrap()
}

fn is_complete(deployment: &Deployment) -> bool {
    let (Some(spec), Some(status)) = (&deployment.spec, &deployment.status) else { return false };
    let wanted = spec.replicas;
    status.observed_generation >= deployment.metadata.generation
        && [status.replicas, status.updated_replicas, status.available_replicas]
            .iter()
            .all(|count| *count == wanted)
}

/// The same set by kubectl.
fn apply(namespace: &str) -> Duration {
    let manifests = Path::new(ROOT).join(EXAMPLE).join("k8s");
    let began = Instant::now();
    kubectl(&["apply", "-n", namespace, "-f", manifests.to_str().unwrap()]);
    kubectl(&["rollout", "status", "-n", namespace, "deployment", "--timeout=60s"]);
    began.elapsed()
}

fn kubectl(arguments: &[&str]) {
    let output = Command::new("kubectl").args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {stderr}");
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

impl Figures {
    fn print(self, rounds: u32) {
        let Figures { ours, again, theirs, stage, verdict, failure } = self;
        let ratio = median(&ours).as_secs_f64() / median(&theirs).as_secs_f64();
        println!("{EXAMPLE}, {rounds} rounds: median, least, most");
        for (what, mut times) in [
            ("first deploy, whole program", ours),
            ("kubectl apply and rollout status", theirs),
            ("first deploy, its stage", stage),
            ("last status needed to its end told", verdict),
            ("the same again, whole program", again),
            ("a failing pull until it was told", failure),
        ] {
            times.sort();
            let (least, most) = (times[0], times[times.len() - 1]);
            println!("{what:<36} {:>9.1?} {least:>9.1?} {most:>9.1?}", median(&times));
        }
        println!("first deploy beside kubectl: {ratio:.2}");
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}
