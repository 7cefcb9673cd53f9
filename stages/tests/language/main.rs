//! The language as it is with every stage type: what each code looks like, and what the published
//! schema and the pages say.
#![expect(clippy::unwrap_used, reason = "what a test's helper cannot do fails its test")]

mod docs;
mod edits;
mod explain;
mod images;
mod inputs;
mod schema;
mod sources;
mod warnings;

use engine_core::{
    Pipeline, Plan, Registries,
    diagnostic::{Diagnostic, SourceFile},
    event::Trigger,
    files::{File, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Missing},
    plan::{Cluster, ClusterIdentity, Environments},
    platform::Platform,
};
use std::{collections::BTreeMap, sync::Arc};

const MANIFEST: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: \"registry.example.com/shop/web:v1\"}]}
";

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: \"registry.example.com/shop/migrate:v7\"}]}
";

fn registry() -> Registries {
    let stages = stages::registry(&kubernetes::Clusters::default());
    Registries { stages, triggers: triggers::registry() }
}

/// Where `production` is named, the platform says what that is; where a secret of a bank is, it grants
/// those of the shop.
fn environments(text: &str) -> Environments {
    if text.contains("environment: production") {
        return placed(
            "version: 1\nclusters: {local: {}}\nenvironments:\n  staging: {cluster: local}\n  \
             production: {cluster: local, production: true}\n",
        );
    }
    if text.contains("BANK_TOKEN") {
        return placed(
            "version: 1\nsecrets: {grants: [{names: [\"SHOP_*\"], applications: [shop]}]}\n",
        );
    }
    Environments::namespaces_of(cluster())
    .lacking_secrets(BTreeMap::from([(
        "STATUS_TOKN".to_owned(),
        "GENNAKER_SECRET_STATUS_TOKN is not set, and /etc/gennaker/secrets/STATUS_TOKN does not exist"
            .to_owned(),
    )]))
}

fn cluster() -> Cluster {
    Cluster {
        name: "local".to_owned(),
        context: "kind".to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        identity: ClusterIdentity::Unread,
    }
}

/// The environments of a platform's file.
fn placed(platform: &str) -> Environments {
    let file = SourceFile::new("gennaker.yaml", platform.as_bytes());
    let platform = Arc::new(Platform::read(&file).unwrap());
    Environments::named(platform, BTreeMap::from([("local".to_owned(), cluster())]))
}

/// A tree in which `k8s/` and `worker/` hold one manifest each and nothing else exists.
fn files(pipeline: &Pipeline) -> Files {
    let mut files = Files::default();
    for request in pipeline.files(&registry()) {
        let found = match request.pattern.as_str() {
            "k8s/" | "k8s/web.yaml" => Found::Paths(vec!["k8s/web.yaml".to_owned()]),
            "k8s/migrate.yaml" => Found::Paths(vec!["k8s/migrate.yaml".to_owned()]),
            "worker/" => Found::Paths(vec!["worker/worker.yaml".to_owned()]),
            _ => Found::Nothing { reason: "there is no such file".to_owned() },
        };
        files.insert_answer(request.pattern, found);
    }
    let content = JOB.as_bytes().into();
    let file = File { content, name: BlobName("hash of the job".to_owned()) };
    files.insert_file("k8s/migrate.yaml".to_owned(), file);
    for name in ["web", "worker"] {
        let content = MANIFEST.replace("web", name).as_bytes().into();
        let file = File { content, name: BlobName(format!("hash of {name}")) };
        let folder = if name == "web" { "k8s" } else { name };
        files.insert_file(format!("{folder}/{name}.yaml"), file);
    }
    files
}

/// The plan of a file that somebody wants to run without giving parameters.
fn plan(text: &str) -> (SourceFile, Result<Plan, Vec<Diagnostic>>, Vec<Diagnostic>) {
    let file = SourceFile::new(".gennaker/shop.yaml", text.as_bytes());
    let bindings = Bindings {
        parameters: BTreeMap::new(),
        actor: "mo".to_owned(),
        trigger: Trigger::Manual,
        missing: Missing::Refused,
        origin: None,
    };
    let pipeline = Pipeline::read(&file, &registry()).bound(&bindings);
    let environments = environments(text);
    let plan = Plan::compile(&pipeline, &environments, &registry(), &files(&pipeline));
    (file, plan, pipeline.warnings(&environments))
}

/// All that is said of a file that somebody wants to run without giving parameters.
fn told(text: &str) -> (SourceFile, Vec<Diagnostic>) {
    let (file, plan, warnings) = plan(text);
    (file, plan.map_or_else(|told| told, |_| warnings))
}
