//! How long it takes to validate large files with which nothing is wrong, beside a bare parser of
//! YAML over the same bytes, in one run.

use engine_core::{
    Pipeline, Plan, Registries,
    diagnostic::SourceFile,
    event::Trigger,
    files::{File, Files, Found},
    id::BlobName,
    pipeline::{Bindings, Missing},
    plan::{Cluster, ClusterIdentity, Environments},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    hint::black_box,
    time::{Duration, Instant},
};

const ROUNDS: usize = 9;

/// A pipeline and what it deploys.
struct Case {
    name: &'static str,
    text: String,
    manifests: Vec<String>,
}

fn main() -> Result<(), String> {
    println!("{:<34}  {:>10}  {:>10}  {:>6}", "", "bare ms", "validate", "ratio");
    for case in cases() {
        let (mut bare, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            bare.push(timed(|| case.parse())?);
            whole.push(timed(|| case.validate())?);
        }
        let (bare, whole) = (median(bare), median(whole));
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        println!(
            "{:<34}  {:>10.2}  {:>10.2}  {:>6.1}",
            case.name,
            milliseconds(bare),
            milliseconds(whole),
            whole.as_secs_f64() / bare.as_secs_f64()
        );
    }
    Ok(())
}

fn cases() -> Vec<Case> {
    let stages = |body: &dyn Fn(usize) -> String| {
        let stages: String = (0..1_000).map(|n| format!("  s{n}: {}\n", body(n))).collect();
        format!("version: 1\nname: large\nstages:\n{stages}")
    };
    let before =
        |n: usize| n.checked_sub(1).map_or(String::new(), |it| format!("needs: [s{it}], "));
    let plain = |n: usize| format!("{{{}wait: {{duration: 1s}}}}", before(n));
    let asked =
        |n: usize| format!("{{{}when: \"run.number > {n}\", wait: {{duration: 1s}}}}", before(n));
    let deploy =
        "version: 1\nname: large\nstages:\n  a: {environment: dev, deploy: {manifests: [k8s/]}}\n";
    vec![
        Case { name: "1,000 stages", text: stages(&plain), manifests: Vec::new() },
        Case { name: "1,000 stages with conditions", text: stages(&asked), manifests: Vec::new() },
        Case {
            name: "300 files",
            text: deploy.to_owned(),
            manifests: (0..300).map(manifest).collect(),
        },
    ]
}

fn manifest(number: usize) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{number}, labels: {{app: web}}}}\n\
         spec:\n  replicas: 3\n  selector: {{matchLabels: {{app: web{number}}}}}\n  template:\n    \
         metadata: {{labels: {{app: web{number}}}}}\n    spec:\n      containers:\n        - name: web\n          \
         image: registry.example.com/shop/web:v{number}\n          ports: [{{containerPort: 8080}}]\n          \
         env: [{{name: MODE, value: production}}, {{name: LEVEL, value: info}}]\n          \
         resources: {{limits: {{memory: 256Mi}}, requests: {{cpu: 100m, memory: 128Mi}}}}\n"
    )
}

impl Case {
    fn parse(&self) -> Result<(), String> {
        for text in self.manifests.iter().chain([&self.text]) {
            let value: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
            black_box(value);
        }
        Ok(())
    }

    fn validate(&self) -> Result<(), String> {
        let stages = stages::registry(&kubernetes::Clusters::default());
        let registry = Registries { stages, triggers: triggers::registry() };
        let file = SourceFile::new("large.yaml", self.text.as_bytes());
        let (parameters, actor) = (BTreeMap::new(), "mo".to_owned());
        let (trigger, missing) = (Trigger::Manual, Missing::Tolerated);
        let bindings = Bindings { parameters, actor, trigger, missing, origin: None };
        let plan = engine_core::expression::remembering(|| {
            let pipeline = Pipeline::read(&file, &registry).bound(&bindings);
            Plan::compile(&pipeline, &environments(), &registry, &self.files())
        });
        match plan {
            Ok(plan) => {
                black_box(plan);
                Ok(())
            }
            Err(faults) => Err(format!("{}: {:?}", self.name, faults.first())),
        }
    }

    fn files(&self) -> Files {
        let mut files = Files::default();
        let path = |number: usize| format!("k8s/{number:03}.yaml");
        for (number, text) in self.manifests.iter().enumerate() {
            let file = File { content: text.as_bytes().into(), name: BlobName(number.to_string()) };
            files.insert_file(path(number), file);
        }
        files.insert_answer(
            "k8s/".to_owned(),
            Found::Paths((0..self.manifests.len()).map(path).collect()),
        );
        files
    }
}

fn environments() -> Environments {
    Environments::namespaces_of(Cluster {
        name: "local".to_owned(),
        context: "kind".to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        identity: ClusterIdentity::Unread,
    })
}

fn timed(work: impl FnOnce() -> Result<(), String>) -> Result<Duration, String> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
