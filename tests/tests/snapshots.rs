//! The JSON that programs read is an interface: each document is held to the one that is checked
//! in, and may only have gained fields. `GENNAKER_WRITE_SNAPSHOTS=1` writes them anew.

use crate::{
    api::{ASK, SHORT, Served},
    program::{gennaker, pipeline},
};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path, sync::LazyLock};

/// Whoever runs these tests.
static USER: LazyLock<String> = LazyLock::new(|| {
    let output = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
});

/// What differs from run to run, named by the order in which it comes.
#[derive(Default)]
struct Normal {
    names: BTreeMap<String, String>,
}

impl Normal {
    fn of(&mut self, value: &mut Value, folder: &str) {
        match value {
            Value::String(text) => *text = self.text(text, folder),
            Value::Array(items) => items.iter_mut().for_each(|item| self.of(item, folder)),
            Value::Object(entries) => {
                for (name, entry) in entries {
                    match name.as_str() {
                        "elapsed" | "civil" => *entry = "TIME".into(),
                        _ => self.of(entry, folder),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str, folder: &str) -> String {
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let kind = match text.len() {
            36 if is_hex(text) => "RUN",
            64 if is_hex(text) => "HASH",
            24 if text.ends_with('Z') && text.as_bytes()[10] == b'T' => return "TIME".to_owned(),
            _ if text == *USER => return "USER".to_owned(),
            _ => return text.replace(folder, "FOLDER"),
        };
        let next = self.names.values().filter(|name| name.starts_with(kind)).count() + 1;
        self.names.entry(text.to_owned()).or_insert(format!("{kind} {next}")).clone()
    }
}

fn holds(name: &str, mut document: Value, folder: &Path) {
    Normal::default().of(&mut document, folder.to_str().unwrap());
    let text = format!("{document:#}\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/{name}.json"));
    if std::env::var_os("GENNAKER_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let expected = serde_json::from_str(&expected).unwrap();
    let (mut lost, place) = (Vec::new(), name.to_owned());
    compare(&expected, &document, (place, &mut lost));
    assert_eq!(lost, Vec::<String>::new(), "{text}");
}

/// What is expected and not there, or not as it was.
fn compare(expected: &Value, found: &Value, (place, lost): (String, &mut Vec<String>)) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, value) in expected {
                let place = format!("{place}.{name}");
                match found.get(name) {
                    Some(found) => compare(value, found, (place, lost)),
                    None => lost.push(format!("{place} is gone")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (value, found)) in expected.iter().zip(found).enumerate() {
                compare(value, found, (format!("{place}[{index}]"), lost));
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => lost.push(format!("{place} was {expected}, is {found}")),
    }
}

#[test]
fn a_field_that_is_gone_or_another_is_found_and_a_new_one_is_none() {
    let old = serde_json::json!({"a": [{"b": 1}], "c": null});
    for (new, lost) in [
        (serde_json::json!({"a": [{"b": 1, "d": 2}], "c": null, "e": 3}), 0),
        (serde_json::json!({"a": [{"b": 2}], "c": null}), 1),
        (serde_json::json!({"a": [{"b": 1}]}), 1),
        (serde_json::json!({"a": [], "c": null}), 1),
        (serde_json::json!({"a": [{"B": 1}], "c": 0}), 2),
    ] {
        let mut found = Vec::new();
        compare(&old, &new, (String::new(), &mut found));
        assert_eq!(found.len(), lost, "{new}: {found:?}");
    }
}

/// What a machine is like differs; which checks there are, and what is said of each, does not.
fn shapes(findings: &mut Value) {
    for finding in findings.as_array_mut().unwrap() {
        finding["detail"] = "DETAIL".into();
        if finding.get("remedy").is_some() {
            finding["remedy"] = "REMEDY".into();
        }
    }
}

#[test]
fn the_documents_that_programs_read_are_as_they_were() {
    let served = Served::start();
    let short = served.begin(SHORT);
    served.until(&short, "succeeded");
    let ask = served.begin(ASK);
    served.until(&ask, "waiting");
    let folder = served.folder.path();
    let file = pipeline(folder, "ask.yaml", ASK);
    let broken = pipeline(folder, "broken.yaml", "version: 1\nname: x\nstages:\n  a: {wiat: {}}\n");
    let commands: [(&str, &[&str]); 7] = [
        ("get-runs", &["get", "runs", "-o", "json"]),
        ("describe-run-waiting", &["describe", "run", &ask, "-o", "json"]),
        ("describe-run-ended", &["describe", "run", &short, "-o", "json"]),
        ("get-pipelines", &["get", "pipelines", "-o", "json"]),
        ("doctor", &["doctor", "-o", "json"]),
        ("plan", &["plan", &file, "-o", "json"]),
        ("validate", &["validate", &broken, "--format", "json"]),
    ];
    for (name, arguments) in commands {
        let mut command = gennaker(&served.state(), arguments);
        command.env_remove("KUBECONFIG").env("HOME", folder).current_dir(folder);
        let output = command.output().unwrap();
        let document = serde_json::from_slice(&output.stdout);
        let mut document = document.unwrap_or_else(|error| panic!("{name}: {error}"));
        if name == "doctor" {
            shapes(&mut document);
        }
        holds(name, document, folder);
    }
    for (name, path) in [
        ("api-runs", "/api/v1/runs".to_owned()),
        ("api-pipelines", "/api/v1/pipelines".to_owned()),
        ("api-run-events", format!("/api/v1/runs/{short}/events")),
        ("api-run-plan", format!("/api/v1/runs/{short}/plan")),
        ("api-problem", "/api/v1/runs/nowhere".to_owned()),
    ] {
        holds(name, served.get(&path).json(), folder);
    }
}
