//! What the pipeline language answers to right, wrong and hostile files.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what a test's helper cannot do fails its test"
)]

mod expressions;
mod faults;
mod freezes;
mod hostile;
mod kinds;
mod matrix;
mod plans;
mod rendering;

use engine_core::{
    Pipeline, Registries, Registry,
    diagnostic::{Diagnostic, SourceFile},
    event::Trigger,
    files::{File, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Missing},
    plan::{Cluster, ClusterIdentity, Environments, Plan},
    stage::AnyStage,
};
use std::collections::BTreeMap;

fn registry() -> Registries {
    let stages = Registry::<dyn AnyStage>::default().with(kinds::Deploy).with(kinds::Wait);
    Registries { stages, ..Registries::default() }
}

fn environments() -> Environments {
    Environments::namespaces_of(Cluster {
        name: "local".to_owned(),
        context: "kind".to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        identity: ClusterIdentity::Unread,
    })
}

/// A tree in which `k8s/` holds two manifests and nothing else exists.
fn files(pipeline: &Pipeline) -> Files {
    let mut files = Files::default();
    for request in pipeline.files(&registry()) {
        files.insert_answer(request.pattern.clone(), found(&request.pattern));
    }
    for path in ["k8s/a.yaml", "k8s/b.yaml"] {
        let name = BlobName(format!("hash of {path}"));
        files.insert_file(path.to_owned(), File { content: path.as_bytes().into(), name });
    }
    files
}

fn found(pattern: &str) -> Found {
    match pattern {
        "k8s" | "k8s/" => Found::Paths(vec!["k8s/a.yaml".to_owned(), "k8s/b.yaml".to_owned()]),
        _ => Found::Nothing { reason: "there is no such file".to_owned() },
    }
}

/// Everything from the bytes of a file to its plan.
fn compile(content: &[u8]) -> (SourceFile, Result<Plan, Vec<Diagnostic>>) {
    let file = SourceFile::new("p.yaml", content);
    let bindings = Bindings {
        parameters: BTreeMap::new(),
        actor: "mo".to_owned(),
        trigger: Trigger::Manual,
        missing: Missing::Tolerated,
        origin: None,
    };
    compile_with(file, &bindings)
}

fn compile_with(
    file: SourceFile,
    bindings: &Bindings,
) -> (SourceFile, Result<Plan, Vec<Diagnostic>>) {
    let pipeline = Pipeline::read(&file, &registry()).bound(bindings);
    let plan = Plan::compile(&pipeline, &environments(), &registry(), &files(&pipeline));
    (file, plan)
}

/// The faults of a file as `code line:column message`.
fn faults(text: &str) -> Vec<String> {
    let (file, plan) = compile(text.as_bytes());
    let told = |fault: &Diagnostic| {
        let at = file.position(fault.primary.span.start);
        format!("{} {}:{} {}", fault.code, at.line, at.column, fault.message)
    };
    plan.err().unwrap_or_default().iter().map(told).collect()
}
