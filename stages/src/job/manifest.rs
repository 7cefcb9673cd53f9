//! The Job as it is sent: an author's manifest or what the stage says, and what every Job of ours is.

use super::config::{Config, at};
use artifacts::Source;
use engine_core::{
    files::{Files, Found},
    stage::{Fault, FaultCode, StageError, StepContext},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How long a Job stays after its log is kept, unless its manifest says otherwise.
const KEPT_SECONDS: u64 = 60 * 60;

/// A Job that passes the rules.
#[derive(Debug)]
pub(super) struct Manifest {
    object: Value,
}

/// What a Job of ours is, whatever its author says: where a manifest says something else, and what
/// to do about it.
fn fixed() -> [(&'static str, Value, &'static str); 5] {
    [
        ("/spec/backoffLimit", json!(0), "leave it out, and let the stage `retry`"),
        ("/spec/podReplacementPolicy", json!("Failed"), "leave it out"),
        (
            "/spec/template/spec/restartPolicy",
            json!("Never"),
            "leave it out, and let the stage `retry`",
        ),
        ("/spec/parallelism", json!(1), "use a `matrix` of stages"),
        ("/spec/completions", json!(1), "use a `matrix` of stages"),
    ]
}

/// What no Job of ours has.
const REFUSED: [(&str, &str); 4] = [
    ("/spec/suspend", "a job is started at once; leave it out"),
    ("/spec/podFailurePolicy", "pods are not replaced; leave it out, and let the stage `retry`"),
    ("/spec/backoffLimitPerIndex", "pods are not replaced; leave it out"),
    ("/spec/manualSelector", "leave it out, and the selector with it"),
];

/// Every fault of the manifest.
pub(super) fn check(config: &Config, files: &Files) -> Vec<Fault> {
    let Some(pattern) = &config.manifest else { return Vec::new() };
    let paths = match files.found(pattern) {
        Found::Paths(paths) => paths,
        // Who compiles the plan tells what was not found.
        Found::Nothing { .. } => return Vec::new(),
    };
    let sources = paths.iter().filter_map(|path| {
        let file = files.file(path)?;
        Some(Source { path, content: &file.content })
    });
    match only_job(&sources.collect::<Vec<_>>()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    }
}

/// The Job of this attempt, as the run's plan has it.
pub(super) async fn read(
    context: &StepContext,
    config: &Config,
    name: &str,
) -> Result<Manifest, StageError> {
    let defect = |message: &str| StageError::Defect(message.to_owned());
    let Some(pattern) = &config.manifest else {
        return Ok(Manifest { object: config.job(name) });
    };
    let paths = context.patterns.get(pattern);
    let [path] = paths.map(Vec::as_slice).unwrap_or_default() else {
        return Err(defect("the plan has not one file for the job's manifest"));
    };
    let content =
        context.files.get(path).ok_or_else(|| defect("the plan lacks the job's manifest"))?;
    let content = context.services.read(content).await;
    let content = content.map_err(|error| StageError::Error(format!("{path}: {error}")))?;
    let object = only_job(&[Source { path, content: &content }]).map_err(|faults| {
        let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        StageError::Defect(format!("the plan's job cannot be read: {}", told.join("; ")))
    })?;
    Ok(Manifest { object })
}

fn only_job(sources: &[Source<'_>]) -> Result<Value, Vec<Fault>> {
    let rendered = artifacts::render(sources, &BTreeMap::new());
    let mut objects = rendered
        .map_err(|faults| {
            faults.into_iter().map(|fault| told(fault.to_string(), None)).collect::<Vec<_>>()
        })?
        .objects;
    let count = objects.len();
    let (Some(object), 1) = (objects.pop(), count) else {
        let message = format!("a job's manifest is one Job, and here are {count} objects");
        let help = "deploy the others by a `deploy` stage before this one";
        return Err(vec![told(message, Some(help))]);
    };
    let faults = faults(&object);
    if faults.is_empty() { Ok(object) } else { Err(faults) }
}

fn told(message: String, help: Option<&str>) -> Fault {
    let help = help.map(str::to_owned);
    Fault { code: FaultCode::Manifest, place: at("manifest"), message, help }
}

fn faults(object: &Value) -> Vec<Fault> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    if (text("apiVersion"), text("kind")) != ("batch/v1", "Job") {
        let message = format!("this is a {} of {}, and no Job", text("kind"), text("apiVersion"));
        let help = "`job` runs a Job of batch/v1; anything else is deployed by `deploy`";
        return vec![told(message, Some(help))];
    }
    let name = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
    let mut faults = Vec::new();
    for (pointer, expected, help) in fixed() {
        let found = object.pointer(pointer).filter(|found| **found != expected);
        faults.extend(found.map(|found| {
            let message = format!("`{}` is {found}, and a job's is {expected}", name(pointer));
            told(message, Some(help))
        }));
    }
    for (pointer, help) in REFUSED {
        let found = object.pointer(pointer).filter(|found| **found != json!(false));
        let message = format!("`{}` does not go with a job of a pipeline", name(pointer));
        faults.extend(found.map(|_| told(message, Some(help))));
    }
    faults.extend(restarting(object));
    faults
}

/// Containers that would be started again by themselves; sidecars may be.
fn restarting(object: &Value) -> Option<Fault> {
    let containers = object.pointer("/spec/template/spec/containers")?.as_array()?;
    let policy =
        |container: &&Value| container.get("restartPolicy").is_some_and(|policy| policy != "Never");
    containers.iter().find(policy)?;
    let message = "a container has a `restartPolicy` other than Never".to_owned();
    Some(told(message, Some("leave it out, and let the stage `retry`")))
}

impl Manifest {
    /// The object to create. How long it stays is said once its log is kept.
    pub(super) fn named(mut self, name: &str, namespace: &str) -> Value {
        if let Some(metadata) = entry(&mut self.object, "metadata") {
            metadata.insert("name".to_owned(), json!(name));
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        if let Some(spec) = entry(&mut self.object, "spec") {
            spec.remove("ttlSecondsAfterFinished");
            spec.insert("backoffLimit".to_owned(), json!(0));
            spec.insert("podReplacementPolicy".to_owned(), json!("Failed"));
        }
        let template = self.object.pointer_mut("/spec/template");
        if let Some(pod) = template.and_then(|template| entry(template, "spec")) {
            pod.insert("restartPolicy".to_owned(), json!("Never"));
        }
        self.object
    }

    /// How long the finished Job stays.
    pub(super) fn kept_seconds(&self) -> Value {
        let said = self.object.pointer("/spec/ttlSecondsAfterFinished");
        said.cloned().unwrap_or_else(|| json!(KEPT_SECONDS))
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.object.pointer("/metadata/namespace").and_then(Value::as_str)
    }
}

/// The map under `key`, made if there is none; nothing where `object` is no map.
fn entry<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let entry = object.as_object_mut()?.entry(key).or_insert(Value::Null);
    if !entry.is_object() {
        *entry = json!({});
    }
    entry.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec:\n";

    fn read(content: &str) -> Result<Value, Vec<String>> {
        let source = Source { path: "job.yaml", content: content.as_bytes() };
        only_job(&[source]).map_err(|faults| faults.into_iter().map(|it| it.message).collect())
    }

    #[test]
    fn what_would_run_twice_is_told_before_it_runs() {
        let template = "template: {spec: {containers: [{name: a, image: b}]}}";
        for (spec, message) in [
            ("backoffLimit: 3", "`spec.backoffLimit` is 3, and a job's is 0"),
            (
                "podReplacementPolicy: TerminatingOrFailed",
                "`spec.podReplacementPolicy` is \"TerminatingOrFailed\", and a job's is \"Failed\"",
            ),
            ("parallelism: 2", "`spec.parallelism` is 2, and a job's is 1"),
            ("completions: 5", "`spec.completions` is 5, and a job's is 1"),
            ("suspend: true", "`spec.suspend` does not go with a job of a pipeline"),
            (
                "podFailurePolicy: {rules: []}",
                "`spec.podFailurePolicy` does not go with a job of a pipeline",
            ),
        ] {
            let content = format!("{JOB}  {spec}\n  {template}\n");
            assert_eq!(read(&content), Err(vec![message.to_owned()]));
        }
        for (pod, message) in [
            (
                "restartPolicy: OnFailure",
                "`spec.template.spec.restartPolicy` is \"OnFailure\", and a job's is \"Never\"",
            ),
            (
                "containers: [{name: a, image: b, restartPolicy: Always}]",
                "a container has a `restartPolicy` other than Never",
            ),
        ] {
            let content = format!("{JOB}  template: {{spec: {{{pod}}}}}\n");
            assert_eq!(read(&content), Err(vec![message.to_owned()]));
        }
        let fine = format!("{JOB}  backoffLimit: 0\n  suspend: false\n  {template}\n");
        assert!(read(&fine).is_ok(), "{:?}", read(&fine));
    }

    #[test]
    fn a_manifest_is_one_job() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        assert_eq!(read(pod), Err(vec!["this is a Pod of v1, and no Job".to_owned()]));
        let both = format!("{JOB}  template: {{}}\n---\n{pod}");
        let message = "a job's manifest is one Job, and here are 2 objects";
        assert_eq!(read(&both), Err(vec![message.to_owned()]));
    }

    #[test]
    fn what_is_sent_is_never_tried_again_by_kubernetes() {
        let content = format!("{JOB}  ttlSecondsAfterFinished: 5\n  template: {{spec: {{}}}}\n");
        let manifest = Manifest { object: read(&content).unwrap() };
        assert_eq!(manifest.kept_seconds(), json!(5));
        let sent = manifest.named("migrate-1", "shop");
        assert_eq!(sent["metadata"], json!({"name": "migrate-1", "namespace": "shop"}));
        let template = json!({"spec": {"restartPolicy": "Never"}});
        let spec =
            json!({"backoffLimit": 0, "podReplacementPolicy": "Failed", "template": template});
        assert_eq!(sent["spec"], spec);
    }
}
