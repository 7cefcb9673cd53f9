//! The published schema, judged by a validator that is not ours, and the formats of diagnostics.

use crate::program::{PROGRAM, gennaker, pipeline};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines-examples");

fn schema() -> Value {
    let output = Command::new(&*PROGRAM).arg("schema").output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A pipeline as another reader of YAML than ours has it.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_published_schema_is_draft_7_and_takes_every_example() {
    let schema = schema();
    assert!(jsonschema::draft7::meta::is_valid(&schema), "it is no schema of draft 7");
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let mut seen = 0;
    for folder in std::fs::read_dir(EXAMPLES).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(files) = std::fs::read_dir(folder.join(".gennaker")) else { continue };
        for file in files.map(|file| file.unwrap().path()) {
            let instance = yaml(&std::fs::read_to_string(&file).unwrap());
            let faults: Vec<String> =
                validator.iter_errors(&instance).map(|error| error.to_string()).collect();
            assert_eq!(faults, [""; 0], "{}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 8);
}

#[test]
fn the_published_schema_refuses_what_the_program_refuses_for_its_form() {
    let validator = jsonschema::draft7::new(&schema()).unwrap();
    let with = |stage: Value| json!({"version": 1, "name": "shop", "stages": {"a": stage}});
    let wait = json!({"duration": "5s"});
    assert!(validator.is_valid(&with(json!({"wait": wait}))));
    assert!(validator.is_valid(&with(json!({"wait": {"duration": "${{ parameters.pause }}"}}))));
    assert!(validator.is_valid(&with(
        json!({"approval": {"minimum": "${{ parameters.people }}", "approvers": ["user:mo"]}})
    )));
    for wrong in [
        json!({"version": 2, "name": "shop", "stages": {"a": {"wait": wait}}}),
        json!({"version": 1, "name": "shop", "stages": {}}),
        json!({"version": 1, "name": "shop", "stages": {"a": {"wait": wait}}, "stage": {}}),
        with(json!({"wait": wait, "checks": [{"assert": "true"}]})),
        with(json!({"wait": wait, "need": ["b"]})),
        with(json!({"needs": ["b"]})),
        with(json!({"wait": wait, "onFailure": "ignore"})),
        with(json!({"wait": wait, "onFailure": "${{ parameters.x }}"})),
        with(json!({"approval": {"approvers": []}})),
        with(json!({"http": {"url": "https://x/", "method": "FETCH"}})),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

fn diagnostics(folder: &Path, format: &str) -> String {
    let file = pipeline(folder, "bad.yaml", "version: 1\nname: bad\nstages: {a: {need: [b]}}\n");
    let state = folder.join("state");
    let output = gennaker(&state, &["validate", &file, "--format", format]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn faults_are_told_as_sarif_and_as_workflow_commands() {
    let folder = tempfile::tempdir().unwrap();
    let sarif: Value = serde_json::from_str(&diagnostics(folder.path(), "sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results[0]["ruleId"], "E001");
    let region = &results[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&json!(3), &json!(14)));
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == "E001"));
    let github = diagnostics(folder.path(), "github");
    assert!(github.starts_with("::error file=") && github.contains(",line=3,col=14,"), "{github}");
}
