//! Facts about whole sets.

use super::*;

fn set(files: &[(&str, &str)]) -> Result<Rendered, Vec<Fault>> {
    let sources: Vec<Source<'_>> =
        files.iter().map(|(path, content)| Source { path, content: content.as_bytes() }).collect();
    render(&sources, &BTreeMap::new())
}

#[test]
fn objects_keep_the_order_of_the_files() {
    let file =
        |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    let found = set(&[("b.yaml", &file("second")), ("a.yaml", &file("first"))]).unwrap();
    let names: Vec<&Value> =
        found.objects.iter().map(|object| &object["metadata"]["name"]).collect();
    assert_eq!(names, ["second", "first"]);
}

#[test]
fn an_object_that_stands_twice_is_told_with_both_places() {
    let one = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n";
    let other = "# older\napiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: web}\n";
    let faults = set(&[("a.yaml", one), ("b.yaml", other)]).unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "b.yaml: document 1, line 2: Deployment `web` stands already in a.yaml, document 1, line \
         1; keep one of them"
    );
    let elsewhere = "apiVersion: v1\nkind: Deployment\nmetadata: {name: web, namespace: other}\n";
    assert!(set(&[("a.yaml", one), ("b.yaml", elsewhere)]).is_ok());
}

#[test]
fn the_faults_of_all_files_are_told_at_once() {
    let faults = set(&[("a.yaml", "kind: Pod"), ("b.yaml", "- x")]).unwrap_err();
    let files: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(files.iter().any(|fault| fault.starts_with("a.yaml")), "{files:?}");
    assert!(files.iter().any(|fault| fault.starts_with("b.yaml")), "{files:?}");
}
