//! Facts about what is wrong with a deploy before it runs.

use super::*;
use engine_core::{files::File, id::BlobName};
use serde_json::json;

const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: shop/web:1}]}}}\n";

/// What `pattern` stands for, and the files themselves.
fn files(patterns: &[(&str, &[&str])], contents: &[(&str, &str)]) -> Files {
    let mut files = Files::default();
    for (pattern, paths) in patterns {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        files.insert_answer((*pattern).to_owned(), Found::Paths(paths));
    }
    for (path, content) in contents {
        let name = BlobName((*path).to_owned());
        files.insert_file((*path).to_owned(), File { content: content.as_bytes().into(), name });
    }
    files
}

fn faults(config: serde_json::Value, files: &Files) -> Vec<String> {
    let config: Config = serde_json::from_value(config).unwrap();
    let told =
        |fault: Fault| format!("{:?} {:?}: {}", fault.code, keys(&fault.place), fault.message);
    check(&config, files).into_iter().map(told).collect()
}

fn keys(place: &[Step]) -> String {
    let words = place.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    words.collect::<Vec<_>>().join(".")
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a fault")]
fn every_fault_has_its_code_and_its_place() {
    let files = files(
        &[("a.yaml", &["a.yaml"]), ("b/", &["b/1.yaml", "b/2.yaml"]), ("c/", &["c/x.yaml"])],
        &[
            ("a.yaml", WEB),
            ("b/1.yaml", "kind: Pod"),
            ("b/2.yaml", "a: [1"),
            ("c/x.yaml", "# none"),
        ],
    );
    let table = [
        (json!({"manifests": ["a.yaml"]}), vec![]),
        (json!({"manifests": []}), vec!["Value \"manifests\": `manifests` is empty"]),
        (json!({"manifests": ["nope/"]}), vec![]),
        (
            json!({"manifests": ["c/"]}),
            vec!["Manifest \"manifests\": these files contain no object"],
        ),
        (
            json!({"manifests": ["a.yaml", "b/"]}),
            vec![
                "Manifest \"manifests.1\": b/1.yaml: document 1, line 1: `apiVersion` is missing",
                "Manifest \"manifests.1\": b/1.yaml: document 1, line 1: `metadata.name` of this Pod",
                "Manifest \"manifests.1\": b/2.yaml: document 1",
            ],
        ),
        (
            json!({"manifests": ["a.yaml"], "images": {"wbe": "shop/web:2"}}),
            vec!["Image \"images.wbe\": `wbe` matches no image"],
        ),
        (
            json!({"manifests": ["a.yaml"], "images": {"web": "shop/web:"}}),
            vec!["Value \"images.web\": `shop/web:` is not an image reference"],
        ),
        (
            json!({"manifests": ["a.yaml"], "component": "-x"}),
            vec!["Value \"component\": `-x` is not a name of a component"],
        ),
    ];
    for (config, expected) in table {
        let told = faults(config.clone(), &files);
        assert_eq!(told.len(), expected.len(), "{config}: {told:#?}");
        for (fault, beginning) in told.iter().zip(expected) {
            assert!(fault.starts_with(beginning), "{config}: {fault} / {beginning}");
        }
    }
}

#[test]
fn a_file_that_two_patterns_name_is_read_once() {
    let files = files(
        &[("k8s/", &["k8s/a.yaml"]), ("k8s/a.yaml", &["k8s/a.yaml"])],
        &[("k8s/a.yaml", WEB)],
    );
    assert_eq!(faults(json!({"manifests": ["k8s/", "k8s/a.yaml"]}), &files), Vec::<String>::new());
}
